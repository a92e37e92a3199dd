import {
  type Bisected,
  type BisectionVerdict,
  findCulprits,
  including,
  type Shown,
  stepsFor,
  type StepShown,
  type Symptom,
  symptomsOf,
  testNamed,
  WORDS,
} from "./rules.ts";
import { fileOf } from "../pytest/lastfailed.ts";
import type { Failure } from "../pytest/failure.ts";
import { RED } from "../pytest/results.ts";
import type { Cut } from "../pytest/run_exit_code.ts";
import { UsageError } from "../errors.ts";
import { type ExactOutcome, type ExactScene, runExactly } from "../run/exact.ts";

/** Where to search for culprits. Targets as pytest takes them. */
export interface Scope {
  /** Its name in messages: `the newest recorded run`. */
  readonly name: string;
  /** What pytest collects; null: the files of `before` and of the test. */
  readonly targets: readonly string[] | null;
  /** The tests that run before the test; null: all that pytest collects before it. */
  readonly before: readonly string[] | null;
}

/** What a bisection searches, and how. Limits in seconds; 0: none. */
export interface BisectionRequest {
  /** As typed, its file resolved. */
  readonly test: string;
  /** Tried one after another until the symptom shows. */
  readonly scopes: readonly Scope[];
  /** Null: any. */
  readonly symptom: Symptom | null;
  /** How often a step runs until the symptom shows. */
  readonly repeat: number;
  /** For each pytest. */
  readonly stepLimit: number;
  /** For each test, until the usual durations are known. */
  readonly testLimit: number;
  /** Whether a test that runs when its pytest reaches the limit hangs. */
  readonly limitTells: boolean;
  /** Whether the limit of tests stays as it is. */
  readonly fixedLimit: boolean;
}

/** A signal ended a step: the search is over. */
class Interrupted extends Error {
  constructor(readonly cut: Cut) {
    super(cut);
  }
}

/** The search takes too many steps: the answers contradict each other. */
class Endless extends Error {}

/** What one pytest showed about the test. */
interface Answer {
  /** Null: the test did not run. */
  readonly symptoms: readonly Symptom[] | null;
  readonly failure: Failure | null;
}

/** The shortest learned limit of a test, seconds. */
const SHORTEST_LIMIT = 10;
/** A test hangs if it takes this many times as long as the longest other test. */
const HANGS_AT = 4;
/** The steps beyond the predicted ones after which the answers must contradict each other. */
const PATIENCE = { times: 6, more: 20 } as const;

/** Finds the tests that make a later one fail, hang or leak. Each step is a new pytest. */
export class Bisection {
  #steps = 0;
  #predicted: number | null = null;
  #most = Infinity;
  #symptom: Symptom | null;
  #testLimit: number;
  #test: string;
  /** Duration of the longest test that did not fail, seconds. */
  #longest = 0;
  #before: readonly string[] = [];
  #suspects: readonly string[] = [];
  #scope: string | null = null;
  #failure: Failure | null = null;
  #with: Shown = { runs: 0, shown: 0 };
  #without: Shown = { runs: 0, shown: 0 };
  readonly #notes = new Set<string>();

  constructor(
    private readonly scene: ExactScene,
    private readonly request: BisectionRequest,
    private readonly onStep: (step: StepShown) => void,
  ) {
    this.#symptom = request.symptom;
    this.#testLimit = request.testLimit;
    this.#test = request.test;
  }

  /**
   * Searches until the culprits are verified, or found to be uncertain.
   *
   * @throws {UsageError} if there is no such test
   */
  async run(): Promise<Bisected> {
    try {
      return await this.#run();
    } catch (error) {
      if (error instanceof Interrupted) return this.#end("interrupted", this.#suspects, error.cut);
      if (error instanceof Endless) return this.#end("not-deterministic", this.#suspects);
      throw error;
    }
  }

