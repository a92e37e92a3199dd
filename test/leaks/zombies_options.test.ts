import { parseGrace, parsePid } from "../../lib/leaks/zombies_options.ts";
import { UsageError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";

Deno.test("fault 13: only a plain pid of another process is taken", () => {
  assertEquals(parsePid("12", 7), 12);
  assertEquals(parsePid("4194304", 7), 4194304);
  for (
    const text of [
      "0",
      "1",
      "-1",
      "7",
      "12 13",
      "99999999999",
      "4194305",
      "",
      "1e3",
      "0x10",
      "012",
      "12\n",
      "٣",
    ]
  ) {
    assertThrows(() => parsePid(text, 7), UsageError);
  }
});

Deno.test("the grace is seconds from 0 to an hour, 3 unless given", () => {
  assertEquals([undefined, "0", "1.5", "3600"].map(parseGrace), [3, 0, 1.5, 3600]);
  for (const text of ["-1", "x", "", "1s", "Infinity", "3601", "NaN"]) {
    assertThrows(() => parseGrace(text), UsageError);
  }
});
