import type { KeptOutput, RunFindings } from "./run_findings.ts";
import { singleBlock } from "./blocks.ts";
import { quietSeconds } from "./settings.ts";
import type { RunOptions } from "./run_options.ts";
import { recordFullRun } from "../background/full_runs.ts";
import { escapeText } from "../base/escape.ts";
import { asTyped, pasteable } from "../base/typed_command.ts";
import { PART } from "../pytest/plugin_environment.ts";
import type { Host } from "../system/host.ts";
import type { Context } from "../command_line/context.ts";
import { RunDraft } from "../history/record.ts";
import { findLeaks } from "../leaks/gather.ts";
import type { LeakReport } from "../leaks/leak_report.ts";
import { captureNote, stopsAtFirst } from "../pytest/pytest_command.ts";
import type { Cut } from "../pytest/run_exit_code.ts";
import { groupsOf } from "../pytest/work.ts";
import { watchCpu } from "../system/programs/cpu_counts.ts";
import type { ExitCode } from "../tables/exit_codes.ts";
import { keptOutput, leaksAfter, recordFailures, secondsOf, verdictAfter } from "./after.ts";
import { type Display, openDisplay } from "./display.ts";
import type { EngineOutcome } from "./engine/engine_outcome.ts";
import { type RunPlan, WHOLE } from "./engine/engine_request.ts";
import { EventLog } from "./event_log.ts";
import type { JunitFile } from "./junit_file.ts";
import { balanceOf, type Jobs, jobsOf, Plan } from "./parallel.ts";
import type { LaunchRequest, Prepared } from "./prepared.ts";
import { extraWords, type Sharing } from "./rules_unseen_options.ts";
import { isolatesTest } from "./rules_overrides.ts";
import type { RunRequest } from "./run_request.ts";
import type { Changes } from "./judge_failures.ts";
import type { JudgedFailure } from "./show_failures.ts";
import { unseenJunit } from "./unseen_options.ts";
import { plural } from "../base/plural.ts";
import { unbroken } from "../terminal/wrap.ts";

/**
 * One run of the tests, from its command to its verdict: {@linkcode TestRun.run} calls the other
 * methods in the order in which they stand.
 */
export class TestRun {
  readonly #argv: readonly string[];
  /** The command as a person would type it. */
  readonly #command: readonly string[];
  /** Distributes the tests; null if one pytest runs all of them. */
  readonly #plan: Plan | null;
  readonly #order: RunPlan["order"];
  readonly #sharing: Sharing;
  /** How often a test may run. */
  readonly #tries: number;
  readonly #draft: RunDraft;
  /** The report that pytest's configuration asks for, if tractest has to write it. */
  #unseenReport: JunitFile | null = null;
  /** Measures the load of the processors from the first session on. */
  #cpu: ReturnType<typeof watchCpu> | null = null;
  #changes: Promise<Changes | null> | null = null;
  #kept: KeptOutput = null;
  /** The first signal that came after the tests. */
  #signal: { readonly cut: Cut | null } = { cut: null };

  /**
   * Decides how many sessions run at once, and opens the log of events.
   *
   * @param limit seconds for the whole run; 0: no limit
   * @throws {TractestError} 83 when several sessions were requested and cannot be separated
   */
  static async prepare(
    context: Context<RunOptions>,
    request: RunRequest,
    prepared: Prepared,
    limit: number,
  ): Promise<TestRun> {
    const jobs = jobsOf(context, request.project, request.parallel, prepared);
    const { directory } = prepared.state;
    const log = await EventLog.open(context.host, directory, request.events?.sink ?? null);
    return new TestRun(context, request, prepared, limit, jobs, log);
  }

  private constructor(
    private readonly context: Context<RunOptions>,
    private readonly request: RunRequest,
    private readonly prepared: Prepared,
    private readonly limit: number,
    private readonly jobs: Jobs,
    private readonly log: EventLog,
  ) {
    const { project, parallel, settings, chosen, places, givenSeconds: given } = request;
    const arrange = chosen?.arrange ?? null;
    const several = jobs.count > 1;
    const { host } = context;
    const parts = { host, project, parallel, given, arrange, facts: prepared.facts, log };
    this.#argv = request.command(prepared.interpreter.argv, WHOLE);
    this.#command = asTyped(this.#argv, project.root);
    const isSplit = prepared.isolationOfSome !== null;
    this.#plan = several || parallel.shard !== null || isSplit
      ? new Plan({ ...parts, jobs: jobs.count, together: places.together })
      : null;
    this.#order = this.#plan?.make ?? (arrange && ((items) => arrange(groupsOf(items))));
    this.#sharing = { several, handsOut: this.#order !== null };
    this.#tries = 1 + Math.max(settings.mostRetries, several ? 1 : 0);
    this.#draft = new RunDraft(host, project);
  }

