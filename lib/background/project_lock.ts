import { join } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { ignoreTractestError, PreflightError, TractestError } from "../errors.ts";
import type { RecordedIdentity } from "../processes/process.ts";
import type { FileLock, Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import { livesOf } from "./known_runs.ts";
import { describeLock, type LockRecord, readLock } from "./rules_project_lock.ts";
import type { RunState } from "./run_directory.ts";

/** The lock of a project: while a run holds it, no other run begins. */
export interface RunLock {
  /** An earlier run that was killed while its pytest lived on; null if there is none. */
  readonly left: { readonly record: LockRecord; readonly child: RecordedIdentity } | null;
  /** Removes the earlier run from the lock file: its pytest has ended. */
  leftIsGone(): void;
  /** Records the pytest of this run, for a later run in case this one is killed. */
  noteChild(child: RecordedIdentity | null): Promise<void>;
  /**
   * Releases the lock while a person answers a question, which may take any time.
   *
   * @throws {PreflightError} when another run has begun meanwhile, unless this one waits for others
   */
  whileAsking<T>(ask: () => Promise<T>): Promise<T>;
  release(): Promise<void>;
}

/** How {@linkcode takeLock} takes it. */
export interface LockOptions {
  /** The command, as shown to a second run. */
  readonly command: string;
  /** Wait until the other run has ended. */
  readonly wait: boolean;
  /** An isolated run needs no lock: it shares nothing with other runs. */
  readonly isolated: boolean;
  /** Called once when it begins to wait. */
  readonly onWait?: () => void;
}

/** Milliseconds between tries while another run holds the lock. */
const RETRY_MS = 300;

/** For a run that needs no lock, or can't have one. */
const NO_LOCK: RunLock = {
  left: null,
  leftIsGone: () => {},
  noteChild: () => Promise.resolve(),
  whileAsking: (ask) => ask(),
  release: () => Promise.resolve(),
};

/**
 * Takes the lock of a project. The system releases it when its holder dies, so a lock that is held
 * belongs to a live run.
 *
 * @throws {PreflightError} when another run holds it and `wait` is false
 */
export async function takeLock(
  host: Host,
  printer: Printer,
  state: RunState,
  options: LockOptions,
): Promise<RunLock> {
  if (state.projectDirectory === null || options.isolated) return NO_LOCK;
  const path = join(state.projectDirectory, "run.lock");
  const acquire = () => acquireLock(host, printer, path, options);
  try {
    const lock = await acquire();
    const earlier = readLock(await host.files.readText(path));
    const isLeft = earlier?.child &&
      (await livesOf(host, [earlier.child], WHY_LEFT))(earlier.child);
    const record: LockRecord = {
      runId: state.runId,
      pid: host.pid,
      since: host.clock.now(),
      command: options.command,
      child: null,
    };
    return await heldLock(lock, record, isLeft === "alive" ? earlier : null, acquire);
  } catch (error) {
    if (!(error instanceof TractestError) || error instanceof PreflightError) throw error;
    // Tests can run without it, as without a state directory.
    printer.warn(`${escapeText(error.message)}: no protection against a second run`);
    return NO_LOCK;
  }
}

const WHY_LEFT = "whether the pytest of a killed run still lives";

/** Locks the file of a project, after other runs if `wait` is true. */
async function acquireLock(
  host: Host,
  printer: Printer,
  path: string,
  { wait, onWait }: LockOptions,
): Promise<FileLock> {
  for (let isFirst = true;; isFirst = false) {
    const lock = await host.files.tryLock(path);
    if (lock) return lock;
    const holder = readLock(await host.files.readText(path));
    const other = holder ? describeLock(holder, host.clock.now()) : "another run";
    const command = holder ? `: ${holder.command}` : "";
    if (!wait) {
      throw new PreflightError(
        "run-in-progress",
        `${other} is in progress in this repo${command}`,
        "wait for it: tractest run --wait …",
      );
    }
    if (isFirst) {
      printer.note(escapeText(`waiting until ${other} has ended${command}`));
      onWait?.();
    }
    await host.clock.sleep(RETRY_MS);
  }
}

/**
 * The lock once it is held.
 *
 * @param record what other runs read about this one
 * @param earlier the record of a killed run whose pytest lives on: it stays in the file until that
 *   pytest has ended
 */
async function heldLock(
  first: FileLock,
  record: LockRecord,
  earlier: LockRecord | null,
  acquire: () => Promise<FileLock>,
): Promise<RunLock> {
  let left = earlier;
  let lock: FileLock | null = first;
  // On a full disk other runs see that the lock is held, though not by whom.
  const write = async (changes: Partial<LockRecord>) =>
    await lock?.write(JSON.stringify({ ...record, ...changes })).catch(ignoreTractestError);
  const begin = () => write({ child: left?.child ?? null });
  const release = async () => {
    await write(left ?? {});
    lock?.release();
    lock = null;
  };
  await begin();
  return {
    left: earlier?.child ? { record: earlier, child: earlier.child } : null,
    leftIsGone: () => void (left = null),
    noteChild: (child) => write({ child }),
    whileAsking: async (ask) => {
      await release();
      const answer = await ask();
      lock = await acquire();
      await begin();
      return answer;
    },
    release,
  };
}
