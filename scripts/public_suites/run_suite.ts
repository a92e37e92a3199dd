/** Runs a suite in one mode. */

import { aliveAfter, COOKIE, endAll } from "./alive.ts";
import {
  COMPARED,
  COUNTED,
  type Counts,
  type ModeName,
  type Suite,
  type SuiteRun,
} from "./results.ts";

/** Where a suite is, and with what it is run. */
export interface Place {
  readonly suite: Suite;
  /** Its checkout, with a venv in `.venv`. */
  readonly checkout: string;
  /** A directory of this sitting's own, for home, state and what the runs write. */
  readonly scratch: string;
  readonly tractest: string;
  /** Seconds after which a run is ended. */
  readonly limit: number;
}

const OWN = new URL(".", import.meta.url).pathname;

/** The words of each mode, as a person would type them. */
export function commandOf(mode: ModeName, suite: Suite): string[] {
  const { uncompared = [], byChance = [], runOptions = [] } = suite;
  const isCompared = COMPARED.includes(mode);
  const targets = [...suite.targets, ...(isCompared ? [] : uncompared)];
  const leftOut = isCompared ? byChance.map((id) => `--deselect=${id}`) : [];
  const options = [...suite.options, ...leftOut];
  const pytest = [".venv/bin/python", "-m", "pytest"];
  const rest = options.length > 0 ? ["--", ...options] : [];
  const run = (...words: string[]) => {
    return ["tractest", "run", ...targets, ...runOptions, ...words, ...rest];
  };
  switch (mode) {
    case "bare":
      return [...pytest, ...options, ...targets];
    case "xdist":
      return [...pytest, "-n", "2", ...options, ...targets];
    case "run":
      return run();
    case "isolate":
      return run("--isolate");
    case "jobs":
      return run("--jobs", "2");
  }
}

/** Runs a suite in one mode to its end, and ends what it left. */
export async function runSuite(place: Place, mode: ModeName): Promise<SuiteRun> {
  const words = commandOf(mode, place.suite);
  if (words[0] !== "tractest") return await observe(place, mode, words);
  return await observe(place, mode, [place.tractest, "run", "--json", ...words.slice(2)]);
}

/** Starts tractest once: what it unpacks at its first start counts for no run. */
export async function startOnce(place: Place): Promise<void> {
  const files = { record: "", stdout: `${place.scratch}/version.out` };
  await runToEnd(place, crypto.randomUUID(), [place.tractest, "version"], files);
}

/** How often one test fails alone, with bare pytest. */
export async function failsAlone(
  place: Place,
  id: string,
  times: number,
): Promise<{ failed: number; of: number }> {
  let failed = 0;
  const words = [".venv/bin/python", "-m", "pytest", ...place.suite.options, id];
  for (let time = 0; time < times; time++) {
    const { code, failing } = await observe({ ...place, limit: 120 }, "bare", words);
    if (code !== 0 || failing.length > 0) failed++;
  }
  return { failed, of: times };
}

async function observe(place: Place, mode: ModeName, words: readonly string[]): Promise<SuiteRun> {
  const { checkout, scratch, suite } = place;
  const cookie = crypto.randomUUID();
  const files = {
    record: `${scratch}/record.jsonl`,
    stdout: `${scratch}/${suite.name}-${mode}.out`,
  };
  await Deno.remove(files.record).catch(() => {});
  const { code, seconds } = await runToEnd(place, cookie, words, files);
  const inCheckout = (title: string) => title.replaceAll(`${checkout}/`, "");
  const alive = (await aliveAfter(cookie, checkout)).map(({ title }) => inCheckout(title));
  await endAll(cookie, checkout);
  const found = words[0] === place.tractest
    ? readDocument(await Deno.readTextFile(files.stdout))
    : readRecord(await Deno.readTextFile(files.record).catch(() => ""));
  const lastLine = found.counts === null ? await lastLineOf(files.stdout) : null;
  const leaks = found.leaks?.map(inCheckout) ?? null;
  return { mode, code, seconds, alive, lastLine, ...found, leaks };
}

