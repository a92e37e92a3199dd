import { isInside } from "../base/paths.ts";
import { basename, relative } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import { leakChecks, leakChecksOfRun } from "./leak_checks.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import { type CheckResult, exitCodeOf, type PreflightResult } from "./rules.ts";
import { dotted, type Venv } from "../project/rules_venv.ts";
import { PreflightError, TractestError } from "../errors.ts";
import { ignoresSigint, inheritedEnvironment, sigintMethod } from "../system/programs/env.ts";
import { type Interpreter, minorOf } from "../system/programs/python.ts";
import { Git, type GitLocation } from "../system/programs/git.ts";
import { GRACE_SECONDS } from "../tables/defaults.ts";
import { checkLines } from "./show.ts";
import { Progress } from "../terminal/progress.ts";
import type { RunLock } from "../background/project_lock.ts";
import { canAsk, confirm, select } from "../terminal/prompt.ts";
import type { Context } from "../command_line/context.ts";
import { type Verified, verify } from "./import_collect.ts";
import {
  isBorrowed,
  namedPython,
  planSync,
  pythonOf,
  runSync,
  uvRunPython,
  type VenvScene,
} from "./interpreter.ts";
import { findVenvs, type Venvs } from "../project/venvs.ts";
import { endLeaks, findLeaks, isCleanable } from "../leaks/gather.ts";
import type { Project } from "../project/project.ts";

/** What a preflight is to do besides looking. */
export interface PreflightOptions {
  /** Whether questions may be asked, if there is a terminal. */
  readonly ask: boolean;
  /** Whether each check is shown on standard error as soon as it is done. */
  readonly show: boolean;
  /** Whether it looks for leaks, registry holders and stale sockets. */
  readonly leaks: boolean;
  /** Leaked actors count as a fault even where they would not stop a run. */
  readonly diagnosis?: boolean;
  /**
   * The run has a registry and sockets of its own: what is held or left outside is told, and stands
   * in nobody's way.
   */
  readonly isolated?: boolean;
  /** Looks at imports and collection even if nothing has changed. */
  readonly fresh?: boolean;
  /** What is collected, as pytest takes it; the whole suite unless given. */
  readonly targets?: readonly string[];
  /** `--python`: a Python, or a venv. */
  readonly python?: string | null;
  /** `--sync`: make the venv, or bring it in line with the lock file. */
  readonly sync?: boolean;
  /** `--uv-run`: run Python by `uv run`. */
  readonly uvRun?: boolean;
  /** `--yes`: every question is answered by its first choice. */
  readonly yes?: boolean;
  /** `--clean`: clean up what earlier runs left behind. */
  readonly clean?: boolean;
  /** Seconds between SIGINT and SIGKILL in that clean-up. */
  readonly graceSeconds?: number;
  /** Asks a question while nobody is kept waiting. */
  readonly whileAsking?: RunLock["whileAsking"];
}

/** The two answers to "no venv is active", in the recipe's words. */
const CHOICES = [{ value: "sync", name: "Create/sync venv" }, {
  value: "self",
  name: "I'll activate it myself",
}] as const;
const WITHOUT_VENV = "tractest run --sync (makes it), --uv-run (slower), or --python PATH";
const NOT_IN_THE_WAY = "not in the way: this run has its own";
const ID_WIDTH = Math.max(...["collection", "worktree"].map((id) => id.length));

/**
 * Everything that has to hold before a run: the venv, the imports, the collection, nothing left
 * behind by earlier runs. What does not depend on each other happens at once.
 *
 * @throws {TractestError} 64 for a wrong `--python`, 69 when uv is needed and missing
 */
export function preflight(
  context: Context,
  project: Project,
  options: PreflightOptions,
): Promise<PreflightResult> {
  return new Preflight(context, project, options).run();
}

class Preflight {
  readonly #checks: CheckResult[] = [];
  readonly #progress: Progress;
  #inherited: ReadonlyMap<string, string> = new Map();
  #location: GitLocation | null = null;
  #pythonVersion: string | null = null;
  #venvs: Venvs = { ranked: [], active: null, wantedMinor: null, warnings: [] };

  constructor(
    readonly context: Context,
    readonly project: Project,
    readonly options: PreflightOptions,
  ) {
    this.#progress = new Progress(context.host, context.printer);
  }

