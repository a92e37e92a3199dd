import type { HangProcess, HangReport, HangVerdict } from "../pytest/hang_event.ts";
import { SHARED_HELPERS } from "../leaks/actor_signatures.ts";
import { PIPE_WRITE } from "./syscalls.ts";
import {
  type Activity,
  activityOf,
  describeActivity,
  fileOf,
  isPipe,
  isTerminal,
  isTimed,
} from "./activity.ts";
import { childNotReaped, exitWaitsForChild, notYetExited, stopped } from "./rules_endings.ts";
import {
  awaited,
  holder,
  interruptOf,
  isAsleep,
  name,
  summaryOf,
  threadsOf,
  tree,
} from "./scene.ts";
import type { HangScene, SeenProcess } from "./hang_scene.ts";

/** A verdict with what proves it. */
export interface Finding {
  readonly verdict: Exclude<HangVerdict, "no-verdict">;
  readonly evidence: readonly string[];
  /**
   * The pipe is the standard output or error of who writes: the steps against full capture pipes
   * may help.
   */
  readonly isOutput: boolean;
  /** Processes that something can be done about. */
  readonly pids?: readonly number[];
}

/** What was found about a tree, without what is shown of it. */
export interface Judgement {
  readonly verdict: HangVerdict;
  readonly evidence: readonly string[];
  readonly isOutput: boolean;
  /** No output of the tree goes into a pipe: capture can have no part in it. */
  readonly isPipeless: boolean;
  /**
   * A writer sleeps and its reader may come to it: that is decided when it has slept for {@linkcode
   * PATIENCE_SECONDS}.
   */
  readonly isOpen: boolean;
  /** Processes that something can be done about, see the verdict. */
  readonly pids: readonly number[];
}

/**
 * Seconds for which a writer has to have slept before a reader that a clock wakes up, or that does
 * something else, counts as one that does not read: with less it may be a slow one.
 */
export const PATIENCE_SECONDS = 2;

/**
 * What a stuck tree waits for. Each verdict rests on what was seen at both looks, with the thread
 * asleep in between; what can't be proven is no verdict, and says what was seen. Where several
 * hold, the one that explains the others comes first.
 */
export function judgeHang(scene: HangScene): Judgement {
  const findings = [
    terminalWanted(scene),
    stopped(scene),
    blockedWrite(scene),
    waitingForRegistry(scene),
    exitWaitsForChild(scene),
    childIgnoresInterrupt(scene),
    childNotReaped(scene),
  ].flat();
  const [first] = findings;
  const isPipeless = aboutOutput(scene).length > 0;
  const isOpen = writersTo(scene).some((writer) => writer.isPending);
  if (first === undefined) {
    return {
      verdict: "no-verdict",
      evidence: [...whatWasSeen(scene), ...aboutOutput(scene)],
      isOutput: false,
      isPipeless,
      isOpen,
      pids: [],
    };
  }
  const same = findings.filter((finding) => finding.verdict === first.verdict);
  const others = findings.filter((finding) => finding.verdict !== first.verdict);
  return {
    verdict: first.verdict,
    evidence: [
      ...same.flatMap((finding) => finding.evidence),
      ...others.flatMap((finding) =>
        finding.evidence.map((line) => `besides (${finding.verdict}): ${line}`)
      ),
      ...(first.verdict === "blocked-write" ? support(scene) : aboutOutput(scene)),
    ],
    isOutput: same.some((finding) => finding.isOutput),
    isPipeless,
    isOpen,
    pids: same.flatMap((finding) => finding.pids ?? []),
  };
}

/**
 * Whether there is no need to look again. A proof stands by itself; that there is none takes two
 * looks in a row, since the first may have come too early, and no writer of which time will tell.
 */
export function isSettled(now: Judgement, before: Judgement | null): boolean {
  return now.verdict !== "no-verdict" || (before?.verdict === now.verdict && !now.isOpen);
}

/**
 * A debugger's prompt, or anything else that waits for somebody to type; or a process that was
 * stopped for using a terminal which is not its.
 */
