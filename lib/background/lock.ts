import type { RecordedIdentity } from "../processes/process.ts";
import { join } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { describeLock, type LockRecord, readLock } from "./rules_lock.ts";
import { PreflightError, TractestError } from "../errors.ts";
import type { FileLock, Host } from "../system/host.ts";
import { readProcessFiles } from "../system/programs/proc.ts";
import type { Printer } from "../terminal/printer.ts";
import { surroundingsOf } from "../leaks/ledger.ts";
import type { RunState } from "./state.ts";

/** The hold on a project: while it lasts no other run begins. */
export interface RunLock {
  /** The process that an earlier run left when it was killed; null if there is none. */
  readonly left: { readonly record: LockRecord; readonly child: RecordedIdentity } | null;
  /** What the earlier run left is gone: the next run need not look for it. */
  leftIsGone(): void;
  /** Notes the process that does the work, for a later run in case this one is killed. */
  noteChild(child: RecordedIdentity | null): Promise<void>;
  /**
   * Asks a person something: nobody knows how long that takes, so other runs may begin meanwhile.
   *
   * @throws {PreflightError} when another run has begun and goes on, unless this one waits for
   *   others
   */
  whileAsking<T>(ask: () => Promise<T>): Promise<T>;
  release(): Promise<void>;
}

/** How {@linkcode takeLock} takes it. */
export interface LockOptions {
  /** The command, as shown to a second run. */
  readonly command: string;
  /** Wait until another run has ended. */
  readonly wait: boolean;
  /** It disturbs no other run, and none disturbs it. */
  readonly isolated: boolean;
  /** Is told once when that begins. */
  readonly onWait?: () => void;
}

/** Milliseconds between tries while another run holds the project. */
const RETRY_MS = 300;

/** The hold of a run that needs none, or whose state can't be used. */
const NOTHING_HELD: RunLock = {
  left: null,
  leftIsGone: () => {},
  noteChild: () => Promise.resolve(),
  whileAsking: (ask) => ask(),
  release: () => Promise.resolve(),
};

/**
 * Takes the hold on a project. The system drops the lock when its holder dies, so a lock that is
 * held names a run that lives. A run that is isolated holds nothing and waits for nobody: there is
 * nothing that it and another would fight for, and it leaves nothing to find.
 *
 * @throws {PreflightError} when another run holds it and `wait` is false
 */
export async function takeLock(
  host: Host,
  printer: Printer,
  state: RunState,
  options: LockOptions,
): Promise<RunLock> {
  if (state.projectDirectory === null || options.isolated) return NOTHING_HELD;
  const path = join(state.projectDirectory, "run.lock");
  const acquire = () => acquireLock(host, printer, path, options);
  try {
    const lock = await acquire();
    return await held(host, lock, await host.files.readText(path), {
      state,
      command: options.command,
      acquire,
    });
  } catch (error) {
    if (!(error instanceof TractestError) || error instanceof PreflightError) throw error;
    // As where there is no state directory: that must not keep anybody from running tests.
    printer.warn(`${escapeText(error.message)}: no look for a second run`);
    return NOTHING_HELD;
  }
}

/** Locks the file of a project, waiting for other runs if that is wanted. */
async function acquireLock(
  host: Host,
  printer: Printer,
  path: string,
  options: LockOptions,
): Promise<FileLock> {
  for (let waiting = false;; waiting = true) {
    const lock = await host.files.tryLock(path);
    if (lock) return lock;
    const holder = readLock(await host.files.readText(path));
    const other = holder ? describeLock(holder, host.clock.now()) : "another run";
    if (!options.wait) {
      throw new PreflightError(
        "run-in-progress",
        `${other} is in progress in this repo${holder ? `: ${holder.command}` : ""}`,
        "wait for it: tractest run --wait …",
      );
    }
    if (!waiting) {
      printer.note(
        escapeText(`waiting until ${other} has ended${holder ? `: ${holder.command}` : ""}`),
      );
    }
    if (!waiting) options.onWait?.();
    await host.clock.sleep(RETRY_MS);
  }
}

interface HeldOptions {
  readonly state: RunState;
  readonly command: string;
  readonly acquire: () => Promise<FileLock>;
}

async function held(
  host: Host,
  first: FileLock,
  before: string | null,
  { state, command, acquire }: HeldOptions,
): Promise<RunLock> {
  const earlier = readLock(before);
  const child = earlier?.child && await isAlive(host, earlier.child) ? earlier.child : null;
  const record: LockRecord = {
    runId: state.runId,
    pid: host.pid,
    since: host.clock.now(),
    command,
    child: null,
  };
  // What an earlier run left stays on record until it is known to be gone.
  let left = child ? earlier : null;
  let lock: FileLock | null = first;
  const write = async (changes: Partial<LockRecord>) => {
    try {
      await lock?.write(JSON.stringify({ ...record, ...changes }));
    } catch (error) {
      // A full disk costs what others can read of this run; that it holds the project they see all
      // the same.
      if (!(error instanceof TractestError)) throw error;
    }
  };
  const release = async () => {
    await write(left ?? {});
    lock?.release();
    lock = null;
  };
  await write({ child: left?.child ?? null });
  return {
    left: child ? { record: earlier!, child } : null,
    leftIsGone: () => void (left = null),
    noteChild: async (child) => await write({ child }),
    whileAsking: async (ask) => {
      await release();
      const answer = await ask();
      lock = await acquire();
      await write({ child: left?.child ?? null });
      return answer;
    },
    release,
  };
}

/** Whether a recorded process still lives, and is the same one. */
async function isAlive(host: Host, recorded: RecordedIdentity): Promise<boolean> {
  const [surroundings, { rows }] = await Promise.all([
    surroundingsOf(host),
    readProcessFiles(host, [recorded.pid], {
      mapped: false,
      why: "does the pytest of an interrupted run still live",
    }),
  ]);
  const now = rows.get(recorded.pid);
  return now !== undefined && now.state !== "Z" && now.startTicks === recorded.startTicks &&
    surroundings?.bootId === recorded.bootId &&
    surroundings.pidNamespace === recorded.pidNamespace;
}