  async run(): Promise<PreflightResult> {
    const { host } = this.context;
    // Started first, awaited last: it depends on nothing.
    const looking = this.options.leaks ? settle(this.#lookForLeaks()) : null;
    const [inherited, location, ignored] = await Promise.all([
      inheritedEnvironment(host),
      this.#locate(),
      ignoresSigint(host),
    ]);
    this.#inherited = inherited;
    this.#location = location;
    if (ignored) this.#show(SIGINT_IGNORED);
    const sigint = await sigintMethod(host, ignored);
    this.#venvs = await findVenvs(host, this.project, location);
    const interpreter = await this.#interpreter();
    const looked = looking === null ? null : await looking;
    const leaks = looked === null ? null : await this.#leaks(unsettle(looked));
    const exitCode = exitCodeOf(this.#checks, leaks?.liveRun != null);
    return {
      checks: this.#checks,
      exitCode,
      interpreter,
      pythonVersion: this.#pythonVersion,
      inherited,
      sigint,
      leaks,
    };
  }

  /** The interpreter, shown and verified; null when there is none that fits. */
  async #interpreter(): Promise<Interpreter | null> {
    const chosen = await this.#choose();
    if (chosen === null) return null;
    const tried: string[] = [];
    for (const [index, interpreter] of chosen.candidates.entries()) {
      const verified = await this.#verify(interpreter);
      const last = index === chosen.candidates.length - 1;
      if (verified.fits !== false || last) {
        return await this.#conclude(interpreter, verified, chosen.how, tried, chosen.synced);
      }
      tried.push(`${nameOf(this.project, interpreter)} does not fit: ${verified.fit}`);
    }
    return null;
  }

  /** Which interpreters to try, best first; null when there is none, which has been shown. */
  async #choose(): Promise<
    { candidates: readonly Interpreter[]; how: string; synced: boolean } | null
  > {
    const { python, sync, uvRun } = this.options;
    const scene = this.#scene();
    const best = this.#venvs.ranked[0] ?? null;
    const named = python == null ? null : await namedPython(scene, python);
    if (uvRun) {
      return { candidates: [await uvRunPython(scene, best)], how: "run by uv", synced: false };
    }
    if (sync) {
      const own = named?.venv
        ? this.#venvs.ranked.find((venv) => venv.path === named.venv) ?? null
        : named
        ? null
        : best;
      return { candidates: [await this.#sync(own, named)], how: "synced", synced: true };
    }
    if (named) return { candidates: [named], how: "named by --python", synced: false };
    if (best !== null) {
      return {
        candidates: this.#venvs.ranked.map(pythonOf),
        how: best.path === this.#venvs.active ? "active" : "not active, used all the same",
        synced: false,
      };
    }
    return await this.#withoutVenv();
  }

  /** No venv: asks, or says which options answer the question. */
  async #withoutVenv(): Promise<
    { candidates: readonly Interpreter[]; how: string; synced: boolean } | null
  > {
    const { host, printer } = this.context;
    const suggestion = await this.#syncCommand(null);
    let answer: "sync" | "self" | null = this.options.yes ? "sync" : null;
    if (answer === null && this.options.ask && canAsk(host, printer)) {
      this.#progress.clear();
      for (const warning of this.#venvs.warnings) printer.warn(warning);
      const question =
        `No uv venv is active. Should I activate one via \`${suggestion}\`, or would you prefer to activate your shell venv first?`;
      answer = await this.#asking(() => select(host, printer, question, CHOICES));
    }
    if (answer === "sync") {
      return { candidates: [await this.#sync(null, null)], how: "made now", synced: true };
    }
    const detail = [
      `there is no ${this.project.configuration.venv} with a Python in ${this.project.root}`,
      ...this.#venvs.warnings,
    ].join("\n");
    const activated = /UV_PROJECT_ENVIRONMENT=(\S+)/.exec(suggestion)?.[1] ??
      this.project.configuration.venv;
    const fix = `${suggestion}\n${
      answer === "self" ? `source ${activated}/bin/activate` : WITHOUT_VENV
    }`;
    this.#show({ id: "venv", status: "fail", detail, fix });
    if (this.#isLinkedWorktree()) {
      const evidence =
        "this linked worktree has no venv of its own, and another's imports another checkout";
      this.#show({ id: "worktree", status: "fail", detail: evidence, fix: suggestion });
    }
    return null;
  }

  async #sync(venv: Venv | null, named: Interpreter | null): Promise<Interpreter> {
    const scene = this.#scene();
    if (venv && await isBorrowed(scene, venv)) {
      throw new PreflightError(
        "borrowed-venv",
        `"${basename(venv.path)}" is only a link to "${await scene.host.files.realPath(
          venv.path,
        )}": a sync would change that project's venv`,
        await this.#syncCommand(pythonOf(venv)),
      );
    }
    this.#progress.clear();
    return await runSync(scene, await planSync(scene, venv, named));
  }

  #verify(interpreter: Interpreter): Promise<Verified> {
    const { host } = this.context;
    return verify({
      host,
      project: this.project,
      inherited: this.#inherited,
      fresh: this.options.fresh ?? false,
      targets: this.options.targets ?? null,
      during: (what, work) => this.#progress.during(what, work),
    }, interpreter);
  }

  /**
   * Shows what was found about the interpreter that is used; offers a venv of its own to a checkout
   * that has another's.
   */
  async #conclude(
    interpreter: Interpreter,
    verified: Verified,
    how: string,
    tried: readonly string[],
    synced: boolean,
  ): Promise<Interpreter | null> {
    this.#pythonVersion = verified.pythonVersion;
    const minor = verified.pythonVersion === null
      ? interpreter.minor
      : minorOf(verified.pythonVersion);
    const { host, printer } = this.context;
    const linked = this.#isLinkedWorktree();
    const fix = await this.#syncCommand(interpreter);
    if (verified.fits === false && !synced && this.options.ask && interpreter.argv.length === 1) {
      const venv = this.#venvs.ranked.find((each) => each.path === interpreter.venv) ?? null;
      const question = `${verified.fit}. Make this checkout's own: \`${fix}\`?`;
      if (this.options.yes || canAsk(host, printer)) {
        this.#progress.clear();
        if (
          await this.#asking(() =>
            confirm(host, printer, question, { otherwise: true, yes: this.options.yes })
          )
        ) {
          const own = await this.#sync(venv, null);
          return await this.#conclude(own, await this.#verify(own), "synced", tried, true);
        }
      }
    }
    const venvDetail = [
      `${nameOf(this.project, interpreter)} (${
        verified.pythonVersion === null
          ? "Python does not start"
          : `Python ${verified.pythonVersion}`
      }), ${how}`,
      ...(interpreter.argv.length > 1
        ? [
          "uv run looks at the lock file on each start: an existing venv is faster, activated or not",
        ]
        : []),
      ...tried,
      ...this.#venvs.warnings,
    ];
    const borrowed = await this.#borrowedFrom(interpreter);
    if (borrowed !== null) venvDetail.push(`it is only a link to ${borrowed}`);
    const misfit = verified.fits === false && !linked;
    const wrongName = interpreter.minor !== null && minor !== null && interpreter.minor !== minor;
    if (misfit) venvDetail.push(verified.fit);
    if (wrongName) venvDetail.push(`its name says Python ${dotted(interpreter.minor!)}`);
    const status = verified.pythonVersion === null || misfit
      ? "fail"
      : this.#venvs.warnings.length > 0 || tried.length > 0 || wrongName
      ? "warn"
      : "ok";
    this.#show({
      id: "venv",
      status,
      detail: venvDetail.join("\n"),
      fix: misfit || verified.pythonVersion === null ? fix : null,
    });
    if (linked) {
      this.#show({
        id: "worktree",
        status: verified.fits === null ? "unknown" : verified.fits ? "ok" : "fail",
        detail: verified.fits === null ? "nothing could be imported" : verified.fit,
        fix: verified.fits === false ? fix : null,
      });
    }
    this.#show(verified.import);
    this.#show(verified.collection);
    return { ...interpreter, minor };
  }

  /** What to paste to get a venv that fits. */
  async #syncCommand(interpreter: Interpreter | null): Promise<string> {
    const venv = this.#venvs.ranked.find((each) => each.path === interpreter?.venv) ?? null;
    const scene = this.#scene();
    try {
      const { shown } = await planSync(scene, venv);
      return venv && await isBorrowed(scene, venv)
        ? `rm ${shellCommand([basename(venv.path)])} && ${shown.replace(" --inexact", "")}`
        : shown;
    } catch (error) {
      if (error instanceof TractestError) {
        return `UV_PROJECT_ENVIRONMENT=${this.project.configuration.venv} uv sync`;
      }
      throw error;
    }
  }

  /** Where the venv really is, if another project's is only linked from here. */
  async #borrowedFrom({ venv }: Interpreter): Promise<string | null> {
    const own = this.#venvs.ranked.find((each) => each.path === venv);
    return own && await isBorrowed(this.#scene(), own)
      ? await this.context.host.files.realPath(own.path)
      : null;
  }

  /** In a linked worktree git's own directory is not the one that all worktrees share. */
  #isLinkedWorktree(): boolean {
    return this.#location !== null &&
      this.#location.gitDirectory !== this.#location.commonDirectory;
  }

  async #locate(): Promise<GitLocation | null> {
    try {
      return await new Git(this.context.host, this.project.root).location();
    } catch (error) {
      if (error instanceof TractestError) return null;
      throw error;
    }
  }

  async #lookForLeaks(): Promise<LeakReport> {
    return await findLeaks(this.context.host, this.project);
  }

  /** Shows what was left behind, and cleans it up if that was asked for or is agreed to. */
  async #leaks(report: LeakReport): Promise<LeakReport> {
    const { host, printer } = this.context;
    const rows = this.#leakRows(report);
    if (this.options.isolated && !this.options.clean) {
      for (const row of rows) {
        this.#show(
          row.status === "fail"
            ? { ...row, status: "warn", detail: `${row.detail}\n${NOT_IN_THE_WAY}`, fix: null }
            : row,
        );
      }
      return report;
    }
    const cleanable = isCleanable(report);
    const stops = rows.some((row) => row.status === "fail") && report.clean === false &&
      !isHeldRightly(report);
    if (!cleanable || (!stops && !this.options.clean)) {
      for (const row of rows) this.#show(row);
      if (stops && this.options.clean && this.options.show) {
        printer.note("--clean: nothing of this is left by a run of this project");
      }
      return report;
    }
    const [wrong, right] = [
      rows.filter(({ status }) => isWrong(status)),
      rows.filter(({ status }) => !isWrong(status)),
    ];
    for (const row of right) this.#show(row);
    for (const row of wrong) this.#print(row);
    if (!await this.#agreesToCleanUp()) {
      this.#checks.push(...wrong);
      return report;
    }
    const grace = this.options.graceSeconds ?? GRACE_SECONDS;
    const { after } = await endLeaks(host, printer, this.project, report, {
      graceSeconds: grace,
      dryRun: false,
    });
    this.#showCleaned(wrong, this.#leakRows(after));
    return after;
  }

  #leakRows(report: LeakReport): CheckResult[] {
    return this.options.diagnosis ? leakChecks(report) : leakChecksOfRun(report);
  }

  async #agreesToCleanUp(): Promise<boolean> {
    const { host, printer } = this.context;
    if (this.options.clean) return true;
    if (!this.options.ask || !(this.options.yes || canAsk(host, printer))) return false;
    this.#progress.clear();
    const question = "Clean up what earlier runs left behind (tractest zombies --kill)?";
    return await this.#asking(() => confirm(host, printer, question, { yes: this.options.yes }));
  }

  #asking<T>(ask: () => Promise<T>): Promise<T> {
    return this.options.yes || !this.options.whileAsking ? ask() : this.options.whileAsking(ask);
  }

  /** Shows what a clean-up changed; what it did not change has been shown already. */
  #showCleaned(before: readonly CheckResult[], after: readonly CheckResult[]): void {
    for (const row of before) {
      const now = after.find((one) => one.id === row.id)!;
      if (now.status !== row.status || now.detail !== row.detail) this.#show(now);
      else {
        this.#checks.push(now);
        if (this.options.show) {
          this.context.printer.note(`${now.id}: the clean-up could not change this`);
        }
      }
    }
  }

  #scene(): VenvScene {
    const { host, printer } = this.context;
    return {
      host,
      printer,
      project: this.project,
      inherited: this.#inherited,
      wantedMinor: this.#venvs.wantedMinor,
    };
  }

  #show(check: CheckResult): void {
    this.#checks.push(check);
    this.#print(check);
  }

  #print(check: CheckResult): void {
    if (!this.options.show) return;
    this.#progress.clear();
    for (
      const line of checkLines(check, this.context.printer, {
        shown: "stderr",
        width: ID_WIDTH,
        silent: false,
      })
    ) this.context.printer.note(line);
  }
}

