/** The sentences of evidence: pure, so that rules may use them. */
import { plural } from "../base/plural.ts";
import { type Activity, activityOf, fileOf } from "./activity.ts";
import type { Awaited } from "./awaited.ts";
import {
  type ActiveThread,
  type DeadChild,
  type HangScene,
  type Listener,
  mainThread,
  type SeenConnection,
  type SeenProcess,
  sigintOf,
  threadsOf,
  usedSeconds,
} from "./scene.ts";

/** Characters of a title in a sentence. */
const SHOWN_TITLE = 60;
/** Different calls of one process in a sentence. */
const SHOWN_CALLS = 4;

/** `pid 7 (python -m pytest)`. */
export function nameOf({ pid, title }: Pick<SeenProcess, "pid" | "title">): string {
  if (title === "") return `pid ${pid}`;
  return `pid ${pid} (${title.length > SHOWN_TITLE ? `${title.slice(0, SHOWN_TITLE)}…` : title})`;
}

/** `write(1 → pipe:[18001])`. */
export function describeActivity(process: SeenProcess, { name, fd }: Activity): string {
  if (fd === null) return name;
  const file = fileOf(process, fd);
  return `${name}(${fd}${file === null ? "" : ` → ${file.target}`})`;
}

/** What all threads of a process do: `state S, epoll_wait, 2 × futex`. */
export function summaryOf(scene: HangScene, process: SeenProcess): string {
  if (process.threads.length === 0) return "it can't be inspected";
  const calls = threadsOf(scene, process).map(({ thread, activity }) => {
    const call = describeActivity(process, activity);
    return /[Tt]/.test(thread.state) ? `stopped in ${call}` : call;
  });
  const counted = [...Map.groupBy(calls, (call) => call)].map(([call, { length }]) =>
    length === 1 ? call : `${length} × ${call}`
  );
  const used = usedSeconds(scene, process);
  const cpu = used > 0.01 ? [`${used.toFixed(2)} s of CPU time used`] : [];
  const state = `state ${process.threads[0]!.state}`;
  return [state, ...counted.slice(0, SHOWN_CALLS), ...cpu].join(", ");
}

/** `; left by tests/test_a.py::test_x`; empty when unknown. */
function originOf(scene: HangScene, child: SeenProcess | DeadChild): string {
  const root = scene.processes.get(scene.root);
  const main = root && mainThread(root);
  // In a pid namespace of its own pytest knows others by the pids that they have there.
  const isInside = main !== undefined && main.ownTid !== scene.root;
  const ownPid = "ownPid" in child ? child.ownPid : mainThread(child)?.ownTid ?? child.pid;
  const id = scene.session?.leftBy.get(isInside ? ownPid : child.pid);
  if (id !== undefined) return `; left by ${id}`;
  const started = scene.startedIn.get(child.pid);
  return started === undefined ? "" : `; started by ${started.id}`;
}

/** Pids in a sentence. */
const SHOWN_PIDS = 10;

/** `pid 7, 8`. */
function pidsOf(pids: readonly number[]): string {
  const more = pids.length > SHOWN_PIDS ? ` and ${pids.length - SHOWN_PIDS} more` : "";
  return `pid ${pids.slice(0, SHOWN_PIDS).join(", ")}${more}`;
}

function finished({ root, session }: HangScene): string {
  return `pytest (pid ${root}) has finished with exit status ${session?.exitStatus}`;
}

/** A process on the other side of a pipe or a connection. */
function otherSide(scene: HangScene, pid: number): string {
  const process = scene.processes.get(pid);
  const name = nameOf(process ?? { pid, title: "" });
  return process?.inTree ? name : `${name}, outside this tree`;
}

