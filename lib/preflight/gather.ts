import type { Verified } from "./import_scene.ts";
import { isInside } from "../base/paths.ts";
import { basename, relative } from "@std/path";
import { shellCommand } from "../base/escape.ts";
import { checkLeaks } from "./leak_step.ts";
import { exitCodeOf, type PreflightResult } from "./rules.ts";
import { ShownChecks } from "./shown_checks.ts";
import type { Venv } from "../project/rules_venv.ts";
import { ignoreTractestError, PreflightError, TractestError } from "../errors.ts";
import { ignoresSigint, inheritedEnvironment, sigintMethod } from "../system/programs/env.ts";
import { type Interpreter, minorOf } from "../system/programs/python.ts";
import { Git, type GitLocation } from "../system/programs/git.ts";
import { SIGINT_IGNORED } from "./environment_checks.ts";
import { VENV_CHOICES, venvQuestion } from "./show.ts";
import { noVenvChecks, noVenvText, syncsWithUv, venvCheck, worktreeCheck } from "./venv_checks.ts";
import { canAsk, confirm, select } from "../terminal/prompt.ts";
import type { Context } from "../command_line/context.ts";
import { verify } from "./import_collect.ts";
import {
  isBorrowed,
  namedPython,
  planSync,
  pythonOf,
  runSync,
  uvRunPython,
  type VenvScene,
} from "./interpreter.ts";
import { pythonOfPytest } from "./path_pytest.ts";
import { newVenvCommand } from "../project/install_commands.ts";
import { findVenvs, type Venvs } from "../project/venvs.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import { findLeaks } from "../leaks/gather.ts";
import type { PreflightOptions } from "./preflight_options.ts";
import type { Project } from "../project/project.ts";

/**
 * Checks everything that a run needs: a venv, imports, collection, and no leaks of earlier runs.
 * Independent checks run in parallel.
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

/** How an interpreter was chosen if there is nothing better to offer. */
const SYNCED = "synced";
const CREATED = "just created";
const NAMED = "named by --python";

interface Choice {
  readonly candidates: readonly Interpreter[];
  /** How they were chosen, as it is shown. */
  readonly how: string;
  readonly warnings?: readonly string[];
}

interface Chosen {
  readonly interpreter: Interpreter;
  readonly verified: Verified;
  readonly how: string;
  /** Better candidates, and why they were not used. */
  readonly rejected: readonly string[];
}

class Preflight {
  readonly #shown: ShownChecks;
  #inherited: ReadonlyMap<string, string> = new Map();
  #location: Promise<GitLocation | null> = Promise.resolve(null);
  #pythonVersion: string | null = null;
  #venvs!: Venvs;

  constructor(
    readonly context: Context,
    readonly project: Project,
    readonly options: PreflightOptions,
  ) {
    this.#shown = new ShownChecks(context, options);
  }

  async run(): Promise<PreflightResult> {
    const { host } = this.context;
    // Started first and awaited last: it depends on nothing else, and may fail long before.
    const finding = this.options.leaks ? this.#findLeaks() : null;
    finding?.catch(() => {});
    this.#location = this.#locate();
    const [inherited, ignored] = await Promise.all([
      inheritedEnvironment(host),
      ignoresSigint(host),
    ]);
    this.#inherited = inherited;
    if (ignored) this.#shown.show(SIGINT_IGNORED);
    const sigint = await sigintMethod(host, ignored);
    this.#venvs = await findVenvs(host, this.project);
    const interpreter = await this.#interpreter();
    const leaks = finding === null
      ? null
      : await checkLeaks(this.context, this.project, this.options, this.#shown, await finding);
    const { checks } = this.#shown;
    const exitCode = exitCodeOf(checks, leaks?.liveRun != null);
    const pythonVersion = this.#pythonVersion;
    return { checks, exitCode, interpreter, pythonVersion, inherited, sigint, leaks };
  }

  /** What an early scan has found counts only if it is nothing: the rest may be gone by now. */
  async #findLeaks(): Promise<LeakReport> {
    const { context: { host }, project, options: { firstScan } } = this;
    const report = await findLeaks(host, project, { firstScan });
    const isNothing = report.clean === true && report.liveRun === null &&
      report.actors.length === 0 &&
      report.registries.every(({ bound }) => bound === false);
    return firstScan === undefined || isNothing ? report : await findLeaks(host, project);
  }