/**
 * What a row says when SIGINT is ignored: the preflight only mentions it, since pytest gets the
 * default.
 */
export const SIGINT_IGNORED: CheckResult = {
  id: "sigint",
  status: "warn",
  detail:
    "SIGINT is ignored here (SigIgn bit 1 in /proc/self/status): started with & by a non-interactive shell, or by nohup\n" +
    "tests that cancel by SIGINT would fail; pytest is started with it at its default",
  fix: null,
};

function isWrong(status: CheckResult["status"]): boolean {
  return status === "fail" || status === "warn";
}

function isHeldRightly({ registries, liveRun, actors, sockets }: LeakReport): boolean {
  const leaked = actors.some((actor) => actor.verdict === "leaked") ||
    sockets.some((socket) => socket.verdict === "stale");
  return !leaked && liveRun !== null && registries.some((registry) => registry.bound === true);
}

function nameOf(project: Project, { venv, argv }: Interpreter): string {
  if (venv === null) return argv[0]!;
  return isInside(venv, project.root) ? relative(project.root, venv) : venv;
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

/** Keeps a failure until somebody wants the result, which may be much later. */
function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then((value) => ({ value }), (error) => ({ error }));
}

function unsettle<T>(settled: Settled<T>): T {
  if ("error" in settled) throw settled.error;
  return settled.value;
}