/** Evidence, a function for each sentence. */
export const say = {
  // terminal-wanted
  stoppedByTerminal({ process, thread, activity }: ActiveThread): string {
    const signal = activity.does === "read" ? "SIGTTIN" : "SIGTTOU";
    const why =
      `process group ${thread.foreground} has the terminal, not its group ${thread.group}`;
    const call = describeActivity(process, activity);
    return `${nameOf(process)} is stopped by ${signal} in ${call}: ${why}`;
  },
  waitsForInput(process: SeenProcess, call: string, prompt: string): string {
    return `${nameOf(process)} waits for input in ${call}: ${prompt}`;
  },

  // stopped
  isStopped({ readNumber }: HangScene, process: SeenProcess): string {
    const call = describeActivity(process, activityOf(mainThread(process)!, readNumber));
    const resume = `to resume: kill -CONT ${process.pid}`;
    return `${nameOf(process)} is stopped (SIGSTOP or SIGTSTP) in ${call}; ${resume}`;
  },

  // blocked-write
  isBlocked(process: SeenProcess, activity: Activity): string {
    return `${nameOf(process)} sleeps in ${describeActivity(process, activity)}: the pipe is full`;
  },
  doesNotRead(scene: HangScene, { pid }: SeenProcess, pipe: string, why: string): string {
    const holder = otherSide(scene, pid);
    return `the read end of ${pipe} is held by ${holder}, which does not read: ${why}`;
  },
  isNoOutput({ pid }: SeenProcess, pipe: string): string {
    return `${pipe} is not stdout or stderr of pid ${pid}: output capture (-s) is not involved`;
  },
  isMadeInTree(pipe: string): string {
    return `${pipe} was made by the tests themselves: output capture (-s) is not involved`;
  },
  mayNotBeStuck(process: SeenProcess, activity: Activity, doubt: string): string {
    const call = describeActivity(process, activity);
    return `${nameOf(process)} is in ${call}, which may not be stuck: ${doubt}`;
  },

  // waiting-for-registry, waiting-for-answer
  waitsForAnswer(scene: HangScene, connection: SeenConnection): string {
    const { pid, fd, address, isRegistry, state, unread, holders } = connection;
    const waits = {
      connecting: "gets no answer while connecting to",
      unaccepted: "waits to be accepted by",
      accepted: unread > 0
        ? `has sent ${unread} bytes, still unread, to`
        : "waits for an answer from",
    }[state];
    // After a fork the client may hold the other side too.
    const others = holders.filter((holder) => holder !== pid);
    const held = (others.length > 0 ? others : holders).map((holder) => {
      const process = scene.processes.get(holder);
      const summary = process?.threads.length ? `: ${summaryOf(scene, process)}` : "";
      return otherSide(scene, holder) + summary;
    }).join(", ");
    const client = nameOf(scene.processes.get(pid)!);
    const what = `${client} ${waits} ${isRegistry ? "the registry " : ""}${address} (fd ${fd})`;
    if (held === "" && !isRegistry) return `${what}: nothing here listens there`;
    return `${what}, held by ${held || "a process you can't see (another user or container)"}`;
  },

  // exit-waits-for-child
  exitWaitsFor(scene: HangScene, awaited: Omit<Awaited, "isWait">, call: string): string[] {
    const { child, how } = awaited;
    const origin = originOf(scene, child) || "; the test that left it was not recorded";
    return [
      `${finished(scene)} and waits for its child ${nameOf(child)} in ${call} (${how})`,
      `pid ${child.pid}: ${summaryOf(scene, child)}${origin}`,
    ];
  },
  hasNotExited(scene: HangScene, root: SeenProcess): string {
    return `${finished(scene)} but has not exited: ${summaryOf(scene, root)}`;
  },
  isStillThere(scene: HangScene, child: SeenProcess): string {
    return `child still running: ${nameOf(child)}${originOf(scene, child)}`;
  },

  // waiting-for-connection
  waitsForConnection(process: SeenProcess, { fd, address }: Listener): string {
    return `${nameOf(process)} waits for a connection to ${address} (fd ${fd}): there is none`;
  },

  mayWaitForAnswer(
    scene: HangScene,
    { pid, fd, address }: SeenConnection,
    holder: SeenProcess,
  ): string {
    const client = nameOf(scene.processes.get(pid)!);
    const by = `${nameOf(holder)}: ${summaryOf(scene, holder)}`;
    return `${client} may wait for an answer from ${address} (fd ${fd}), held by ${by}`;
  },
  doesNotAccept({ processes }: HangScene, { pid, fd, address, waiting }: Listener): string {
    const listener = nameOf(processes.get(pid)!);
    const count = plural(waiting, "connection");
    return `${listener} listens at ${address} (fd ${fd}) and has not accepted ${count}`;
  },

  // child-ignores-sigint
  waitsForChild(process: SeenProcess, { child, how }: Awaited, call: string): string {
    return `${nameOf(process)} waits for its child pid ${child.pid} in ${call} (${how})`;
  },
  ignoresSigint(scene: HangScene, child: SeenProcess): string {
    const why: Readonly<Record<string, string>> = {
      ignored: "ignores SIGINT (SigIgn)",
      blocked: "blocks SIGINT (SigBlk)",
      pending: "has SIGINT pending and does not take it",
    };
    const summary = summaryOf(scene, child);
    return `${nameOf(child)} ${why[sigintOf(child)!]}, so SIGINT can't end it: ${summary}`;
  },

  // child-not-reaped
  wasNotReaped(scene: HangScene, child: DeadChild, parent: SeenProcess): string {
    const state = summaryOf(scene, parent) + originOf(scene, child);
    return `child ${nameOf(child)} is dead and was not reaped by ${nameOf(parent)}: ${state}`;
  },

  // closed-wait
  onlyTheseWrite(process: SeenProcess, activity: Activity, writers: readonly number[]): string {
    const call = describeActivity(process, activity);
    const what = call.includes("pipe:") ? "the pipe is empty" : "nothing was sent";
    return `${nameOf(process)} waits in ${call}: ${what}, and only ` +
      `${pidsOf(writers)} can write to it`;
  },
  onlyTheseRelease(process: SeenProcess, sharers: readonly number[]): string {
    const who = pidsOf(sharers);
    return `${nameOf(process)} waits in futex for a semaphore that only ${who} can release`;
  },
  onlyTheseWake(process: SeenProcess, call: string, others: readonly number[]): string {
    const who = others.length === 0 ? "nothing" : `only ${pidsOf(others)}`;
    return `${nameOf(process)} waits in ${call}: ${who} can make ready what it watches`;
  },
  waitsForEnd(process: SeenProcess, call: string, children: readonly number[]): string {
    return `${nameOf(process)} waits in ${call} for the end of ${pidsOf(children)}`;
  },
  waitsForOwnThreads(process: SeenProcess): string {
    return `${nameOf(process)} waits in futex for its own threads, which wait too`;
  },
  isClosed(pids: readonly number[]): string {
    if (pids.length === 1) {
      return `pid ${pids[0]} waits for itself, without a time limit: only a signal can end this`;
    }
    return `${pidsOf(pids)} wait for each other, without a time limit: only a signal can end this`;
  },

  // no-verdict
  computes({ seconds }: HangScene, process: SeenProcess, used: number): string {
    const share = `${used.toFixed(2)} s of CPU time in ${seconds.toFixed(2)} s`;
    return `${nameOf(process)} is computing: ${share} (a busy loop or slow code)`;
  },
  waitsForLocks(process: SeenProcess, threads: number): string {
    const who = `${plural(threads, "thread")} in futex, waiting for a lock or for each other`;
    return `${nameOf(process)}: ${who}; --stacks shows where`;
  },
  sleeps(process: SeenProcess, call: string): string {
    return `${nameOf(process)} is in a timed sleep (${call}): it may only be slow`;
  },
  isTraced(process: SeenProcess): string {
    return `${nameOf(process)} is stopped by a debugger or tracer, which must resume it`;
  },
  readsEmptyPipe(process: SeenProcess, activity: Activity, writers: readonly number[]): string {
    const by = writers.length === 0 ? "no visible process" : `pid ${writers.join(", ")}`;
    const call = describeActivity(process, activity);
    return `${nameOf(process)} waits in ${call}: the pipe is empty, its write end is held by ${by}`;
  },
  inheritsIgnoredSigint(root: SeenProcess): string {
    const fix = "start it with `tractest run` or `env --default-signal=INT …`";
    return `${nameOf(root)} and its children ignore SIGINT from the start, ` +
      `so tests that cancel by SIGINT hang: ${fix}`;
  },
  allAsleep({ seconds }: HangScene, count: number): string {
    const who = count === 1 ? "the process was" : `all ${count} processes were`;
    return `${who} asleep for ${seconds.toFixed(2)} s, for no reason visible from outside`;
  },

  // full capture pipes
  goesElsewhere(kinds: readonly string[]): string {
    return `stdout and stderr of all processes go to ${kinds.join(" or ")}: ` +
      "full capture pipes are ruled out";
  },
  isForkBackend(count: number): string {
    const processes = plural(count, "process", "processes");
    return `points to full capture pipes: ${processes} of a fork-based backend inherit its output`;
  },
};