function terminalWanted(scene: HangScene): Finding[] {
  const findings: Finding[] = [];
  const found = (evidence: string) =>
    findings.push({ verdict: "terminal-wanted", evidence: [evidence], isOutput: false });
  for (const { process, thread, activity } of threadsOf(scene)) {
    const file = fileOf(process, activity.fd);
    if (thread.state === "T") {
      const isBackground = thread.terminal !== 0 && thread.foreground > 0 &&
        thread.group !== thread.foreground;
      if (
        !isBackground || !isTerminal(file) || !["read", "ioctl", "write"].includes(activity.does)
      ) continue;
      const signal = activity.does === "read" ? "SIGTTIN" : "SIGTTOU";
      found(
        `${name(process)} was stopped by ${signal} in ${
          describeActivity(process, activity)
        }: the terminal belongs to process group ${thread.foreground}, not to its group ${thread.group}`,
      );
    } else if (thread.moved === false && activity.does === "read" && isTerminal(file)) {
      found(
        `${name(process)} waits in ${
          describeActivity(process, activity)
        } for somebody to type there: ${atPrompt(scene, process)}`,
      );
    } else if (
      thread.moved === false && waitsForInputAlone(activity) && isTerminal(fileOf(process, 0))
    ) {
      const target = fileOf(process, 0)!.target;
      found(
        `${
          name(process)
        } waits in ${activity.name}(0 → ${target}), for nothing else, for somebody to type there: ${
          atPrompt(scene, process)
        }`,
      );
    }
  }
  return findings;
}

/**
 * Whether a thread waits in a `select` that has room for descriptor 0 alone, as Python's `input`
 * does with readline.
 */
function waitsForInputAlone({ name, args }: Activity): boolean {
  return (name === "select" || name === "pselect6") && args[0] === 1;
}

/** Frames of debuggers that read commands. */
const DEBUGGER_FRAMES =
  /\b(interaction|cmdloop|set_trace|_cmdloop)\b.*\b(pdb|pdbpp|pdbp|bdb|cmd)\.py|\b(pdb|pdbpp|pdbp)\.py/;

function atPrompt(scene: HangScene, { pid }: SeenProcess): string {
  const stack = scene.stacks.get(pid);
  if (stack === undefined) return "a prompt, of a debugger or of a program that asks";
  return DEBUGGER_FRAMES.test(stack)
    ? "a debugger's prompt, by its stack"
    : "no debugger in its stack";
}

/** A write to a full pipe of which nobody reads the other end. */
function blockedWrite(scene: HangScene): Finding[] {
  return writersTo(scene).filter((writer) => writer.isBlocked).map((
    { process, activity, pipe, readers, isOutput },
  ) => ({
    verdict: "blocked-write" as const,
    isOutput,
    evidence: [
      `${name(process)} is in ${
        describeActivity(process, activity)
      }, and slept in it all the while: ${pipe} is full`,
      ...readers.map((reader) =>
        `the read end of ${pipe} is held by ${
          holder(reader.process)
        }, which is not reading: ${reader.doing}`
      ),
      ...(isOutput ? [] : [
        `${pipe} is not the standard output or error of pid ${process.pid}: capture (-s) has no part in it`,
      ]),
    ],
  }));
}

/** A thread that sleeps in a write to a pipe. */
export interface Writer {
  readonly process: SeenProcess;
  readonly activity: Activity;
  readonly pipe: string;
  readonly isOutput: boolean;
  readonly readers: readonly Reader[];
  readonly isBlocked: boolean;
  /** It slept all the while, and who holds the read end is seen but may read on. */
  readonly isPending: boolean;
  /** Why it does not count as blocked. */
  readonly doubt: string | null;
}

/** A process that could read from a pipe. */
export interface Reader {
  readonly process: SeenProcess;
  /** Null: it can't be told. */
  readonly reads: boolean | null;
  readonly doing: string;
}

