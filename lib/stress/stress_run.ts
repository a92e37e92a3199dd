import { join } from "@std/path";
import { removeDirectory } from "../background/run_directory.ts";
import { shellCommand } from "../base/escape.ts";
import { describeTries } from "../base/rates.ts";
import { asTyped, pasteable } from "../base/typed_command.ts";
import { UsageError } from "../errors.ts";
import type { Cut } from "../pytest/run_exit_code.ts";
import { secondsOf } from "../run/after.ts";
import { exactCommand, type ExactOutcome, type ExactScene, runExactly } from "../run/exact.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { Progress } from "../terminal/progress.ts";
import { unbroken } from "../terminal/wrap.ts";
import { fromContention, isRed, type Stressed, stressed, type Trial, trialsOf } from "./rules.ts";
import { aloneText, roundText, showStressed } from "./show.ts";

/** The schema of the JSON document of a stress run. */
export const STRESS_SCHEMA = "tractest.stress/1";

/** What a stress run repeats, and how often. */
export interface StressRequest {
  readonly targets: readonly string[];
  /** How many copies run at once. */
  readonly copies: number;
  readonly rounds: number;
  /** Stop after the first round with a failure. */
  readonly untilFail: boolean;
  /** Run as many copies alone, one after another, to compare with. */
  readonly baseline: boolean;
  /** Seconds for each copy; 0: no limit. */
  readonly limit: number;
}

/** How one copy ended. */
interface Copy {
  readonly trials: readonly Trial[];
  readonly code: number;
  /** Why it did not run to its end; null if it did. */
  readonly problem: string | null;
}

/** Runs rounds of copies of the same tests. */
export class StressRun {
  readonly #trials: Trial[] = [];
  readonly #alone: Trial[] = [];
  /** Why copies did not run to their end, and how many. */
  readonly #problems = new Map<string, number>();
  readonly #progress: Progress;
  #rounds = 0;
  #cut: Cut | null = null;
  /** The output of the first copy that failed. */
  #log: string | null = null;

  constructor(private readonly scene: ExactScene, private readonly request: StressRequest) {
    const { host, printer } = scene.context;
    this.#progress = new Progress(host, printer);
  }

  /**
   * Runs all rounds and shows the result.
   *
   * @throws {UsageError} when pytest runs no test
   */
  async run(): Promise<ExitCode> {
    const { host } = this.scene.context;
    const { rounds, untilFail, baseline } = this.request;
    const began = host.clock.monotonic();
    let failed = false;
    while (this.#rounds < rounds && this.#cut === null && !(failed && untilFail)) {
      failed = await this.#runRound(this.#rounds + 1);
    }
    if (baseline) await this.#runAlone();
    return this.#show((host.clock.monotonic() - began) / 1000);
  }

  /** Returns whether anything failed. */
  async #runRound(round: number): Promise<boolean> {
    const { host, printer } = this.scene.context;
    const { copies, rounds, targets } = this.request;
    const began = host.clock.monotonic();
    const name = `round ${round} of ${rounds}`;
    const work = Array.from(
      { length: copies },
      (_, index) => this.#runCopy(`round-${round}-copy-${index + 1}`, round, index + 1),
    );
    const ended = await this.#progress.during(name, Promise.all(work));
    const trials = ended.flatMap((copy) => copy.trials);
    this.#trials.push(...trials);
    if (this.#cut === null) this.#rounds = round;
    if (this.#trials.length === 0 && this.#cut === null) throw noTests(targets, ended[0]!.code);
    const broken = ended.filter((copy) => copy.problem !== null).length;
    const seconds = (host.clock.monotonic() - began) / 1000;
    const all = this.#trials;
    printer.note(`${name}: ${roundText({ trials, all, broken, copies, seconds })}`);
    return broken > 0 || trials.some(isRed);
  }

  /** Runs one copy after another, as many as all rounds had. */
  async #runAlone(): Promise<void> {
    const { copies } = this.request;
    const count = this.#rounds * copies;
    for (let number = 1; number <= count && this.#cut === null; number++) {
      const name = `alone, ${number} of ${count}`;
      const copy = this.#runCopy(`alone-${number}`, number, 1);
      this.#alone.push(...(await this.#progress.during(name, copy)).trials);
      if (number !== count && number % copies !== 0) continue;
      this.scene.context.printer.note(`${name}: ${aloneText(this.#alone)}`);
    }
  }

