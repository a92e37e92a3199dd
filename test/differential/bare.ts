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

/** The result of pytest itself for a suite. */
export interface Bare {
  /** Null if it did not end. */
  readonly code: number | null;
  /** The allowed verdict: green only if pytest is green and its session reached its end. */
  readonly verdict: "green" | "red" | "either";
  readonly counts: Counts;
  readonly failures: readonly FailedPhase[];
  readonly junit: Junit | null;
  readonly text: string;
}

/** Runs bare pytest with a plugin that records what is reported. */
export async function runBare(suite: RandomSuite, place: Place): Promise<Bare> {
  const record = join(place.path, "record.jsonl");
  // Properties cause a warning, which may be an error, only if a report is written.
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
  // Everything was reported, and then it did not exit: tractest ends it, reports that, and is green
  // without --strict.
  const hangsAtExit = code === null &&
    lines.some(({ kind, status }) => kind === "finished" && Number(status) === 0);
  const isGood = lines.some(({ kind, status }) => kind === "finish" && Number(status) === 0);
  const red = (code !== 0 && !hangsAtExit) || failed.length > 0 || !isGood;
  return {
    code,
    // Exit code 0, but not everything was reported: pytest.exit(returncode=0), or a hook that ends
    // pytest during its end.
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