/** The last line of what a run wrote; its standard error comes first. */
async function lastLineOf(stdout: string): Promise<string | null> {
  const texts = [stdout.replace(/out$/, "err"), stdout].map((path) => Deno.readTextFile(path));
  const lines = (await Promise.all(texts)).map((text) => text.trim().split("\n").at(-1)!);
  return lines.find((line) => line !== "") ?? null;
}

/**
 * In a session of its own, with files as its standard streams; Ctrl-C means what it means at a
 * terminal, also where the script itself was started in the background.
 */
async function runToEnd(
  { suite, checkout, scratch, tractest, limit }: Place,
  cookie: string,
  words: readonly string[],
  files: { readonly record: string; readonly stdout: string },
): Promise<{ code: number | null; seconds: number }> {
  const redirect = 'out=$1; shift; exec "$@" >"$out" 2>"${out%.out}.err" </dev/null';
  const path = Deno.env.get("PATH") ?? "/usr/bin:/bin";
  const isOurs = words[0] === tractest;
  const child = new Deno.Command("env", {
    args: ["--default-signal=INT,QUIT", "sh", "-c", redirect, "sh", files.stdout, ...words],
    cwd: checkout,
    clearEnv: true,
    env: {
      HOME: `${scratch}/home`,
      XDG_STATE_HOME: `${scratch}/state/${suite.name}`,
      LANG: "C.UTF-8",
      TERM: "xterm",
      [COOKIE]: cookie,
      ...suite.environment,
      // What a venv gives when it is active; tractest has to find it.
      PATH: isOurs ? path : `${checkout}/.venv/bin:${path}`,
      ...(isOurs ? {} : {
        VIRTUAL_ENV: `${checkout}/.venv`,
        PYTEST_PLUGINS: "recorder",
        PYTHONPATH: OWN,
        SUITES_RECORD: files.record,
      }),
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endAll(cookie, checkout);
  }, limit * 1_000);
  const start = performance.now();
  const { code } = await child.status;
  clearTimeout(timer);
  return { code: late ? null : code, seconds: (performance.now() - start) / 1_000 };
}

type Reported = Pick<SuiteRun, "counts" | "failing" | "contended" | "leaks" | "left">;

/** What the recorder wrote. */
function readRecord(text: string): Reported {
  const lines = text.split("\n").filter((line) => line.endsWith("}")).map((line) =>
    JSON.parse(line) as { id: string; failed: boolean; category: string }
  );
  const of = (word: string) => lines.filter(({ category }) => category === word).length;
  return {
    counts: lines.length === 0 ? null : counted((word) => of(word === "errors" ? "error" : word)),
    failing: sortedIds(lines.filter(({ failed }) => failed)),
    contended: [],
    leaks: null,
    left: null,
  };
}

/** What `tractest run --json` reported. */
function readDocument(text: string): Reported {
  const start = text.indexOf('{\n  "schema"');
  // deno-lint-ignore no-explicit-any -- a document of another program
  let document: any = null;
  try {
    if (start >= 0) document = JSON.parse(text.slice(start));
  } catch {
    // It was cut.
  }
  const groups: readonly Leftovers[] = document?.leftBehind ?? [];
  const leaks = groups.flatMap(({ id, processes }) =>
    processes.map(({ title }) => `${id ?? "test unknown"}: ${title}`)
  );
  const left: readonly Leftovers[] = document?.left ?? [];
  return {
    counts: document?.counts ? counted((word) => document.counts[word] ?? 0) : null,
    failing: sortedIds(document?.failures ?? []),
    contended: document?.contended ?? [],
    leaks,
    left: left.reduce((sum, { processes }) => sum + processes.length, 0),
  };
}

interface Leftovers {
  readonly id: string | null;
  readonly processes: readonly { readonly title: string }[];
}

function counted(of: (word: typeof COUNTED[number]) => number): Counts {
  return Object.fromEntries(COUNTED.map((word) => [word, of(word)])) as unknown as Counts;
}

/** Ids as bare pytest has them: xdist adds the group of a test behind an `@`. */
function sortedIds(reports: readonly { readonly id: string }[]): string[] {
  return [...new Set(reports.map(({ id }) => id))].sort();
}