/** Threads that sleep in a write to a pipe, and who could read from it. */
export function writersTo(scene: HangScene): Writer[] {
  const writers: Writer[] = [];
  for (const { process, thread, activity } of threadsOf(scene)) {
    if (activity.does !== "write" || thread.state !== "S") continue;
    if (thread.waitsIn !== null && !PIPE_WRITE.test(thread.waitsIn)) continue;
    const file = fileOf(process, activity.fd) ?? onlyPipe(process, activity);
    if (file === null || !isPipe(file)) continue;
    const pipe = file.target;
    const isOutput = process.files!.some((other) =>
      other.target === pipe && (other.fd === 1 || other.fd === 2)
    );
    const ends = scene.pipes.get(pipe) ?? [];
    const pids = [...new Set(ends.filter((end) => end.reads).map((end) => end.pid))];
    // It is the main thread of which that is known.
    const patient = thread.tid === process.pid && (process.asleepSeconds ?? 0) >= PATIENCE_SECONDS;
    const readers = pids.map((pid) =>
      readerOf(scene, pid, pipe, patient ? process.asleepSeconds : null)
    );
    const doubt = thread.moved !== false
      ? "it was woken up in between: somebody reads"
      : readers.length === 0
      ? `nobody whose files can be read holds its read end${
        scene.unreadable > 0 ? ` (those of ${scene.unreadable} processes can't be)` : ""
      }`
      : readers.find((reader) => reader.reads !== false)?.doing ?? null;
    const isPending = doubt !== null && thread.moved === false &&
      readers.some((reader) => reader.reads === null);
    writers.push({
      process,
      activity: { ...activity, fd: file.fd },
      pipe,
      isOutput,
      readers,
      isBlocked: doubt === null,
      isPending,
      doubt,
    });
  }
  return writers;
}

/** Where the call itself can't be read: the pipe, if it can be only one. */
function onlyPipe(
  process: SeenProcess,
  { isProven }: Activity,
): { fd: number; target: string; reads: boolean; writes: boolean } | null {
  const pipes = process.files?.filter((file) => isPipe(file) && file.writes) ?? [];
  return !isProven && new Set(pipes.map((file) => file.target)).size === 1 ? pipes[0]! : null;
}

/**
 * Whether a process that holds the read end reads. A full pipe wakes up whoever waits for it, so
 * one that slept through does not; one that a clock wakes up, or that does other things, may come
 * to it later, unless the writer has slept for long.
 */
function readerOf(
  scene: HangScene,
  pid: number,
  pipe: string,
  writerAsleep: number | null,
): Reader {
  const process = scene.processes.get(pid);
  if (process === undefined || process.threads.length === 0) {
    return {
      process: process ?? unseen(pid),
      reads: null,
      doing: `what pid ${pid} does can't be read`,
    };
  }
  const doings = process.threads.map((thread) => ({
    thread,
    activity: activityOf(thread, scene.readNumber),
  }));
  const summary = summaryOf(scene, process);
  if (
    doings.some(({ activity }) =>
      activity.does === "read" && fileOf(process, activity.fd)?.target === pipe
    )
  ) {
    return { process, reads: true, doing: `pid ${pid} is reading it` };
  }
  if (writerAsleep !== null) {
    return {
      process,
      reads: false,
      doing: `${summary}; the writer has slept for ${writerAsleep.toFixed(0)} s`,
    };
  }
  if (doings.some(({ activity, thread }) => activity.does === "unknown" || thread.moved === null)) {
    return {
      process,
      reads: null,
      doing: `what pid ${pid}, which holds the read end, does can't be read`,
    };
  }
  if (doings.some(({ thread }) => thread.moved === true)) {
    return {
      process,
      reads: null,
      doing: `pid ${pid}, which holds the read end, is at work (${summary}) and may read on`,
    };
  }
  if (doings.some(({ activity, thread }) => isTimed(activity) && !/[Tt]/.test(thread.state))) {
    return {
      process,
      reads: null,
      doing:
        `pid ${pid}, which holds the read end, is woken up by a clock (${summary}) and may read on: ask again in ${PATIENCE_SECONDS} s`,
    };
  }
  return { process, reads: false, doing: summary };
}

function unseen(pid: number): SeenProcess {
  return {
    pid,
    ppid: 0,
    title: "",
    inTree: false,
    files: null,
    threads: [],
    watched: [],
    watchedProcesses: [],
    heldProcesses: [],
    pidfds: [],
    asleepSeconds: null,
  };
}

/**
 * A connection to the registry that gets no answer: who holds the address is stuck, or is no part
 * of the tree.
 */
function waitingForRegistry(scene: HangScene): Finding[] {
  return scene.connections.flatMap((connection): Finding[] => {
    const client = scene.processes.get(connection.pid);
    if (!client?.inTree || client.threads.length === 0) return [];
    const holders = connection.holders.map((pid) => scene.processes.get(pid) ?? unseen(pid));
    const foreign = holders.length > 0 && holders.every((holder) => !holder.inTree);
    const asleep = holders.length > 0 && holders.every((holder) => isAsleep(holder));
    const unseenHolder = holders.length === 0;
    if (!foreign && !asleep && !unseenHolder) return [];
    const waits = client.threads.some((thread) => {
      if (thread.moved !== false) return false;
      const activity = activityOf(thread, scene.readNumber);
      if (activity.fd === connection.fd) {
        return ["read", "connect", "write"].includes(activity.does);
      }
      return activity.does === "poll" && client.watched.includes(connection.fd);
    });
    if (!waits) return [];
    const who = unseenHolder
      ? "a process that can't be seen (another user or container)"
      : holders.map((one) =>
        `${one.inTree ? name(one) : holder(one)}${
          one.threads.length > 0 ? `: ${summaryOf(scene, one)}` : ""
        }`
      ).join(", ");
    const what = {
      connecting: "is connecting and gets no answer",
      unaccepted: "has connected, and nobody accepts it",
      accepted: connection.unread > 0
        ? `has sent ${connection.unread} bytes that are not read`
        : "waits for an answer",
    }[connection.state];
    // An accepted connection with nothing to read is the ordinary state inside of a tree.
    if (connection.state === "accepted" && connection.unread === 0 && !foreign && !unseenHolder) {
      return [];
    }
    return [{
      verdict: "waiting-for-registry",
      isOutput: false,
      evidence: [
        `${
          name(client)
        } ${what}, by fd ${connection.fd} to the registry ${connection.address}, which is held by ${who}`,
      ],
    }];
  });
}

