import { join } from "@std/path";
import {
  type Counts,
  type FailedPhase,
  jsonLines,
  type Junit,
  plainId,
  readJunit,
} from "./observed.ts";
import { bareLimit, type Place } from "./place.ts";
import { piecesOf, type RandomSuite } from "./suite.ts";

/** What pytest itself makes of a suite. */
export interface Bare {
  /** null: it did not end. */
  readonly code: number | null;
  /** What may be said of it: green only where pytest says so of a session that came to its end. */
  readonly verdict: "green" | "red" | "either";
  readonly counts: Counts;
  readonly failures: readonly FailedPhase[];
  readonly junit: Junit | null;
  readonly text: string;
}

/** Runs bare pytest, with a plugin beside it that writes down what is reported. */
export async function runBare(suite: RandomSuite, place: Place): Promise<Bare> {
  const record = join(place.path, "record.jsonl");
  // Properties are a warning only where a report is written, which may be an error.
  const report = piecesOf(suite).some(({ feature }) => feature === "properties")
    ? []
    : [`--junitxml=${place.path}/bare.xml`];
  const words = ["py310/bin/python", "-m", "pytest", ...report];
  const { code, stdout, stderr } = await place.run(words, bareLimit(suite), {
    DIFFERENTIAL_RECORD: record,
    PYTEST_PLUGINS: "recorder",
    PYTHONPATH: new URL(".", import.meta.url).pathname,
    PYTHONDONTWRITEBYTECODE: "1",
  });
  const lines = jsonLines(await place.text("record.jsonl")) as Record<string, string>[];
  const of = (...categories: string[]) =>
    lines.filter((line) => categories.includes(line.category ?? "")).length;
  const said = (kind: string) => lines.some((line) => line.kind === kind);
  const failed = lines.filter((line) => line.outcome === "failed");
  // All that was to come has come, and then it did not exit: tractest ends that, says so, and is
  // green without --strict.
  const hangsAtExit = code === null &&
    lines.some(({ kind, status }) => kind === "finished" && Number(status) === 0);
  const isGood = lines.some(({ kind, status }) => kind === "finish" && Number(status) === 0);
  const red = (code !== 0 && !hangsAtExit) || failed.length > 0 || !isGood;
  return {
    code,
    // Exit code 0, but not all that was to come has come: pytest.exit(returncode=0), a hook that
    // ends the end.
    verdict: red
      ? "red"
      : hangsAtExit || said("interrupted") || !said("finished")
      ? "either"
      : "green",
    counts: {
      passed: of("passed"),
      failed: of("failed"),
      skipped: of("skipped"),
      errors: of("error"),
      xfailed: of("xfailed"),
      xpassed: of("xpassed"),
    },
    failures: failed.map(({ id = "", phase = "" }) => ({ id: plainId(id), phase })),
    junit: readJunit(await place.text("bare.xml")),
    text: stdout + stderr,
  };
}