  /** Runs the tests and shows the verdict. */
  async run(): Promise<ExitCode> {
    this.#showCommand();
    await this.#logStart();
    await this.#beginUnseenReport();
    const outcome = await this.#runPytest();
    const findings = await this.#examine(outcome);
    await this.#logFinish(findings);
    await this.#writeReports(findings.outcome);
    const { showFindings } = await import("./end.ts");
    await showFindings(this.context, findings);
    await this.#reportToCi(findings);
    // Last, because the verdict must not wait for a process that locks the history.
    await this.#draft.record(this.context.printer, findings.outcome.run);
    return findings.verdict.code;
  }

  async #reportToCi(findings: RunFindings): Promise<void> {
    const { ci, project } = this.request;
    if (ci === null) return;
    await (await import("./ci_report.ts")).reportToCi(ci, project.root, findings);
  }

  #showCommand(): void {
    const { host, printer, line } = this.context;
    const { environment } = this.prepared.interpreter;
    const command = pasteable(this.#command, environment, this.request.project.root, host.cwd);
    printer.note(unbroken(command));
    const note = captureNote(this.#command, line);
    if (note !== null) printer.note(note);
  }

  async #logStart(): Promise<void> {
    await this.log.append({
      event: "run-start",
      runId: this.prepared.state.runId,
      root: this.request.project.root,
      command: this.#command,
      pid: this.context.host.pid,
      ...this.prepared.facts,
      shard: this.request.parallel.shard,
    });
  }

  /** Several sessions would overwrite the report that pytest's configuration asks for. */
  async #beginUnseenReport(): Promise<void> {
    const { places } = this.request;
    const { several, handsOut } = this.#sharing;
    const notes = several ? places.notes : handsOut ? places.workerNotes : [];
    for (const note of notes) this.context.printer.note(escapeText(note));
    if (!several) return;
    this.#unseenReport = await this.#findUnseenReport();
    await this.#unseenReport?.begin();
  }

  #findUnseenReport(): Promise<JunitFile | null> {
    return unseenJunit(this.context.host, this.request.project, this.request.places);
  }

  async #runPytest(): Promise<EngineOutcome> {
    const { directory, isTemporary } = this.prepared.state;
    const display = await openDisplay(this.context, this.request, this.log, {
      directory,
      isTemporary,
      several: this.#sharing.several,
      tries: this.#tries,
    });
    const { ci } = this.request;
    const launch = () => this.prepared.launch(this.log, directory, this.#launchRequest(display));
    const launched = ci && display.output !== "log" ? ci.tests(launch) : launch();
    const outcome = await launched.catch(async (error) => {
      await this.#draft.drop();
      throw error;
    }).finally(() => display.stop());
    this.#signal = this.prepared.conclude();
    await display.showLog(outcome);
    this.#kept = await keptOutput(this.context, this.prepared.state, display.output);
    return outcome;
  }

  #launchRequest(display: Display): LaunchRequest {
    const { context: { host, line }, request, prepared: { interpreter } } = this;
    const { settings, intent: { debugging } } = request;
    const order = this.#order;
    const runsIsolated = this.prepared.isolationOfSome === null
      ? null
      : isolatesTest(request.project.configuration.overrides);
    const exitFirst = stopsAtFirst(this.#argv);
    return {
      sessions: {
        command: (kind) => request.command(interpreter.argv, kind),
        extraWords: extraWords(request.places, this.#sharing),
        environment: (shard, name) => ({
          ...this.jobs.environment(shard, name),
          ...(request.parallel.shard === null ? {} : { [PART]: "1" }),
        }),
        output: display.output,
      },
      plan: {
        jobs: this.jobs.count,
        order: order && (async (items) => {
          const groups = await order(items);
          display.plan(groups.flat());
          this.#noteIsolated(runsIsolated === null ? [] : groups.flat().filter(runsIsolated));
          return groups;
        }),
        blocks: this.#plan?.blocks ?? ((groups) => groups.map(singleBlock)),
        runsAlone: this.#plan?.alone ?? (() => false),
        ...(runsIsolated === null ? {} : { runsIsolated }),
      },
      limits: {
        ...settings.limits,
        run: this.limit,
        slow: settings.slow,
        quiet: quietSeconds(line.options, request.project),
      },
      policy: {
        debugging,
        exitFirst,
        resume: line.options.resume || (request.scope === "full" && !exitFirst),
        retries: settings.retries,
        retriesOf: settings.retriesOf,
      },
      hooks: {
        onFirstSession: () => {
          this.#cpu = watchCpu(host);
          loadEnd();
        },
        onSessionsFinished: (run) => {
          this.#draft.begin(run);
          if (run.isRed) this.#readChanges();
        },
      },
    };
  }

  /** Reads what may explain failures; begun while pytest exits. */
  #readChanges(): Promise<Changes | null> {
    const { context, request: { project } } = this;
    this.#changes ??= import("./judge_failures.ts").then(({ knownChanges }) =>
      knownChanges(context, project)
    );
    // It may fail before it is awaited.
    this.#changes.catch(() => {});
    return this.#changes;
  }

  #noteIsolated(tests: readonly string[]): void {
    if (tests.length === 0) return;
    this.context.printer.note(
      `${plural(tests.length, "test")} will run isolated, after the others`,
    );
  }

  /** Gathers the results and leaks, and decides the exit code. */
  async #examine(ran: EngineOutcome): Promise<RunFindings> {
    const { context: { host, printer, line }, request: { project, parallel } } = this;
    const isolated = this.prepared.isolation !== null;
    // Leaks found outside are not from an isolated run: only the JSON document lists them.
    const afterIsolation = isolated && printer.json ? findLeaks(host, project) : null;
    const ownLeaks = isolated ? null : leaksAfter(host, project, ran);
    const [leaks, strain, failures, holders] = await Promise.all([
      ownLeaks ?? afterIsolation,
      this.#cpu?.then((measure) => measure()) ?? null,
      this.#judgeFailures(ran, ownLeaks),
      // The ports inside of an isolation are others.
      isolated || this.prepared.isolationOfSome !== null ? [] : portHoldersOf(host, ran),
      recordFailures(host, ran),
    ]);
    const { strict } = line.options;
    const { cut: signal } = this.#signal;
    const verdict = verdictAfter(ran, isolated ? null : leaks, { strict, signal });
    this.prepared.noteEnding(verdict.ending);
    const outcome = { ...ran, cut: ran.cut ?? signal };
    return {
      verdict,
      kept: this.#kept,
      command: this.#command,
      prepared: this.prepared,
      outcome,
      failures,
      portHolders: holders,
      leaks,
      strain,
      limit: this.limit,
      tries: this.#tries,
      stream: this.request.stream,
      balance: balanceOf(outcome, this.#plan ?? { predicted: null, known: 0 }),
      parallel,
      jobs: this.jobs.count,
      agentLimit: this.request.ui === "agent" ? line.options.limit : null,
      profile: this.request.project.profile,
    };
  }

  /** The failures and their likely causes; `leaks` is null for an isolated run. */
  async #judgeFailures(
    { run }: EngineOutcome,
    leaks: Promise<LeakReport> | null,
  ): Promise<JudgedFailure[]> {
    if (run.failures.length === 0) {
      await this.#changes;
      return [];
    }
    const { project } = this.request;
    const [{ judgeFailures }, { collisionText }] = await Promise.all([
      import("./judge_failures.ts"),
      import("../pytest/collision.ts"),
    ]);
    const registryHeld = collisionText(run.failures, run.finished.length, project.profile) !==
        null ||
      leaks?.then(({ registries }) => registries.some(({ bound }) => bound)) || false;
    const changes = this.#readChanges();
    return await judgeFailures(this.context, project, run.failures, changes, registryHeld);
  }

  async #logFinish({ outcome, verdict, strain, failures }: RunFindings): Promise<void> {
    const { context: { host, printer }, log } = this;
    for (const { id, phase, known, isListed, related } of failures) {
      if (known === null && related === null) continue;
      await log.append({ event: "explained", id, phase, known, listed: isListed, related });
    }
    const isFull = this.#isFull();
    if (isFull && outcome.cut === null && outcome.verdict.code <= 1) {
      await recordFullRun(host, this.prepared.state, outcome.seconds);
    }
    await log.append({
      event: "run-finish",
      exitCode: verdict.code,
      ending: verdict.ending,
      seconds: secondsOf(outcome),
      strained: strain?.strained ?? null,
    });
    await log.drain();
    this.request.events?.end(printer);
    if (!log.isCut) return;
    printer.warn(
      `the disk is full: events are missing, counts are incomplete (${escapeText(log.path)})`,
    );
  }

  /** Whether all tests of the project are to run. */
  #isFull(): boolean {
    const { scope, parallel, intent } = this.request;
    return scope === "full" && parallel.shard === null && !intent.selects && !intent.debugging;
  }

  async #writeReports({ sessions, run, cut, verdict }: EngineOutcome): Promise<void> {
    const { printer } = this.context;
    const wasFull = this.#isFull() && cut === null && verdict.code === 0;
    await this.request.kept?.write(printer, run, wasFull);
    await this.request.junit?.write(printer, run);
    // pytest's own report lacks the tests of later sessions.
    const unseen = this.#unseenReport ?? (sessions > 1 ? await this.#findUnseenReport() : null);
    await unseen?.write(printer, run);
  }
}

async function portHoldersOf(host: Host, { run: { failures } }: EngineOutcome): Promise<string[]> {
  if (failures.length === 0) return [];
  return await (await import("./port_holders.ts")).portHolders(host, failures);
}

/**
 * Loads what is needed only at the end while the tests run: by then temporary files that the
 * program was unpacked to may be gone.
 */
function loadEnd(): void {
  void Promise.allSettled([
    import("./end.ts"),
    import("./port_holders.ts"),
    import("../pytest/collision.ts"),
    import("./judge_failures.ts"),
    import("../hang/examine.ts"),
    import("../hang/stacks.ts"),
    import("../history/project_history.ts"),
    import("../system/sqlite.ts"),
  ]);
}