/** A parent that waits for a child which SIGINT, by which tractor cancels, can't end. */
function childIgnoresInterrupt(scene: HangScene): Finding[] {
  const root = scene.processes.get(scene.root);
  // Ignored from above: it says nothing about the child. What to do about it is said with what was
  // seen.
  if (root === undefined || interruptOf(root) === "ignored") return [];
  const findings: Finding[] = [];
  const met = new Set<string>();
  for (const { process, thread, activity } of threadsOf(scene)) {
    if (thread.moved !== false) continue;
    for (const { child, how, isWait } of awaited(scene, process, activity)) {
      const takes = interruptOf(child);
      if (takes !== "ignored" && takes !== "blocked" && takes !== "pending") continue;
      if (SHARED_HELPERS.test(child.title) || met.has(`${process.pid} ${child.pid}`)) continue;
      // One that is at its event loop would take a cancel that comes as a message.
      if (!isWait && !isOutsideOfLoop(scene, child)) continue;
      met.add(`${process.pid} ${child.pid}`);
      const what = {
        ignored: "ignores SIGINT (bit 2 of SigIgn)",
        blocked: "blocks SIGINT (bit 2 of SigBlk)",
        pending: "has got SIGINT and does not take it (it is pending)",
      }[takes];
      findings.push({
        verdict: "child-ignores-sigint",
        isOutput: false,
        evidence: [
          `${name(process)} waits in ${activity.name} for its child pid ${child.pid}, ${how}`,
          `${name(child)} ${what}, so that a cancel by SIGINT can't end it: ${
            summaryOf(scene, child)
          }`,
        ],
      });
    }
  }
  return findings;
}

/** Whether the main thread of a process sleeps where no message reaches it. */
function isOutsideOfLoop(scene: HangScene, process: SeenProcess): boolean {
  const main = process.threads.find((thread) => thread.tid === process.pid);
  return main?.moved === false &&
    !["poll", "read", "accept", "run", "unknown"].includes(activityOf(main, scene.readNumber).does);
}

/** What the tree does, where nothing is proven. */
function whatWasSeen(scene: HangScene): string[] {
  const lines: string[] = [];
  for (const process of tree(scene)) {
    const used = process.threads.reduce((sum, thread) => sum + thread.usedTicks, 0) /
      scene.ticksPerSecond;
    if (
      used >= scene.seconds / 4 ||
      process.threads.some((thread) => thread.state === "R" && thread.usedTicks > 0)
    ) {
      lines.push(
        `${name(process)} is computing: it used ${used.toFixed(2)} s of processor time in ${
          scene.seconds.toFixed(2)
        } s (a busy loop, or a slow computation)`,
      );
    }
  }
  for (const { process, activity, pipe, doubt } of writersTo(scene)) {
    lines.push(
      `${name(process)} is in ${
        describeActivity(process, activity)
      }, but it is not proven that ${pipe} is stuck: ${doubt}`,
    );
  }
  for (const process of tree(scene)) {
    const activities = process.threads.map((thread) => activityOf(thread, scene.readNumber));
    const locks = activities.filter((activity) => activity.does === "lock").length;
    // Idle workers of a pool wait for a lock too.
    if (activities[0]?.does === "lock" && isAsleep(process)) {
      lines.push(
        `${name(process)}: ${locks} thread${
          locks === 1 ? "" : "s"
        } in futex, for a lock or for each other; who holds it can't be seen from outside: its stack tells (--stacks)`,
      );
    }
    if (activities.some((activity) => activity.does === "sleep")) {
      lines.push(
        `${name(process)} is in a timed sleep (${
          activities.find((activity) => activity.does === "sleep")!.name
        }): a slow test looks the same`,
      );
    }
    if (process.threads.some((thread) => thread.state === "t")) {
      lines.push(`${name(process)} is held by a debugger or tracer, which has to let it go on`);
    }
    for (
      const [thread, activity] of process.threads.map((thread, index) =>
        [thread, activities[index]!] as const
      )
    ) {
      const file = fileOf(process, activity.fd);
      if (activity.does !== "read" || thread.moved !== false || !isPipe(file)) continue;
      const writers = [
        ...new Set(
          (scene.pipes.get(file!.target) ?? []).filter((end) => end.writes).map((end) => end.pid),
        ),
      ];
      lines.push(
        `${name(process)} is in ${
          describeActivity(process, activity)
        }: nothing was written; the write end is held by ${
          writers.length === 0 ? "nobody that can be seen" : `pid ${writers.join(", ")}`
        }`,
      );
    }
  }
  lines.push(...notYetExited(scene));
  const root = scene.processes.get(scene.root);
  if (root !== undefined && interruptOf(root) === "ignored") {
    lines.push(
      `${
        name(root)
      } ignores SIGINT from its start, and so do its children: tests that cancel by SIGINT hang; start it with \`env --default-signal=INT\` in front, or by \`tractest run\``,
    );
  }
  const asleep = [...tree(scene)].filter(isAsleep);
  if (lines.length === 0 && asleep.length > 0) {
    lines.push(
      `${asleep.length === 1 ? "the process" : `all ${asleep.length} processes`} slept through ${
        scene.seconds.toFixed(2)
      } s, each for an event that nothing seen from outside proves to be lost`,
    );
  }
  return lines;
}

