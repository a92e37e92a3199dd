import type { OpenFile } from "../system/programs/proc_files.ts";
import { type Activity, fileOf, isPipe, isTimed } from "./activity.ts";
import { type Finding, findingOf } from "./finding.ts";
import {
  type ActiveThread,
  allThreads,
  type HangScene,
  holdersOf,
  isMadeInTree,
  type SeenProcess,
  threadsOf,
} from "./scene.ts";
import { PIPE_WRITE } from "./syscalls.ts";
import { say, summaryOf } from "./evidence_sentences.ts";

/**
 * Seconds after which a sleeping writer proves that its pipe is not read. Before that, a reader
 * that polls or is running may only be slow.
 */
export const PATIENCE_SECONDS = 2;

/** A write to a full pipe that no process reads. */
export function blockedWrite(scene: HangScene): Finding | null {
  const blocked = writersTo(scene).filter(({ doubt }) => doubt === null);
  const evidence = blocked.flatMap(({ process, activity, pipe, isOutput, readers }) => [
    say.isBlocked(process, activity),
    ...readers.map(({ text }) => text),
    ...(isOutput ? [] : [
      isMadeInTree(scene, pipe) ? say.isMadeInTree(pipe) : say.isNoOutput(process, pipe),
    ]),
  ]);
  return findingOf(evidence, { isOutput: blocked.some(({ isOutput }) => isOutput) });
}

/** A thread that sleeps in a write to a pipe. */
export interface Writer {
  readonly process: SeenProcess;
  readonly activity: Activity;
  readonly pipe: string;
  /** The pipe is stdout or stderr of the writer, and the tests did not make it themselves. */
  readonly isOutput: boolean;
  readonly readers: readonly Reader[];
  /** Why it may not be blocked; null: it is. */
  readonly doubt: string | null;
  /** It slept from one snapshot to the other, and only the reader is in doubt: time may decide. */
  readonly isPending: boolean;
}

/** A process that holds the read end of a pipe. */
export interface Reader {
  /** Null: unknown. */
  readonly reads: boolean | null;
  /** The evidence that it does not read, else the doubt. */
  readonly text: string;
}

/** Threads that sleep in a write to a pipe, with the processes that could read it. */
export function writersTo(scene: HangScene): Writer[] {
  return allThreads(scene).flatMap((active) => writerOf(scene, active) ?? []);
}

function writerOf(scene: HangScene, { process, thread, activity }: ActiveThread): Writer | null {
  if (activity.does !== "write" || thread.state !== "S") return null;
  if (thread.waitsIn !== null && !PIPE_WRITE.test(thread.waitsIn)) return null;
  const file = fileOf(process, activity.fd) ?? onlyPipe(process, activity);
  if (!isPipe(file)) return null;
  const pipe = file.target;
  // How long is known of the main thread.
  const asleep = thread.tid === process.pid ? process.asleepSeconds ?? 0 : 0;
  const readers = holdersOf(scene, pipe, "reads").map((pid) => readerOf(scene, pid, pipe, asleep));
  return {
    process,
    activity: { ...activity, fd: file.fd },
    pipe,
    isOutput: !isMadeInTree(scene, pipe) &&
      process.files!.some(({ fd, target }) => target === pipe && (fd === 1 || fd === 2)),
    readers,
    doubt: doubtOf(scene, thread.ran, readers),
    isPending: thread.ran === false && readers.some(({ reads }) => reads === null),
  };
}

function doubtOf(
  { unreadable }: HangScene,
  ran: boolean | null,
  readers: readonly Reader[],
): string | null {
  if (ran === null) return "it may have woken up in between";
  if (ran) return "it woke up in between, so the pipe is read";
  if (readers.length > 0) return readers.find(({ reads }) => reads !== false)?.text ?? null;
  const hidden = unreadable > 0 ? ` (${unreadable} can't be inspected)` : "";
  return `no visible process holds its read end${hidden}`;
}

/** The only pipe that a process writes to, where the call itself can't be read. */
function onlyPipe(process: SeenProcess, { isProven }: Activity): OpenFile | null {
  const pipes = process.files?.filter((file) => isPipe(file) && file.writes) ?? [];
  return !isProven && new Set(pipes.map((file) => file.target)).size === 1 ? pipes[0]! : null;
}

/**
 * Whether a process that holds the read end reads. A full pipe wakes up whoever waits for it, so
 * one that stays asleep does not read; one that polls or is running may read later, unless the
 * writer has slept for long.
 */
function readerOf(scene: HangScene, pid: number, pipe: string, writerAsleep: number): Reader {
  const process = scene.processes.get(pid);
  const hidden = { reads: null, text: `pid ${pid}, which holds its read end, can't be inspected` };
  if (process === undefined || process.threads.length === 0) return hidden;
  const threads = threadsOf(scene, process);
  const summary = summaryOf(scene, process);
  const isReading = threads.some(({ activity }) =>
    activity.does === "read" && fileOf(process, activity.fd)?.target === pipe
  );
  if (isReading) return { reads: true, text: `pid ${pid} is reading it` };
  const notReading = (why: string) => ({
    reads: false,
    text: say.doesNotRead(scene, process, pipe, why),
  });
  if (writerAsleep >= PATIENCE_SECONDS) {
    return notReading(`${summary}; the writer has slept for ${writerAsleep.toFixed(0)} s`);
  }
  if (threads.some(({ activity, thread }) => activity.does === "unknown" || thread.ran === null)) {
    return hidden;
  }
  if (threads.some(({ thread }) => thread.ran)) {
    return { reads: null, text: `pid ${pid} is running (${summary}) and may read it later` };
  }
  if (threads.some(({ activity, thread }) => isTimed(activity) && !/[Tt]/.test(thread.state))) {
    const again = `try again in ${PATIENCE_SECONDS} s`;
    const text =
      `pid ${pid} sleeps for a limited time (${summary}) and may read it later: ${again}`;
    return { reads: null, text };
  }
  return notReading(summary);
}