  /** Runs all tests in one pytest. */
  async #runCopy(name: string, round: number, copy: number): Promise<Copy> {
    const { context: { host }, prepared, settings } = this.scene;
    const { targets, limit } = this.request;
    const outcome = await runExactly(this.scene, {
      name,
      lane: `copy-${copy}`,
      targets,
      choose: (ids) => ids,
      limit,
      testLimit: settings.limits.test,
    });
    const { run, cut, verdict: { code }, firstSession } = outcome;
    if (cut !== null && cut !== "time-limit") this.#cut ??= cut;
    const hung = cut === "time-limit" ? run.running.map(({ id }) => ({ id, seconds: limit })) : [];
    const trials = trialsOf(run.tests.values(), { round, copy, hung });
    const problem = this.#cut === null ? problemOf(outcome, trials) : null;
    if (problem !== null) this.#problems.set(problem, (this.#problems.get(problem) ?? 0) + 1);
    const directory = join(prepared.state.directory, name);
    if (!trials.some(isRed) && problem === null) await removeDirectory(host, directory);
    else if (!name.startsWith("alone")) {
      this.#log ??= join(directory, `output-${firstSession}.log`);
    }
    return { trials, code, problem };
  }

  #show(seconds: number): ExitCode {
    const { context: { host, printer }, project: { root }, prepared } = this.scene;
    const { targets, copies, baseline } = this.request;
    const tests = stressed(this.#trials);
    const alone = baseline ? stressed(this.#alone) : null;
    const command = asTyped(exactCommand(this.scene, targets), root);
    const { environment } = prepared.interpreter;
    printer.note(`each copy: ${unbroken(pasteable(command, environment, root, host.cwd))}`);
    const problems = [...this.#problems].map(([message, times]) => ({ message, times }));
    const interrupted = this.#cut !== null;
    const counts = { copies, rounds: this.#rounds, interrupted, problems, log: this.#log };
    showStressed(printer, { ...counts, tests, alone, seconds });
    const failed = problems.length > 0 || tests.some((test) => test.failures > 0);
    const exitCode = exitCodeOf(this.#cut, failed);
    if (printer.json) {
      printer.document(STRESS_SCHEMA, {
        ...counts,
        exitCode,
        command,
        env: environment,
        isolated: prepared.isolation !== null,
        tests: tests.map((test) =>
          describeTest(test, alone?.find((other) => other.id === test.id) ?? null)
        ),
        seconds: secondsOf({ seconds }),
      });
    }
    return exitCode;
  }
}

function exitCodeOf(cut: Cut | null, failed: boolean): ExitCode {
  if (cut !== null) return cut === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  return failed ? EXIT.testsFailed : EXIT.ok;
}

/** A test in the JSON document; `alone` is null without a baseline. */
function describeTest(test: Stressed, alone: Stressed | null): Readonly<Record<string, unknown>> {
  const { id, messages, first, leaking, leaked, slowest, median } = test;
  return {
    id,
    ...describeTries(test),
    alone: alone && describeTries(alone),
    contention: alone && fromContention(test, alone),
    messages,
    leaks: { trials: leaking, processes: leaked },
    slowest,
    median,
    first: first && describeFirst(first),
  };
}

function describeFirst({ round, copy, outcome, failure }: Trial) {
  const { id: _id, ...rest } = failure ?? { id: "" };
  return { round, copy, outcome, ...rest };
}

/** Why a copy did not run all tests; null if it did, or if a failed test says so. */
function problemOf(outcome: ExactOutcome, trials: readonly Trial[]): string | null {
  const [broken] = outcome.run.collectionErrors;
  if (broken !== undefined) {
    return `${broken.id} could not be collected: ${broken.message.split("\n", 1)[0]}`;
  }
  if (trials.some(isRed)) return null;
  return outcome.verdict.ending;
}

function noTests(targets: readonly string[], code: number): UsageError {
  return new UsageError(
    `pytest ran no test of ${targets.join(", ")} (exit code ${code})`,
    shellCommand(["tractest", "run", ...targets]),
  );
}