/** Whether this can be the hang of full capture pipes at all. */
function aboutOutput(scene: HangScene): string[] {
  const outputs = [...tree(scene)].flatMap((process) =>
    [1, 2].map((fd) => fileOf(process, fd)).filter((file) => file !== null)
  );
  if (
    outputs.length === 0 ||
    outputs.some((file) => isPipe(file) || file.target.startsWith("socket:"))
  ) return [];
  const kinds = [
    ...new Set(
      outputs.map((file) =>
        isTerminal(file) ? "a terminal" : file.target === "/dev/null" ? "/dev/null" : "a file"
      ),
    ),
  ];
  return [
    `standard output and error of every process are ${
      kinds.join(" or ")
    }: this is not the hang of full capture pipes`,
  ];
}

/** What else fits the hang of full capture pipes, without proving it. */
function support(scene: HangScene): string[] {
  const forked = [...tree(scene)].filter((process) =>
    /subint-forkserv|_forkserver_override|multiprocessing\.forkserver/.test(process.title)
  );
  return forked.length === 0 ? [] : [
    `supports it: a fork-based backend (${forked.length} process${
      forked.length === 1 ? "" : "es"
    }), whose actors inherit pytest's output`,
  ];
}

/** The processes of the tree as they are shown, the root first, then in the order of their pids. */
export function shownProcesses(scene: HangScene): HangProcess[] {
  return [...tree(scene)].toSorted((a, b) =>
    Number(b.pid === scene.root) - Number(a.pid === scene.root) || a.pid - b.pid
  ).map((process) => {
    const main = process.threads.find((thread) => thread.tid === process.pid) ??
      process.threads[0]!;
    const ticks = process.threads.reduce((sum, thread) => sum + thread.usedTicks, 0);
    return {
      pid: process.pid,
      ppid: process.ppid,
      state: main.state,
      waitsIn: main.waitsIn,
      call: main.syscall === null
        ? null
        : describeActivity(process, activityOf(main, scene.readNumber)),
      threads: process.threads.length,
      standardFiles: process.files && [0, 1, 2].map((fd) => fileOf(process, fd)?.target ?? null),
      sigint: interruptOf(process),
      cpuSeconds: ticks / scene.ticksPerSecond,
      asleepSeconds: process.asleepSeconds,
      title: process.title,
    };
  });
}

/** A report without a verdict: nothing could be gathered. */
export function emptyReport(
  root: number,
  running: HangReport["running"],
  unknowns: readonly string[],
): HangReport {
  return {
    verdict: "no-verdict",
    root,
    running,
    processes: [],
    evidence: ["nothing could be seen of it"],
    signature: [],
    recipe: [],
    stacks: [],
    unknowns,
    seconds: 0,
  };
}

/**
 * The document of one tree, `tractest.hang/1` without its schema; all unknown where there is none.
 */
export function hangDocument(report: HangReport | null): Record<string, unknown> {
  if (report === null) {
    return {
      verdict: null,
      test: null,
      root: null,
      running: null,
      processes: [],
      evidence: [],
      signature: [],
      recipe: [],
      stacks: [],
      unknowns: [],
    };
  }
  const { verdict, running, ...rest } = report;
  return { verdict, test: running?.[0]?.id ?? null, running, ...rest };
}
