import { runLine } from "../run_line.ts";
import { parseCommandLine } from "../../lib/command_line/parse.ts";
import { VERB as FAILED } from "../../lib/commands/failed.ts";
import { UsageError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";

Deno.test("each option has its value or its default, of its own type", () => {
  const { options } = runLine(["--timeout", "7.5", "--retries=2", "--jobs", "3"]);
  const seconds: number | null = options.timeout;
  const retries: number | null = options.retries;
  const jobs: number | "auto" | null = options.jobs;
  const bare = runLine([]).options;
  const json: boolean = bare.json;
  assertEquals([seconds, retries, jobs, json], [7.5, 2, 3, false]);
  assertEquals(runLine(["--jobs=auto"]).options.jobs, "auto");
  assertEquals(
    [bare.timeout, bare.retries, bare.jobs, bare.color, bare.tptProto, bare.isolate],
    [null, null, null, "auto", [], null],
  );
});

Deno.test("a time is seconds, or hours, minutes and seconds", () => {
  const times = ["90", "90s", "0.5", "5m", "1h30m", "2h", "1h5s", "0"];
  assertEquals(
    times.map((time) => runLine(["--timeout", time]).options.timeout),
    [90, 90, 0.5, 300, 5400, 7200, 3605, 0],
  );
});

Deno.test("an option that the table or the command lacks does not compile", () => {
  const line = parseCommandLine(FAILED, []);
  // @ts-expect-error: no row has this name
  assertEquals(line.has("retires"), false);
  // @ts-expect-error: `failed` does not take it
  assertEquals(line.options.retries, undefined);
});

Deno.test("seconds and counts outside of their bounds are refused", () => {
  const cases = [
    [
      "--timeout",
      ["", "-1", "5x", "1e3", "Infinity", "1000001", "1m1h", "1.5h", "m"],
      "seconds or a time such as 5m or 1h30m, from 0 to 1000000",
    ],
    ["--retries", ["-1", "1.5", "x", "1001"], "a count, from 0 to 1000"],
    ["--jobs", ["0", "257", "all"], "a count, from 1 to 256, or auto"],
  ] as const;
  for (const [option, texts, takes] of cases) {
    for (const text of texts) {
      const error = assertThrows(() => runLine([`${option}=${text}`]), UsageError);
      if (text !== "") assertEquals(error.hint, `it takes ${takes}`);
    }
  }
});
