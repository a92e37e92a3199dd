import { join } from "@std/path";
import type { TestRecord } from "../../lib/base/rates.ts";
import { readProject, testRecords } from "../../lib/history/project_history.ts";
import { recordRun } from "../../lib/history/record.ts";
import { DEFAULT_CONFIGURATION } from "../../lib/project/configuration.ts";
import type { Project } from "../../lib/project/project.ts";
import type { PytestEvent } from "../../lib/pytest/events.ts";
import { RunModel } from "../../lib/pytest/run_model.ts";
import type { Database } from "../../lib/system/sql.ts";
import { Printer } from "../../lib/terminal/printer.ts";
import { recordingTerminal } from "../fake_host.ts";
import { HostAt } from "../host_at.ts";

/** A host with a state directory and a terminal of its own. */
export class Store extends HostAt implements AsyncDisposable {
  override readonly terminal = recordingTerminal();
  readonly printer = new Printer(this, { json: false, verbose: false, color: "never" });
  readonly project: Project;

  constructor(readonly path: string, root = "/somewhere/repo") {
    super(path, { XDG_STATE_HOME: join(path, "state") });
    this.project = { root, configuration: DEFAULT_CONFIGURATION } as Project;
  }

  static make(): Store {
    return new Store(Deno.makeTempDirSync({ prefix: "tractest-history-" }));
  }

  async record(run: Partial<Run>): Promise<void> {
    await recordRun(
      this,
      this.printer,
      this.project,
      resultsWith({ root: this.project.root, ...run }),
    );
  }

  /** Reads from the history of the project; null if it has none. */
  async read<T>(read: (database: Database, project: number) => T): Promise<T | null> {
    return (await readProject(this, this.project, read)).value;
  }

  /** The record of one test. */
  async recordOf(test: string): Promise<TestRecord | undefined> {
    return (await testRecords(this, this.project, [test])).get(test);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** A made-up run. */
export interface Run {
  readonly id: string;
  readonly root: string;
  readonly commit: string | null;
  readonly dirty: boolean | null;
  readonly transport: string | null;
  /** Outcome and seconds of each attempt of each test. */
  readonly tests: Readonly<
    Record<string, readonly (readonly ["passed" | "failed" | "skipped" | "begun", number])[]>
  >;
  readonly ended: boolean;
  /** Whether it was short of CPU. */
  readonly strained?: boolean | null;
  /** Seconds since the epoch. */
  readonly started: number;
}

let made = 0;

function nextId(): string {
  return `run-${++made}`;
}

/** The results of a made-up run, from events as of a real one. */
export function resultsWith(
  {
    id = nextId(),
    root = "/somewhere/repo",
    commit = "c0ffee",
    dirty = false,
    transport = null,
    tests = {},
    ended = true,
    strained = null,
    started = Math.floor(Date.now() / 1000) - 1000 + made,
  }: Partial<Run>,
): RunModel {
  const results = new RunModel();
  for (
    const event of eventsWith({
      id,
      root,
      commit,
      dirty,
      transport,
      tests,
      ended,
      strained,
      started,
    })
  ) results.apply(event);
  return results;
}

export function eventsWith(
  { id, root, commit, dirty, transport, tests, ended, strained = null, started }: Run,
): PytestEvent[] {
  const time = started;
  const facts = { commit, dirty, transport, backend: null, python: "3.12.1" };
  const events: PytestEvent[] = [
    { event: "run-start", time, runId: id, root, command: ["pytest"], pid: 1, ...facts },
    { event: "session-begin", time, session: "0", pid: 1, purpose: "tests" },
  ];
  for (const [test, attempts] of Object.entries(tests)) {
    attempts.forEach(([outcome, seconds], index) => {
      const session = String(index);
      if (index > 0) {
        events.push({ event: "session-begin", time, session, pid: 1, purpose: "retry" });
      }
      events.push({ event: "test-start", time, session, id: test });
      if (outcome === "begun") return;
      const failure = outcome === "failed"
        ? { message: "boom\nmore", errors: ["ValueError"], where: null, traceback: "" }
        : {};
      events.push({
        event: "report",
        time,
        session,
        id: test,
        phase: "call",
        outcome,
        category: outcome,
        seconds,
        ...failure,
      });
      events.push({
        event: "report",
        time,
        session,
        id: test,
        phase: "teardown",
        outcome: "passed",
        category: "",
        seconds: 0,
      });
    });
  }
  if (ended) {
    events.push({ event: "run-finish", time, exitCode: 0, ending: null, seconds: 1, strained });
  }
  return events;
}