  async #run(): Promise<Bisected> {
    const alone = await this.#ask("alone", [], null);
    if (alone.shown > 0) {
      this.#with = alone;
      return this.#end("by-itself", []);
    }
    const scope = await this.#reproduce();
    if (scope === null) return this.#end("not-reproduced", []);
    const count = this.#before.length;
    this.#predict(stepsFor(count) + 3);
    const files = [...new Set(this.#before.map(fileOf))].filter((file) =>
      file !== fileOf(this.#test)
    );
    if (files.length > 0) {
      const imported = await this.#ask(
        "with their files imported, none of them run",
        [],
        scope.targets ?? files,
      );
      if (imported.shown > 0) return await this.#bisectImports(files);
    }
    const places = await findCulprits(count, async (places) => {
      const ids = places.map((place) => this.#before[place]!);
      const { shown } = await this.#ask(`after ${ids.length} of ${count}`, ids, null);
      if (shown > 0) this.#suspects = ids;
      return shown > 0;
    });
    const culprits = places.map((place) => this.#before[place]!);
    this.#suspects = culprits;
    const names = culprits.length === 1 ? "the culprit" : `the ${culprits.length} culprits`;
    this.#with = await this.#ask(`verify: after ${names}`, culprits, null, true);
    this.#without = await this.#ask(`verify: without ${names}`, [], culprits.map(fileOf), true);
    return this.#end(
      this.#with.shown > 0 && this.#without.shown === 0 ? "polluter" : "not-deterministic",
      culprits,
    );
  }

  /** Finds the files whose import is enough. */
  async #bisectImports(files: readonly string[]): Promise<Bisected> {
    this.#predict(stepsFor(files.length) + 2);
    const ask = async (what: string, some: readonly string[], all = false) =>
      await this.#ask(what, [], some, all);
    const places = await findCulprits(files.length, async (places) => {
      const some = places.map((place) => files[place]!);
      const { shown } = await ask(`with ${some.length} of ${files.length} files imported`, some);
      if (shown > 0) this.#suspects = some;
      return shown > 0;
    });
    const culprits = places.map((place) => files[place]!);
    this.#with = await ask("verify: with the culprit imported", culprits, true);
    this.#without = await ask("verify: without it", [], true);
    return this.#end(
      this.#with.shown > 0 && this.#without.shown === 0 ? "import" : "not-deterministic",
      culprits,
    );
  }

  /** Runs the test after all tests before it, scope by scope, until the symptom shows. */
  async #reproduce(): Promise<Scope | null> {
    for (const scope of this.request.scopes) {
      this.#scope = scope.name;
      let before: readonly string[] = [];
      const answer = await this.#repeated(async () => {
        const wanted = scope.before && new Set(scope.before);
        return await this.#step(
          `after all tests before it in ${scope.name}`,
          this.#targetsOf(scope),
          (collected) => {
            const at = collected.indexOf(this.#test);
            if (at < 0) throw noSuchTest(this.#test, collected);
            const there = new Set(collected);
            before = wanted === null
              ? collected.slice(0, at)
              : [...wanted].filter((id) => there.has(id) && id !== this.#test);
            if (wanted !== null && before.length < wanted.size) {
              this.#notes.add(`${wanted.size - before.length} of the recorded tests are gone`);
            }
            return [...before, this.#test];
          },
        );
      });
      this.#before = before;
      this.#suspects = before;
      if (answer.shown > 0) {
        this.#learnLimit();
        return scope;
      }
    }
    return null;
  }

  /** Runs the test after some others; returns how often the symptom showed. */
  async #ask(
    what: string,
    ids: readonly string[],
    files: readonly string[] | null,
    all = false,
  ): Promise<Shown> {
    const targets = including([...new Set([...ids.map(fileOf), ...(files ?? [])])], this.#test);
    return await this.#repeated(() =>
      this.#step(what, targets, (collected) => {
        this.#resolveTest(collected);
        return [...ids, this.#test];
      }), all);
  }

  /** Repeats a step until the symptom shows, or, with `all`, as often as requested. */
  async #repeated(step: () => Promise<Answer>, all = false): Promise<Shown> {
    let [runs, shown] = [0, 0];
    while (runs < this.request.repeat && (all || shown === 0)) {
      const { symptoms, failure } = await step();
      runs++;
      this.#symptom ??= symptoms?.[0] ?? null;
      if (this.#symptom === null || !symptoms?.includes(this.#symptom)) continue;
      shown++;
      this.#failure = failure ?? this.#failure;
    }
    return { runs, shown };
  }

  /** Replaces the typed name of the test by its id. */
  #resolveTest(collected: readonly string[]): void {
    const named = testNamed(this.#test, collected);
    if (typeof named !== "string") throw noSuchTest(this.#test, named);
    this.#test = named;
  }

  #targetsOf({ targets, before }: Scope): string[] {
    // Without targets pytest collects the whole suite.
    return targets?.length === 0
      ? []
      : including(targets ?? [...new Set((before ?? []).map(fileOf))], this.#test);
  }

  /** Runs one new pytest. */
  async #step(
    what: string,
    targets: readonly string[],
    choose: (collected: readonly string[]) => readonly string[],
  ): Promise<Answer> {
    if (this.#steps >= this.#most) throw new Endless();
    const number = ++this.#steps;
    let problem: unknown = null;
    const outcome = await runExactly(this.scene, {
      name: `step-${number}`,
      lane: "step",
      targets,
      choose: (collected) => {
        try {
          return choose(collected);
        } catch (error) {
          // Thrown only once the pytest that waits for its tests has ended.
          problem = error;
          return [];
        }
      },
      limit: this.request.stepLimit,
      testLimit: this.#testLimit,
    });
    if (problem !== null) throw problem;
    const { cut, run, chosen, verdict, seconds } = outcome;
    if (cut !== null && cut !== "time-limit") throw new Interrupted(cut);
    if (chosen.length === 0) throw noCollection(targets, verdict.code);
    const answer = this.#answerOf(outcome);
    const why = answer.symptoms === null ? this.#whyNotRun(outcome) : null;
    if (why !== null) this.#notes.add(why);
    const came = why ?? symptomsText(answer.symptoms!);
    this.onStep({ number, of: this.#predicted, what, came, seconds });
    for (const test of run.tests.values()) {
      if (!RED.has(test.outcome)) this.#longest = Math.max(this.#longest, test.seconds);
    }
    return answer;
  }

  #answerOf({ cut, run, firstSession }: ExactOutcome): Answer {
    const result = run.tests.get(this.#test);
    const attempt = result?.attempts.find((one) => one.session === firstSession);
    const failure = attempt?.failure ?? null;
    const isRunning = run.running.some(({ id }) => id === this.#test);
    if (cut === "time-limit" && this.request.limitTells && isRunning) {
      return { symptoms: ["hang"], failure };
    }
    if (!result || !attempt) return { symptoms: null, failure };
    const { outcome } = attempt;
    return { symptoms: symptomsOf({ outcome, leaked: result.leaked }), failure };
  }

  #whyNotRun({ cut, run }: ExactOutcome): string {
    const slow = [...run.tests.values()].find(({ id, outcome }) =>
      id !== this.#test && outcome === "timeout"
    );
    if (slow !== undefined) return `${slow.id} took longer than ${this.#testLimit} s`;
    if (cut !== "time-limit") return "the test did not run";
    return `this pytest took longer than ${this.request.stepLimit} s`;
  }

  /** Derives the limit of tests from their durations so far: no unknown test runs from here on. */
  #learnLimit(): void {
    if (this.request.fixedLimit) return;
    const learned = Math.ceil(Math.max(SHORTEST_LIMIT, HANGS_AT * this.#longest));
    const { testLimit } = this.request;
    this.#testLimit = testLimit === 0 ? learned : Math.min(testLimit, learned);
  }

  /** Predicts the remaining steps if there is one culprit. */
  #predict(more: number): void {
    this.#predicted = this.#steps + more;
    this.#most = this.#steps + (more * PATIENCE.times + PATIENCE.more) * this.request.repeat;
  }

  #end(verdict: BisectionVerdict, culprits: readonly string[], cut: Cut | null = null): Bisected {
    return {
      test: this.#test,
      verdict,
      symptom: this.#symptom,
      culprits,
      with: this.#with,
      without: this.#without,
      scope: this.#scope,
      before: this.#before.length,
      steps: this.#steps,
      failure: this.#failure,
      cut,
      notes: [...this.#notes],
    };
  }
}

function symptomsText(symptoms: readonly Symptom[]): string {
  return symptoms.length === 0 ? "passes" : symptoms.map((symptom) => WORDS[symptom]).join(" and ");
}

function noSuchTest(test: string, near: readonly string[]): UsageError {
  const parameters = near.filter((id) => id.startsWith(`${test}[`));
  if (parameters.length > 0) {
    return new UsageError(
      `"${test}" has ${parameters.length} sets of parameters`,
      `name one: ${parameters.slice(0, 8).join(", ")}`,
    );
  }
  return new UsageError(
    `pytest collects no test "${test}"`,
    "to list the tests: tractest run FILE --co -q",
  );
}

function noCollection(targets: readonly string[], code: number): UsageError {
  return new UsageError(
    `pytest collected nothing from ${targets.join(", ")} (exit code ${code})`,
    "to see why: tractest check",
  );
}
