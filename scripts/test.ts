/**
 * Runs every gate (each counts as one test), then the tests, and reports the results. Started by
 * `scripts/test`.
 *
 * A test that cannot run here is ignored and ends its name with the reason: `… (needs tmux)`.
 */

import { checkImports, sourceFiles } from "./check_imports.ts";
import { checkShape } from "./check_shape.ts";
import { needsBinary, testsForChanges } from "./choose_tests.ts";
import { inLanes, laneCount, type TestResult } from "./lanes.ts";

const [graphFlags = "", ...words] = Deno.args;
const GRAPH = graphFlags.split(" ");
/** No test takes this long. */
const HANGS_MINUTES = 4;

/** Prefix of the names of failures that are not tests. */
const WHOLE = "the test run of";

/** Tests that need the compiled kind. */
const COMPILED_ONLY = "test/build/compiled";
/**
 * Test files of the built binary that run on the compiled kind too: what users download is made by
 * `deno compile`, while the self-contained kind is what most machines without Deno's download site
 * build and what all other tests use.
 */
const COMPILED_KIND = [
  COMPILED_ONLY,
  "test/cli/background",
  "test/cli/check",
  "test/cli/doctor",
  "test/cli/hooks",
  "test/cli/isolate",
  "test/cli/ledger",
  "test/cli/permissions",
  "test/cli/reports",
  "test/cli/run.test",
  "test/cli/run_engine",
  "test/cli/start",
  "test/cli/state",
  "test/cli/zombies",
  "test/cli.test",
];
const COMPILED_BINARY = `${Deno.cwd()}/dist/compiled/tractest`;

/** A binary that the tests drive, and how many of them passed and failed on it. */
interface Kind {
  /** Suffix of the names of failures; "" for `dist/tractest`. */
  readonly label: "" | "compiled";
  readonly command: readonly string[];
  passed: number;
  failed: number;
}

const BUILT: Kind = { label: "", command: [], passed: 0, failed: 0 };
const COMPILED: Kind = {
  label: "compiled",
  command: ["env", `TRACTEST_BINARY=${COMPILED_BINARY}`],
  passed: 0,
  failed: 0,
};

let passed = 0;
let failed = 0;
let hung = false;
const skipped = new Map<string, number>();
const failures: string[] = [];

// Retried tests of random cases need the same cases.
if (!Deno.env.has("TRACTEST_SEED")) {
  Deno.env.set("TRACTEST_SEED", String(Math.floor(Math.random() * 2 ** 31)));
}
const isWhole = words.length === 0;
const sources = await readSources();
const chosen = await chooseTests();
if (isWhole) await gates();
else if (chosen.some((test) => needsBinary(test, sources))) await buildBinary();
await tests(chosen.filter((path) => !path.includes(COMPILED_ONLY)), BUILT);
await compiledTests(chosen.filter((path) => COMPILED_KIND.some((part) => path.includes(part))));
conclude();

async function readSources(): Promise<Map<string, string>> {
  const paths = await sourceFiles(["main.ts", "lib", "test", "scripts"]);
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  return new Map(paths.map((path, index) => [path, texts[index]!]));
}

/** The test files that the command line names; all of them if it names none. */
async function chooseTests(): Promise<readonly string[]> {
  const all = [...sources.keys()].filter((path) => /^test\/.*[._]test\.ts$/.test(path));
  if (isWhole) return all;
  if (words[0] !== "--changed") {
    const named = all.filter((path) => words.some((word) => path.includes(word)));
    if (named.length === 0) fail(`no test file's path contains ${words.join(" or ")}`);
    return named;
  }
  const { tests, leftOut } = testsForChanges(all, await changedFiles(words[1] ?? "HEAD"), sources);
  if (tests.length === 0) console.log("no test imports a changed file");
  if (leftOut.length > 0) {
    console.log(
      `not run: ${leftOut.length} other test files of the binary (./scripts/test runs all)`,
    );
  }
  return tests;
}

/** Files that differ from a commit, and new files that git does not ignore. */
async function changedFiles(base: string): Promise<string[]> {
  const lists = [["diff", "--name-only", base, "--"], ["ls-files", "-o", "--exclude-standard"]];
  const files: string[] = [];
  for (const args of lists) {
    const { success, stdout } = await new Deno.Command("git", { args, stderr: "inherit" }).output();
    if (!success) fail(`git ${args.join(" ")}`);
    files.push(...new TextDecoder().decode(stdout).split("\n").filter((line) => line !== ""));
  }
  return files;
}

