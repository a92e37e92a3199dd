import { RUNS_PYTEST } from "../command_line/session_options.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import type { PermissionRowName } from "../tables/permissions.ts";
import type { CommandLine } from "../command_line/parsed_line.ts";
import { removeDirectory } from "../background/run_directory.ts";
import { join } from "@std/path";
import { environmentChecks, sigintCheck, versionCheck } from "./environment_checks.ts";
import { rowNamed } from "../system/permission_flags.ts";
import {
  type CheckResult,
  checkResult,
  exitCodeOf,
  LEAK_CHECKS,
  type PreflightResult,
} from "./rules.ts";
import { requiresPythonOf } from "./python_version.ts";
import { minorOfVersionFile } from "../project/rules_venv.ts";
import { interruptible } from "../commands/interruptible.ts";
import { ignoreTractestError, TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { ignoresSigint, inheritedEnvironment } from "../system/programs/env.ts";
import { kernel } from "../system/programs/uname.ts";
import { type CheckId, CHECKS, checksOf } from "./check_ids.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { showCheck, summaryText } from "./show.ts";
import { Progress } from "../terminal/progress.ts";
import { CannotAskError, confirm } from "../terminal/prompt.ts";
import { isolate, isRefusal } from "../isolation/isolate.ts";
import { binaryCheck, directoriesCheck, NOT_CREATED } from "./own_checks.ts";
import { signalsCheck, toolChecks, uvCheck } from "./tool_checks.ts";
import type { Context } from "../command_line/context.ts";
import { cacheDirectory, stateDirectory, usable } from "../project/directories.ts";
import { preflight } from "./gather.ts";
import { findProject, type Project } from "../project/project.ts";

/** The options of `doctor`. */
export const OPTIONS = {
  ...WITH_JSON,
  yes: SHARED.yes,
  "dry-run": SHARED["dry-run"],
  python: RUNS_PYTEST.python,
  "uv-run": RUNS_PYTEST["uv-run"],
  fix: { kind: "flag", doc: "apply the safe fixes, after asking" },
  cpu: {
    kind: "flag",
    doc: "also load every processor for 2 s, to find a throttled or busy machine",
  },
} as const satisfies OptionTable;

/** Their values. */
export type DoctorOptions = OptionsOf<typeof OPTIONS>;

const ID_WIDTH = Math.max(...CHECKS.map((row) => row.id.length));

/** `tractest doctor`: a row and a fix for every check; `--fix` applies the safe fixes. */
export function doctor(context: Context<DoctorOptions>): Promise<ExitCode> {
  return interruptible(context, () => diagnose(context));
}

async function diagnose(context: Context<DoctorOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const project = await findProject(host);
  const show = (check: CheckResult, shown: "stdout" | "stderr", silent: boolean) =>
    showCheck(check, printer, { shown, width: ID_WIDTH, silent });
  // Alone: other checks would take CPU time.
  const cpu = line.options.cpu ? [await loadedCheck(context)] : [];
  let diagnosis = await examine(context, project, [], cpu);
  if (line.options.fix) {
    // The questions are about the failed checks, so those are shown first.
    const failed = diagnosis.checks.filter(({ status }) => status === "fail");
    for (const check of failed) show(check, "stderr", true);
    const repairs = await chooseRepairs(context, repairsFor(diagnosis.checks));
    if (repairs.length > 0 && !line.options.dryRun) {
      if (repairs.includes("directories")) {
        for (const own of [stateDirectory, cacheDirectory]) await usable(host, await own(host));
      }
      diagnosis = await examine(context, project, repairs, cpu);
    }
  }
  const { checks } = diagnosis;
  const exitCode = exitCodeOf(checks, diagnosis.hasLiveRun);
  for (const check of checks) show(check, "stdout", !printer.verbose);
  printer.line(summaryText(checks));
  if (printer.verbose) printer.line(await kernel(host) ?? "kernel unknown");
  if (printer.json) printer.document("tractest.doctor/1", { ok: exitCode === EXIT.ok, checks });
  return exitCode;
}

async function loadedCheck({ host, printer }: Context): Promise<CheckResult> {
  const { checkCpu } = await import("./cpu_load_check.ts");
  return await new Progress(host, printer).during("loading every processor", checkCpu(host));
}

interface Diagnosis {
  readonly checks: readonly CheckResult[];
  /** Whether a live run of this project holds the registry. */
  readonly hasLiveRun: boolean;
}

/** Makes all checks, in parallel where possible; the result has the order of the table. */
async function examine(
  context: Context<DoctorOptions>,
  project: Project,
  repairs: readonly Repair[],
  requested: readonly CheckResult[],
): Promise<Diagnosis> {
  const { host, row } = context;
  const inheriting = inheritedEnvironment(host);
  const [run, tools, ignored, pyproject, versionFile, directories, isolation] = await Promise.all([
    preflightOf(context, project, repairs),
    toolChecks(host, project),
    ignoresSigint(host),
    host.files.readText(join(project.root, "pyproject.toml")),
    host.files.readText(join(project.root, ".python-version")),
    directoriesCheck(host),
    isolationCheck(host, project),
  ]);
  const inherited = await inheriting;
  const result = "id" in run ? null : run;
  const asked = {
    requires: requiresPythonOf(pyproject),
    wantedMinor: minorOfVersionFile(versionFile),
  };
  const made = [
    ...("id" in run ? [run] : run.checks),
    ...tools,
    await uvCheck(host, project, inherited),
    await signalsCheck(host, inherited),
    pythonCheck(result),
    versionCheck(result?.pythonVersion ?? null, asked),
    sigintCheck(ignored),
    isolation,
    ...environmentChecks(inherited),
    directories,
    binaryCheck(host, rowNamed(row)),
    ...requested,
  ];
  const byId = new Map(made.map((check) => [check.id, check]));
  const checks = checksOf(project, requested.map(({ id }) => id)).map((id) =>
    byId.get(id) ?? checkResult(id, "skipped", skipReason(id))
  );
  return { checks, hasLiveRun: result?.leaks?.liveRun != null };
}

function skipReason(id: CheckId): string {
  return id === "worktree" ? "this is not a linked worktree" : "can't be checked without a venv";
}

/** Runs the preflight; an error that stops it is returned as a failed check. */
async function preflightOf(
  context: Context<DoctorOptions>,
  project: Project,
  repairs: readonly Repair[],
): Promise<PreflightResult | CheckResult> {
  const { python, uvRun } = context.line.options;
  try {
    return await preflight(context, project, {
      ask: false,
      show: false,
      leaks: true,
      fresh: true,
      diagnosis: true,
      sync: repairs.includes("sync"),
      clean: repairs.includes("clean"),
      python,
      uvRun,
    });
  } catch (error) {
    const isFinding = error instanceof TractestError && error.exitCode !== EXIT.usage &&
      error.exitCode !== EXIT.bug;
    if (!isFinding) throw error;
    return checkResult("venv", "fail", error.message, error.hint);
  }
}

function pythonCheck(result: PreflightResult | null): CheckResult {
  const id = "tool-python";
  if (!result?.interpreter) return checkResult(id, "skipped", "there is no venv to take it from");
  const command = result.interpreter.argv.join(" ");
  return result.pythonVersion === null
    ? checkResult(id, "fail", `"${command}" does not start`, "tractest run --sync")
    : checkResult(id, "ok", `${result.pythonVersion} (${command})`);
}

/** Checks whether `run --isolate` works; it fails only if the configuration requires isolation. */
async function isolationCheck(host: Host, project: Project): Promise<CheckResult> {
  const id = "isolation";
  const directory = await host.files.makeTemporaryDirectory();
  try {
    const answer = await isolate(host, project, { directory });
    if (isRefusal(answer)) {
      const status = project.configuration.isolate === "always" ? "fail" : "warn";
      const detail = `run --isolate is not available: ${answer.reason}`;
      return checkResult(id, status, detail, answer.remedy);
    }
    const asUser = "in a user namespace, without any privilege that pytest lacks outside";
    return checkResult(id, "ok", answer.method === "root" ? "as root" : asUser);
  } finally {
    await removeDirectory(host, directory).catch(ignoreTractestError);
  }
}

/** What `--fix` can do. Nothing of the user's is removed; only verified processes are ended. */
type Repair = "sync" | "clean" | "directories";

/** The repairs that help with these checks, each with its question. */
function repairsFor(checks: readonly CheckResult[]): (readonly [Repair, string])[] {
  const failed = (ids: readonly CheckId[]) =>
    checks.filter((check) => check.status === "fail" && ids.includes(check.id));
  const venv = failed(["venv", "worktree", "import", "python-version"]);
  const leaks = failed(LEAK_CHECKS).filter((check) =>
    check.fix?.startsWith("tractest zombies --kill")
  ).map(({ id }) => id);
  const isMissing = checks.some(({ id, status, detail }) =>
    id === "state-directories" && status === "ok" && detail.includes(NOT_CREATED)
  );
  const repairs: (readonly [Repair, string])[] = [];
  if (venv.length > 0) repairs.push(["sync", "Create or sync the venv (tractest run --sync)?"]);
  if (leaks.length > 0) {
    repairs.push(["clean", `Clean up ${leaks.join(", ")} (tractest zombies --kill)?`]);
  }
  if (isMissing) repairs.push(["directories", "Create tractest's own directories?"]);
  return repairs;
}

/** Asks about each repair and returns those that are wanted. */
async function chooseRepairs(
  { host, printer, line }: Context<DoctorOptions>,
  repairs: readonly (readonly [Repair, string])[],
): Promise<Repair[]> {
  const wanted: Repair[] = [];
  if (repairs.length === 0) printer.note("nothing that can be fixed safely");
  for (const [repair, question] of repairs) {
    if (line.options.dryRun) {
      printer.note(`would ask: ${question}`);
      continue;
    }
    try {
      const { yes } = line.options;
      if (await confirm(host, printer, question, { otherwise: true, yes })) wanted.push(repair);
    } catch (error) {
      if (!(error instanceof CannotAskError)) throw error;
      printer.warn(error.message);
      printer.hint("--yes answers it");
    }
  }
  return wanted;
}

function rowOf({ options }: CommandLine<DoctorOptions>): PermissionRowName {
  return options.fix ? "doctor --fix" : "doctor";
}

/** `tractest doctor`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "doctor",
  group: "clean-up",
  summary: "check the environment, with a fix for each problem",
  usage: "tractest doctor [OPTIONS]",
  options: OPTIONS,
  examples: [
    ["tractest doctor", "list what prevents a run"],
    ["tractest doctor --fix", "apply the safe fixes"],
    ["tractest doctor --cpu", "is this machine slower than it should be?"],
  ],
  exits: [0, 80, 81],
  row: rowOf,
  run: doctor,
};