  /** The first candidate that fits, or else the last; null when there is none. */
  async #interpreter(): Promise<Interpreter | null> {
    const { candidates, how, warnings = [] } = await this.#choose();
    const rejected: string[] = [...warnings];
    for (const [index, interpreter] of candidates.entries()) {
      const seen = await this.#verify(interpreter);
      // A Python that was named is used; outside of tractor's profile a misfit is a warning.
      const isWanted = how === NAMED && this.project.profile === "plain" && seen.fits === false;
      const verified = isWanted ? { ...seen, fits: true, isCopy: true } : seen;
      if (verified.fits !== false || index === candidates.length - 1) {
        return await this.#settleOn({ interpreter, verified, how, rejected });
      }
      rejected.push(`${this.#nameOf(interpreter)} does not fit: ${verified.fit}`);
    }
    return null;
  }

  /** The interpreters to try, best first. If there is none, that has been shown. */
  async #choose(): Promise<Choice> {
    const { python, sync, uvRun } = this.options;
    const scene = this.#scene();
    const { ranked, active } = this.#venvs;
    const best = ranked[0] ?? null;
    const named = python == null ? null : await namedPython(scene, python);
    if (uvRun) return { candidates: [await uvRunPython(scene, best)], how: "run by uv" };
    if (sync) {
      const existing = named ? this.#venvAt(named.venv) : best;
      return { candidates: [await this.#sync(existing, named)], how: SYNCED };
    }
    if (named) return { candidates: [named], how: NAMED };
    if (best === null) return await this.#withoutVenv();
    const how = best.path === active ? "active" : "not active, used anyway";
    return { candidates: ranked.map(pythonOf), how };
  }

  /** Without a venv: asks what to do, or shows the options that answer the question. */
  async #withoutVenv(): Promise<Choice> {
    const { host, printer } = this.context;
    const { warnings, names } = this.#venvs;
    const onPath = await pythonOfPytest(host, this.project, this.#venvs);
    if (onPath !== null) {
      const python = await namedPython(this.#scene(), onPath);
      const missing = noVenvText(this.project.root, names);
      return { candidates: [python], how: "the Python of pytest on PATH", warnings: [missing] };
    }
    const command = await this.#syncCommand(null);
    let answer: "sync" | "self" | null = this.options.yes ? "sync" : null;
    // What uv can't do here is shown as a command, and not offered.
    const mayAsk = this.options.ask && syncsWithUv(command);
    if (answer === null && mayAsk && canAsk(host, printer)) {
      this.#shown.clear();
      for (const warning of warnings) printer.warn(warning);
      const question = venvQuestion(command);
      answer = await this.#shown.asking(() => select(host, printer, question, VENV_CHOICES));
    }
    if (answer === "sync") return { candidates: [await this.#sync(null, null)], how: CREATED };
    const checks = noVenvChecks({
      root: this.project.root,
      names,
      warnings,
      command,
      activatesItself: answer === "self",
      inWorktree: await this.#isLinkedWorktree(),
    });
    for (const check of checks) this.#shown.show(check);
    return { candidates: [], how: "" };
  }

  async #sync(venv: Venv | null, named: Interpreter | null): Promise<Interpreter> {
    const scene = this.#scene();
    if (venv && await isBorrowed(scene, venv)) {
      const real = await scene.host.files.realPath(venv.path);
      const problem = real === venv.path
        ? `the active venv "${real}" is not in this project`
        : `"${basename(venv.path)}" is a symlink to "${real}"`;
      const hint = await this.#syncCommand(pythonOf(venv));
      const effect = "a sync would change that venv";
      throw new PreflightError("borrowed-venv", `${problem}: ${effect}`, hint);
    }
    this.#shown.clear();
    return await runSync(scene, await planSync(scene, venv, named));
  }

  #verify(interpreter: Interpreter): Promise<Verified> {
    const { host } = this.context;
    return verify({
      host,
      project: this.project,
      inherited: this.#inherited,
      fresh: this.options.fresh ?? false,
      collects: this.options.collects ?? true,
      targets: this.options.targets ?? null,
      during: (what, work) => this.#shown.during(what, work),
    }, interpreter);
  }

  /**
   * Shows the checks of the chosen interpreter. If it belongs to another checkout, offers to
   * create a venv for this one.
   */
  async #settleOn({ interpreter, verified, how, rejected }: Chosen): Promise<Interpreter> {
    const isFine = verified.fits === true && verified.pythonVersion !== null;
    const fix = isFine ? "" : await this.#syncCommand(interpreter);
    if (verified.fits === false && how !== SYNCED && how !== CREATED && syncsWithUv(fix)) {
      const question = `${verified.fit}. Make this checkout's own: \`${fix}\`?`;
      const own = await this.#offerOwnVenv(interpreter, question);
      if (own !== null) {
        const again = await this.#verify(own);
        return await this.#settleOn({ interpreter: own, verified: again, how: SYNCED, rejected });
      }
    }
    const { pythonVersion } = verified;
    this.#pythonVersion = pythonVersion;
    const minor = pythonVersion === null ? interpreter.minor : minorOf(pythonVersion);
    const inWorktree = await this.#isLinkedWorktree();
    this.#shown.show(venvCheck({
      name: this.#nameOf(interpreter),
      interpreter,
      minor,
      verified,
      how,
      warnings: [...rejected, ...this.#venvs.warnings],
      linkedTo: await this.#symlinkTarget(interpreter),
      inWorktree,
      fix,
    }));
    if (inWorktree) this.#shown.show(worktreeCheck(verified, fix));
    if (verified.import !== null) this.#shown.show(verified.import);
    if (verified.collection !== null) this.#shown.show(verified.collection);
    return { ...interpreter, minor };
  }

  /** Creates or syncs a venv for this checkout if the user agrees; null if not. */
  async #offerOwnVenv({ argv, venv }: Interpreter, question: string): Promise<Interpreter | null> {
    const { host, printer } = this.context;
    const { ask, yes } = this.options;
    if (!ask || argv.length !== 1 || !(yes || canAsk(host, printer))) return null;
    this.#shown.clear();
    const agreed = await this.#shown.asking(() =>
      confirm(host, printer, question, { otherwise: true, yes })
    );
    return agreed ? await this.#sync(this.#venvAt(venv), null) : null;
  }

  #venvAt(path: string | null | undefined): Venv | null {
    return this.#venvs.ranked.find((venv) => venv.path === path) ?? null;
  }

  /** The command that creates or syncs a venv that fits, ready to paste. */
  async #syncCommand(interpreter: Interpreter | null): Promise<string> {
    const venv = this.#venvAt(interpreter?.venv);
    const scene = this.#scene();
    try {
      const isElsewhere = venv !== null && await isBorrowed(scene, venv);
      const isLink = isElsewhere && await this.#symlinkTarget(interpreter!) !== null;
      if (isLink) {
        const { host, project: { root } } = scene;
        const remove = shellCommand(["rm", basename(venv.path)]);
        return `${remove} && ${await newVenvCommand(host, root, venv)}`;
      }
      return (await planSync(scene, isElsewhere ? null : venv)).shown;
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      return error.hint ?? error.message;
    }
  }

  /** The path of the venv if it is another one that is only linked from here. */
  async #symlinkTarget({ venv }: Interpreter): Promise<string | null> {
    const found = this.#venvAt(venv);
    if (!found || !await isBorrowed(this.#scene(), found)) return null;
    const real = await this.context.host.files.realPath(found.path);
    return real === found.path ? null : real;
  }

  #nameOf({ venv, argv }: Interpreter): string {
    if (venv === null) return argv[0]!;
    return isInside(venv, this.project.root) ? relative(this.project.root, venv) : venv;
  }

  /** In a linked worktree git's own directory is not the one that all worktrees share. */
  async #isLinkedWorktree(): Promise<boolean> {
    const location = await this.#location;
    return location !== null && location.gitDirectory !== location.commonDirectory;
  }

  async #locate(): Promise<GitLocation | null> {
    try {
      return await new Git(this.context.host, this.project.root).location();
    } catch (error) {
      ignoreTractestError(error);
      return null;
    }
  }

  #scene(): VenvScene {
    const { context: { host, printer }, project } = this;
    return { host, printer, project, inherited: this.#inherited, venvs: this.#venvs };
  }
}