function conclude(): never {
  if (failures.length > 0) {
    console.log(`\nfailed:\n${indented(failures)}`);
  }
  const reasons = [...skipped].map(([reason, count]) =>
    count > 1 ? `${reason} (${count})` : reason
  );
  const skips = [...skipped.values()].reduce((sum, count) => sum + count, 0);
  console.log(`${skips} skipped${skips === 0 ? "" : `: ${reasons.join("; ")}`}`);
  for (const { label, passed, failed } of [BUILT, COMPILED]) {
    const kind = label === "" ? "all tests, with dist/tractest" : "on the compiled kind";
    console.log(`${kind}: ${passed} passed, ${failed} failed`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}

async function buildBinary(): Promise<void> {
  await gate("the binary is built", () => command("scripts/build"));
}

function isEmpty(problems: readonly string[]): boolean {
  for (const problem of problems) console.log(problem);
  return problems.length === 0;
}

async function gates(): Promise<void> {
  const all = [...sources.keys()];
  const program = all.filter((path) => path === "main.ts" || path.startsWith("lib/"));
  await gate("the sources are formatted", () => deno(["fmt", "--check"]));
  // `no-slow-types` is for packages on JSR, and needs access to JSR.
  await gate(
    "the sources pass the linter",
    () => deno(["lint", "--quiet", "--rules-exclude=no-slow-types"]),
  );
  await gate("the sources pass the type check", () => deno(["check", "--quiet", ...GRAPH, ...all]));
  await gate("imports go one way", async () => isEmpty(await checkImports()));
  await gate("files are easy to read", async () => isEmpty(await checkShape()));
  await gate("every public symbol is documented", () => documented(program));
  await buildBinary();
}

/**
 * Runs test files on one kind of binary, with their output as it comes, and counts from the reports
 * that Deno writes.
 */
async function tests(files: readonly string[], kind: Kind): Promise<void> {
  if (files.length === 0) return;
  const lanes = files.length === 1 ? 1 : await laneCount();
  if (lanes === 1) return failAll(count(await alone(kind, files), kind), kind);
  const results = await inLanes(
    lanes,
    files,
    (files, results) => testCommand(kind, files, results),
    isHung,
  );
  const failing = results.map((result) => ({ files: result.files, names: count(result, kind) }))
    .filter(({ names }) => names.length > 0);
  if (failing.length === 0) return;
  // A failure next to other tests counts only if it also happens alone.
  const names = failing.flatMap((one) => one.names);
  console.log(`\nrun again alone, after a failure next to other tests:\n${indented(names)}`);
  const left: string[] = [];
  for (const one of failing) {
    left.push(...count(await alone(kind, one.files, one.names), kind, one.names));
  }
  failAll(left, kind);
  const flaky = names.filter((name) => !left.includes(name));
  if (flaky.length > 0) {
    console.log(
      `\nfailed next to other tests, passed alone:\n${indented(flaky)}`,
    );
  }
}

/**
 * The tests of the binary once more on what `deno compile` makes, where `scripts/denort` has
 * brought what that needs.
 */
async function compiledTests(files: readonly string[]): Promise<void> {
  if (files.length === 0) return;
  const [denort, compiler] = ["denort", "deno"].map((name) =>
    `${Deno.cwd()}/.tools/denort/${name}`
  );
  if (!await Deno.stat(compiler!).then(() => true, () => false)) {
    return skip("the compiled kind was not tested: scripts/denort was not run");
  }
  const env = { DENORT_BIN: denort!, TRACTEST_COMPILER: compiler!, TRACTEST_DIST: "dist/compiled" };
  const before = failed;
  await gate("the compiled kind is built", () => command("scripts/build", ["compiled"], env));
  if (failed === before) await tests(files, COMPILED);
}

function testCommand(kind: Kind, files: readonly string[], results: string): string[] {
  return [
    ...kind.command,
    Deno.execPath(),
    "test",
    "--quiet",
    "--no-check",
    "--allow-all",
    ...GRAPH,
    `--junit-path=${results}`,
    ...files,
  ];
}

/** Runs test files one after the other; all of their tests, or those with these names. */
async function alone(
  kind: Kind,
  files: readonly string[],
  names: readonly string[] = [],
): Promise<TestResult> {
  // Not in the checkout: two test runs there at once would count each other's tests.
  const results = await Deno.makeTempFile({ prefix: "tractest-results-", suffix: ".xml" });
  const only = names.filter((name) => !name.startsWith(WHOLE)).map((name) =>
    name.replace(/[/\\^$.*+?()[\]{}|-]/g, "\\$&")
  );
  const [program, ...args] = testCommand(kind, files, results);
  if (only.length > 0) args.push(`--filter=/^(?:${only.join("|")})$/`);
  const child = new Deno.Command(program!, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const text = new TextDecoder();
  for await (const bytes of child.stdout) {
    Deno.stdout.writeSync(bytes);
    // On SIGINT Deno writes its report.
    if (isHung(text.decode(bytes, { stream: true }))) child.kill("SIGINT");
  }
  const { success } = await child.status;
  const report = await Deno.readTextFile(results);
  await Deno.remove(results);
  return { files, success, report };
}

/** Deno reports once a minute which test is still running. */
function isHung(output: string): boolean {
  // deno-lint-ignore no-control-regex -- colours stand in between
  const minutes = /has been running for over (?:\x1b\[[\d;]*m)*\((\d+)m/.exec(output)?.[1];
  if (!(Number(minutes) >= HANGS_MINUTES)) return false;
  return hung = true;
}

/**
 * Counts passed and skipped tests, among all or those named; returns the names of failed ones.
 */
function count(
  { files, success, report }: TestResult,
  kind: Kind,
  only: readonly string[] = [],
): string[] {
  const names: string[] = [];
  const isAsked = (name: string) =>
    only.every((one) => one.startsWith(WHOLE)) || only.includes(name);
  for (
    const [, attributes = "", body = ""] of report.matchAll(
      /<testcase\b([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs,
    )
  ) {
    const name = unescapeXml(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? "");
    if (!isAsked(name)) continue;
    if (/<(failure|error)\b/.test(body)) names.push(name);
    else if (/<skipped\b/.test(body)) {
      skip(
        /\((needs [^()]*)\)$/.exec(name)?.[1] ?? (hung ? "not run after a test that hung" : name),
      );
    } else {
      passed++;
      kind.passed++;
    }
  }
  // A file that can't be loaded has no test cases in the report.
  if ((!success && names.length === 0) || !report.includes("<testcase")) {
    names.push(`${WHOLE} ${files.join(", ")}`);
  }
  return names;
}

function indented(names: readonly string[]): string {
  return names.map((name) => `  ${name}`).join("\n");
}

async function gate(name: string, action: () => Promise<boolean>): Promise<void> {
  const started = performance.now();
  const ok = await action();
  console.log(
    `${name} ... ${ok ? "ok" : "FAILED"} (${((performance.now() - started) / 1000).toFixed(1)}s)`,
  );
  if (ok) passed++;
  else fail(name);
}

function failAll(names: readonly string[], kind: Kind): void {
  kind.failed += names.length;
  for (const name of names) fail(kind.label === "" ? name : `${name} [${kind.label}]`);
}

function fail(name: string): void {
  failed++;
  failures.push(name);
}

function skip(reason: string): void {
  skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
}

/**
 * Whether `deno doc --lint` reports only members without a comment of their own: these are read
 * with their type, and `readonly pid: number` says as much as a comment would.
 */
async function documented(files: string[]): Promise<boolean> {
  // It takes no lock file.
  const importMap = GRAPH.filter((flag) => flag.startsWith("--import-map"));
  const args = ["doc", "--lint", "--quiet", ...importMap, ...files];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    stdin: "null",
    stdout: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const problems = new TextDecoder().decode(stderr).split(/^(?=error)/m).filter((problem) =>
    problem.startsWith("error[")
  );
  const serious = problems.filter((problem) =>
    !/^error\[missing-jsdoc\]/.test(problem) || /-->.*:1$/m.test(problem)
  );
  for (const problem of serious) console.log(problem.trimEnd());
  return serious.length === 0 && (code === 0 || problems.length > 0);
}

async function deno(args: string[]): Promise<boolean> {
  return await command(Deno.execPath(), args);
}

async function command(
  program: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<boolean> {
  const { success } = await new Deno.Command(program, {
    args,
    env,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return success;
}

function unescapeXml(text: string): string {
  const named: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replace(/&(#x?[0-9a-f]+|\w+);/gi, (whole, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(parseInt(name.slice(2), 16));
    return name.startsWith("#")
      ? String.fromCodePoint(Number(name.slice(1)))
      : named[name] ?? whole;
  });
}
