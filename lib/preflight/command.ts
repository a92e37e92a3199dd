import type { OptionsOf } from "../command_line/options.ts";
import { removeDirectory } from "../background/run_directory.ts";
import { join } from "@std/path";
import { environmentChecks, versionCheck } from "./environment_checks.ts";
import { rowOf } from "../system/permission_flags.ts";
import { type CheckResult, exitCodeOf, type PreflightResult } from "./rules.ts";
import { requiresPythonOf } from "./python_version.ts";
import { minorOfVersionFile } from "../project/rules_venv.ts";
import { interruptible } from "../commands/interruptible.ts";
import { ignoreTractestError, TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { ignoresSigint, inheritedEnvironment } from "../system/programs/env.ts";
import { kernel } from "../system/programs/uname.ts";
import { type CheckId, CHECKS } from "./check_ids.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { checkLines } from "./show.ts";
import { CannotAskError, confirm } from "../terminal/prompt.ts";
import { isolate, isRefusal } from "../isolation/isolate.ts";
import { binaryCheck, directoriesCheck } from "./own_checks.ts";
import { signalsCheck, toolChecks, uvCheck } from "./tool_checks.ts";
import type { Context } from "../command_line/context.ts";
import { cacheDirectory, stateDirectory, usable } from "../project/directories.ts";
import { preflight, SIGINT_IGNORED } from "./gather.ts";
import { findProject, type Project } from "../project/project.ts";

/** The options of `doctor`. */
export type DoctorOptions = OptionsOf<"doctor">;

const ID_WIDTH = Math.max(...CHECKS.map((row) => row.id.length));

/**
 * `tractest doctor`: every check, a row each, with a fix for each; `--fix` applies the safe ones.
 */
export function doctor(context: Context<DoctorOptions>): Promise<ExitCode> {
  return interruptible(context, () => diagnose(context));
}

async function diagnose(context: Context<DoctorOptions>): Promise<ExitCode> {
  const { host, printer, line } = context;
  const project = await findProject(host);
  let seen = await examine(context, project, {});
  if (line.options.fix) {
    const repairs = repairsFor(seen.checks);
    // Nobody should have to answer without having seen what it is about.
    for (const check of seen.checks.filter(({ status }) => status === "fail")) {
      for (
        const text of checkLines(check, printer, { shown: "stderr", width: ID_WIDTH, silent: true })
      ) printer.note(text);
    }
    const wanted = await choose(context, repairs);
    if (wanted.length > 0 && !line.options.dryRun) {
      if (wanted.some((repair) => repair.does === "directories")) await makeDirectories(context);
      seen = await examine(context, project, {
        sync: wanted.some(({ does }) => does === "sync"),
        clean: wanted.some(({ does }) => does === "clean"),
      });
    }
  }
  const exitCode = exitCodeOf(seen.checks, seen.hasLiveRun);
  for (const check of seen.checks) {
    for (
      const text of checkLines(check, printer, {
        shown: "stdout",
        width: ID_WIDTH,
        silent: !printer.verbose,
      })
    ) printer.line(text);
  }
  printer.line(summary(seen.checks));
  if (printer.verbose) printer.line(await kernel(host) ?? "kernel unknown");
  if (printer.json) {
    printer.document("tractest.doctor/1", { ok: exitCode === EXIT.ok, checks: seen.checks });
  }
  return exitCode;
}

interface Examined {
  readonly checks: readonly CheckResult[];
  readonly hasLiveRun: boolean;
}

/** All checks, those that do not depend on each other at once, in the order of the table. */
async function examine(
  context: Context<DoctorOptions>,
  project: Project,
  repair: { sync?: boolean; clean?: boolean },
): Promise<Examined> {
  const { host, line } = context;
  const inheriting = inheritedEnvironment(host);
  const [looked, tools, ignored, pyproject, versionFile, directories, isolation] = await Promise
    .all([
      lookAt(context, project, repair),
      toolChecks(host),
      ignoresSigint(host),
      host.files.readText(join(project.root, "pyproject.toml")),
      host.files.readText(join(project.root, ".python-version")),
      directoriesCheck(host),
      isolationCheck(host, project),
    ]);
  const inherited = await inheriting;
  const { result, failure } = looked;
  const interpreter = result?.interpreter ?? null;
  const rows = new Map<string, CheckResult>();
  const add = (...checks: readonly CheckResult[]) =>
    checks.forEach((check) => rows.set(check.id, check));
  add(
    ...(failure === null ? [] : [failure]),
    ...(result?.checks ?? []),
    ...tools,
    await uvCheck(host, project, inherited, interpreter !== null),
    await signalsCheck(host, inherited),
    pythonCheck(result),
    versionCheck(result?.pythonVersion ?? null, {
      requires: requiresPythonOf(pyproject),
      wantedMinor: minorOfVersionFile(versionFile),
    }),
    sigintCheck(ignored),
    isolation,
    ...environmentChecks(inherited),
    directories,
    binaryCheck(host, rowOf("doctor", [], (option) => line.given.has(option))),
  );
  const why = (id: CheckId) =>
    id === "worktree" ? "this is no linked worktree" : "nothing to look at without a venv";
  const checks = CHECKS.map(({ id }): CheckResult =>
    rows.get(id) ?? { id, status: "skipped", detail: why(id), fix: null }
  );
  return { checks, hasLiveRun: result?.leaks?.liveRun != null };
}

/** The preflight; what stops it is a row too. */
async function lookAt(
  context: Context<DoctorOptions>,
  project: Project,
  { sync, clean }: { sync?: boolean; clean?: boolean },
): Promise<{ result: PreflightResult | null; failure: CheckResult | null }> {
  const { line } = context;
  try {
    const options = {
      ask: false,
      show: false,
      leaks: true,
      fresh: true,
      diagnosis: true,
      sync,
      clean,
    };
    return {
      result: await preflight(context, project, {
        ...options,
        python: line.options.python,
        uvRun: line.options.uvRun,
      }),
      failure: null,
    };
  } catch (error) {
    if (
      !(error instanceof TractestError) || error.exitCode === EXIT.usage ||
      error.exitCode === EXIT.bug
    ) throw error;
    return {
      result: null,
      failure: { id: "venv", status: "fail", detail: error.message, fix: error.hint ?? null },
    };
  }
}

function pythonCheck(result: PreflightResult | null): CheckResult {
  const id = "tool-python";
  if (result?.interpreter && result.pythonVersion !== null) {
    return {
      id,
      status: "ok",
      detail: `${result.pythonVersion} (${result.interpreter.argv.join(" ")})`,
      fix: null,
    };
  }
  if (!result?.interpreter) {
    return { id, status: "skipped", detail: "there is no venv to take it from", fix: null };
  }
  return {
    id,
    status: "fail",
    detail: `"${result.interpreter.argv.join(" ")}" does not start`,
    fix: "tractest run --sync",
  };
}

function sigintCheck(ignored: boolean | null): CheckResult {
  if (ignored === true) {
    return {
      ...SIGINT_IGNORED,
      fix: "start it in the foreground, or by: env --default-signal=INT tractest …",
    };
  }
  if (ignored === null) {
    return {
      id: "sigint",
      status: "unknown",
      detail: "this system does not show it; pytest gets the default",
      fix: null,
    };
  }
  return { id: "sigint", status: "ok", detail: "at its default", fix: null };
}

/** Whether `run --isolate` can be had; only a configuration that wants it makes that a fault. */
async function isolationCheck(host: Host, project: Project): Promise<CheckResult> {
  const id = "isolation";
  const directory = await host.files.makeTemporaryDirectory();
  try {
    const answer = await isolate(host, project, { directory });
    if (!isRefusal(answer)) {
      return {
        id,
        status: "ok",
        detail: answer.method === "root"
          ? "as root"
          : "in a user namespace, with no right that pytest has not outside",
        fix: null,
      };
    }
    const status = project.configuration.isolate === "always" ? "fail" : "warn";
    return {
      id,
      status,
      detail: `run --isolate can't be had: ${answer.reason}`,
      fix: answer.remedy,
    };
  } finally {
    await removeDirectory(host, directory).catch(ignoreTractestError);
  }
}

interface Repair {
  readonly does: "sync" | "clean" | "directories";
  readonly question: string;
}

/**
 * What can be repaired without harm: nothing of the user's is removed, and only verified processes
 * are ended.
 */
function repairsFor(checks: readonly CheckResult[]): Repair[] {
  const failed = (ids: readonly CheckId[]) =>
    checks.filter((check) =>
      check.status === "fail" && (ids as readonly string[]).includes(check.id)
    );
  const venv = failed(["venv", "worktree", "import", "python-version"])[0];
  const leaks = failed(["registry", "actors", "sockets"]).filter((check) =>
    check.fix?.startsWith("tractest zombies --kill")
  );
  const unmade = checks.some((check) =>
    check.id === "state-directories" && check.status === "ok" &&
    check.detail.includes("(not made yet)")
  );
  return [
    ...(venv
      ? [{ does: "sync", question: "Make or sync the venv (tractest run --sync)?" } as const]
      : []),
    ...(leaks.length > 0
      ? [
        {
          does: "clean",
          question: `Clean up ${leaks.map(({ id }) => id).join(", ")} (tractest zombies --kill)?`,
        } as const,
      ]
      : []),
    ...(unmade
      ? [{ does: "directories", question: "Make tractest's own directories?" } as const]
      : []),
  ];
}

async function choose(
  { host, printer, line }: Context<DoctorOptions>,
  repairs: readonly Repair[],
): Promise<Repair[]> {
  const wanted: Repair[] = [];
  if (repairs.length === 0) printer.note("nothing that can be fixed safely");
  for (const repair of repairs) {
    if (line.options.dryRun) {
      printer.note(`would ask: ${repair.question}`);
      continue;
    }
    try {
      if (
        await confirm(host, printer, repair.question, { otherwise: true, yes: line.options.yes })
      ) wanted.push(repair);
    } catch (error) {
      if (!(error instanceof CannotAskError)) throw error;
      printer.warn(error.message);
      printer.hint("--yes answers it");
    }
  }
  return wanted;
}

async function makeDirectories({ host }: Context): Promise<void> {
  await usable(host, await stateDirectory(host));
  await usable(host, await cacheDirectory(host));
}

function summary(checks: readonly CheckResult[]): string {
  const count = (status: CheckResult["status"]) =>
    checks.filter((check) => check.status === status).length;
  const parts = (["ok", "warn", "fail", "unknown", "skipped"] as const).map((status) =>
    [count(status), status] as const
  ).filter(([many]) => many > 0);
  return `${checks.length} checks: ${
    parts.map(([many, status]) => `${many} ${status}`).join(", ")
  }`;
}
