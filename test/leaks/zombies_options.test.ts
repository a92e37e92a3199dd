import { parseCommandLine } from "../../lib/command_line/parse.ts";
import { VERB } from "../../lib/leaks/command.ts";
import { parsePid } from "../../lib/leaks/parse_pid.ts";
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
  const grace = (...words: string[]) => parseCommandLine(VERB, words).options.grace;
  assertEquals(grace(), 3);
  for (const [text, seconds] of [["0", 0], ["1.5", 1.5], ["1s", 1], ["3600", 3600]] as const) {
    assertEquals(grace("--grace", text), seconds);
  }
  for (const text of ["-1", "x", "", "1x", "61m", "Infinity", "3601", "NaN"]) {
    assertThrows(() => grace(`--grace=${text}`), UsageError);
  }
});
