import type { HangReport, HangVerdict } from "../../lib/pytest/hang_event.ts";
import { join } from "@std/path";
import { examineHang, examineInTime, type ExamineRequest } from "../../lib/hang/examine.ts";
import { RealHost } from "../../lib/system/real_host.ts";
import { assert, assertEquals } from "../assert.ts";
import { ISOLATED } from "../cli/suites.ts";
import { Made } from "./made.ts";

interface Case {
  readonly name: string;
  /** Arguments for made.py; `PORT`, `SOCKET` and `FILE` stand for a free one. */
  readonly words: readonly string[];
  readonly verdict: HangVerdict;
  /** The process that holds the registry, as arguments for made.py. */
  readonly registry?: readonly string[];
  /** It has a network namespace of its own, in which packets to 10.9.9.9 get lost. */
  readonly networked?: true;
  /** It is run by a program that reads its output through a pipe. */
  readonly piped?: true;
  /** Patterns that the evidence contains. */
  readonly says: readonly RegExp[];
}

const CASES: readonly Case[] = [
  {
    name: "a child writes to a pipe, its parent waits for it to end",
    words: ["wait_for_writer"],
    verdict: "blocked-write",
    says: [
      /^pid \d+ .* sleeps in write\(1 → pipe:\[\d+\]\): the pipe is full/,
      /held by pid \d+ .* does not read: state S, wait4/,
    ],
  },
  {
    name: "the same, the parent waits for any child",
    words: ["wait_for_any"],
    verdict: "blocked-write",
    says: [/does not read/],
  },
  {
    name: "a child writes to its stderr, its parent reads its stdout",
    words: ["read_other_stream"],
    verdict: "blocked-write",
    says: [/sleeps in write\(2 → pipe/, /does not read: state S, read\(\d+ → pipe/],
  },
  {
    name: "the parent has been sleeping for a long time",
    words: ["sleepy_reader"],
    verdict: "blocked-write",
    says: [/the writer has slept for [2-9] s/],
  },
  {
    name: "the runner of the tests holds the pipe of their output, and is stopped",
    words: ["stuck_runner"],
    piped: true,
    verdict: "blocked-write",
    says: [/outside this tree, which does not read: state T/],
  },
  {
    name: "the writer itself holds the read end too",
    words: ["own_reader"],
    verdict: "blocked-write",
    says: [/was made by the tests themselves: output capture \(-s\) is not involved/],
  },
  {
    name: "the read end is held by a process that has left the tree",
    words: ["stray_reader"],
    verdict: "blocked-write",
    says: [/outside this tree, which does not read: state S, read\(\d+ → pipe:\[\d+\]\)/],
  },
  {
    name: "a stranger that holds the registry has accepted, and does not answer",
    words: ["ask", "PORT"],
    registry: ["serve", "accept", "PORT"],
    verdict: "waiting-for-registry",
    says: [
      /waits for an answer from the registry 127\.0\.0\.1:\d+ \(fd \d+\), held by pid \d+ /,
      /, outside this tree: state S, pause/,
    ],
  },
  {
    name: "a stranger that holds the registry accepts nothing",
    words: ["ask_by_loop", "PORT"],
    registry: ["serve", "ignore", "PORT"],
    verdict: "waiting-for-registry",
    says: [/waits to be accepted by the registry/],
  },
  {
    name: "the registry's queue is full",
    words: ["knock", "PORT"],
    registry: ["serve", "full", "PORT"],
    verdict: "waiting-for-registry",
    says: [/gets no answer while connecting to the registry/],
  },
  {
    name: "the registry's Unix socket accepts nothing",
    words: ["ask_unix", "SOCKET"],
    registry: ["serve", "unix", "SOCKET"],
    verdict: "waiting-for-registry",
    says: [/registry@\d+\.sock/],
  },
  {
    name: "a parent waits for a child that ignores SIGINT",
    words: ["wait_for_stubborn", "ignore"],
    verdict: "child-ignores-sigint",
    says: [/waits for its child pid \d+ in wait4 \(by pid\)/, /ignores SIGINT/],
  },
  {
    name: "a parent waits for a child that blocks SIGINT",
    words: ["wait_for_stubborn", "block"],
    verdict: "child-ignores-sigint",
    says: [/waits for its child pid \d+ in wait4/, /blocks SIGINT/],
  },
  {
    name: "a parent waits for any child, and the only one ignores SIGINT",
    words: ["wait_for_any_stubborn"],
    verdict: "child-ignores-sigint",
    says: [/wait4 \(any child would do\)/],
  },
  {
    name: "an event loop waits for the end of a child that ignores SIGINT",
    words: ["watch_stubborn"],
    verdict: "child-ignores-sigint",
    says: [/\(watching its pidfd\)/],
  },
  {
    name: "a child got SIGINT and does not take it",
    words: ["pending"],
    verdict: "child-ignores-sigint",
    says: [/has SIGINT pending/],
  },
  {
    name: "pdb at its prompt",
    words: ["at_pdb"],
    verdict: "terminal-wanted",
    says: [/waits for input in \w+\(0 → \/dev\/pts\/\d+\)/],
  },
  {
    name: "a plain prompt",
    words: ["at_plain_prompt"],
    verdict: "terminal-wanted",
    says: [/read\(0 → \/dev\/pts\/\d+\)/],
  },
  {
    name: "a process in the background reads from its terminal",
    words: ["read_in_background"],
    verdict: "terminal-wanted",
    says: [/SIGTTIN/],
  },
  {
    name: "a process in the background sets its terminal up",
    words: ["set_in_background"],
    verdict: "terminal-wanted",
    says: [/SIGTTOU/],
  },
  { name: "a busy loop", words: ["busy"], verdict: "no-verdict", says: [/is computing/] },
  { name: "a sleep", words: ["sleep"], verdict: "no-verdict", says: [/is in a timed sleep/] },
  {
    name: "much output into a file",
    words: ["big_file", "FILE"],
    verdict: "no-verdict",
    says: [/stdout and stderr of all processes go to a file.*: full capture pipes are ruled out/],
  },
  {
    name: "a writer whose reader is slow",
    words: ["slow_reader", "0.05"],
    verdict: "no-verdict",
    says: [/may not be stuck/],
  },
  {
    name: "a writer whose reader is slower",
    words: ["slow_reader", "1"],
    verdict: "no-verdict",
    says: [/may not be stuck/],
  },
  {
    name: "a writer whose reader computes",
    words: ["busy_reader"],
    verdict: "no-verdict",
    says: [/is running .* and may read it later/],
  },
  {
    name: "two threads that wait for each other's lock",
    words: ["threads"],
    verdict: "no-verdict",
    says: [/2 threads in futex/],
  },
  {
    name: "two processes that read from each other",
    words: ["actors"],
    verdict: "closed-wait",
    says: [/the pipe is empty, and only pid \d+ can write to it$/],
  },
  {
    name: "a parent waits for a child that takes SIGINT",
    words: ["polite_child"],
    verdict: "no-verdict",
    says: [],
  },
  {
    name: "a child was stopped by SIGSTOP",
    words: ["stopped"],
    verdict: "stopped",
    says: [
      /^pid \d+ \(sleep 600\) is stopped \(SIGSTOP .*\) in \S.*; to resume: kill -CONT \d+$/,
    ],
  },
  {
    name: "the reader of a full pipe was stopped",
    words: ["stopped_writer"],
    verdict: "stopped",
    says: [/is stopped/, /^also \(blocked-write\): /],
  },
  {
    name: "the root itself was stopped",
    words: ["stopped_root"],
    verdict: "stopped",
    says: [/is stopped/],
  },
  {
    name: "a child is dead, its parent reads a pipe",
    words: ["not_reaped", "read"],
    verdict: "child-not-reaped",
    says: [
      /^child pid \d+ \(python3.*\) is dead and was not reaped by pid \d+ /,
      /: state S, read\(\d+ → pipe/,
    ],
  },
  ...["fork", "spawn", "forkserver"].map((method): Case => ({
    name: `both sides wait in Queue.get() (${method})`,
    words: ["closed", method, "both"],
    verdict: "closed-wait",
    says: [
      /^pid \d+ .* waits in read\(\d+ → pipe:\[\d+\]\): the pipe is empty, and only pid \d+, \d+ /,
      /^pid \d+, \d+ wait for each other, without a time limit: only a signal can end this$/,
    ],
  })),
  ...["join", "pipe"].map((how): Case => ({
    name: `a process waits for the end of one that reads what nothing writes (${how})`,
    words: ["closed", "fork", how],
    verdict: "closed-wait",
    says: [/ waits in wait4 for the end of pid \d+$/, /only pid \d+(, \d+)? can write to it$/],
  })),
  {
    name: "a process reads a pipe that only it can write to",
    words: ["reads_itself"],
    verdict: "closed-wait",
    says: [/^pid \d+ waits for itself/],
  },
  ...["timed", "timed_worker", "writer", "thread", "alarm", "outside"].map((how): Case => ({
    name: `processes wait for each other, and something may end it (${how})`,
    words: ["closed", "fork", how],
    verdict: "no-verdict",
    says: [],
  })),
  ...["fork", "spawn"].flatMap((method) =>
    ["queue", "dead", "parent", "join"].map((how): Case => ({
      name: `processes wait for one lock that none of them has (${how}, ${method})`,
      words: ["together", method, how],
      verdict: "closed-wait",
      says: [
        /^pid \d+ .* waits in futex for a semaphore that only pid \d+(, \d+)+ can release$/,
        /wait for each other, without a time limit: only a signal can end this$/,
      ],
    }))
  ),
  ...["sleeper", "newcomer", "outside", "timed", "signal"].map((how): Case => ({
    name: `processes wait for one lock that another one may release (${how})`,
    words: ["together", how === "newcomer" ? "spawn" : "fork", how],
    verdict: "no-verdict",
    says: [],
  })),
  {
    name: "a process that is being started has yet to open a lock by its name",
    words: ["early"],
    verdict: "no-verdict",
    says: [],
  },
  ...["executor", "pool"].map((kind): Case => ({
    name: `the workers of a pool wait for each other (${kind})`,
    words: ["pool", kind],
    verdict: "closed-wait",
    says: [/waits in poll: only pid \d+(, \d+)* can make ready what it watches/],
  })),
  {
    name: "both sides of a pipe in both directions receive",
    words: ["duplex", "both"],
    verdict: "waiting-for-answer",
    says: [
      /^also \(closed-wait\): .* socket:\[\d+\]\): nothing was sent, and only pid \d+, \d+ can/,
    ],
  },
  ...["timed", "outside"].map((how): Case => ({
    name: `both sides of a pipe in both directions receive, and something may end it (${how})`,
    words: ["duplex", how],
    verdict: "no-verdict",
    says: [],
  })),
  {
    name: "output is read to its end, and a worker that waits holds the input",
    words: ["communicates"],
    verdict: "closed-wait",
    says: [/waits in poll: only pid \d+(, \d+)* can make ready what it watches/],
  },
  ...["child", "nothing"].map((how): Case => ({
    name: `an event loop waits for what only its own tree could do (${how})`,
    words: ["loop", how],
    verdict: "closed-wait",
    says: [/waits in epoll_wait: only pid \d+(, \d+)* can make ready what it watches/],
  })),
  ...["timer", "server", "event", "signal", "inherited", "sleeper"].map((how): Case => ({
    name: `an event loop waits, and something may end it (${how})`,
    words: ["loop", how],
    verdict: "no-verdict",
    says: [],
  })),
  {
    name: "an event loop that wakes up once a day",
    words: ["whole_day"],
    verdict: "closed-wait",
    says: [/waits in epoll_wait/],
  },
  {
    name: "a process polls a pipe that only it can write to",
    words: ["selects", "endless"],
    verdict: "closed-wait",
    says: [/^pid \d+ waits for itself/],
  },
  ...["timed", "select"].map((how): Case => ({
    name: `a process polls for a limited time, or by a call whose files are unknown (${how})`,
    words: ["selects", how],
    verdict: "no-verdict",
    says: [],
  })),
  {
    name: "a child is dead, its parent waits for another one",
    words: ["not_reaped", "other"],
    verdict: "no-verdict",
    says: [],
  },
  {
    name: "a child is dead, its parent computes",
    words: ["not_reaped", "busy"],
    verdict: "no-verdict",
    says: [/is computing/],
  },
  {
    name: "a child is dead, its parent wakes up every moment",
    words: ["not_reaped", "polls"],
    verdict: "no-verdict",
    says: [],
  },
  {
    name: "a child's first thread has ended, and another one lives",
    words: ["first_thread_ended"],
    verdict: "no-verdict",
    says: [],
  },
  {
    name: "a process waits for a lock on a file",
    words: ["file_lock", "FILE"],
    verdict: "no-verdict",
    says: [],
  },
  ...["tcp", "tcp6", "unix"].map((family): Case => ({
    name: `a server of the tree does not accept its client (${family})`,
    words: ["not_accepted", family, "SOCKET"],
    verdict: "waiting-for-answer",
    says: [
      /^pid \d+ .* waits to be accepted by \S+ \(fd \d+\), held by pid \d+ .*: state S, pause/,
      /^pid \d+ .* listens at \S+ \(fd \d+\) and has not accepted 1 connection$/,
    ],
  })),
  {
    name: "the queue of a server of the tree is full",
    words: ["queue_is_full", "SOCKET"],
    verdict: "waiting-for-answer",
    says: [
      /gets no answer while connecting to 127\.0\.0\.1:\d+ .*, held by pid \d+ .*: state S, pause/,
    ],
  },
  ...["silent", "unix"].map((how): Case => ({
    name: `a server of the tree has read a request and does not answer (${how})`,
    words: ["accepted", how, "SOCKET"],
    verdict: "waiting-for-answer",
    says: [/waits for an answer from \S+ \(fd \d+\), held by pid \d+ .*: state S, pause/],
  })),
  {
    name: "a server of the tree does not read a request",
    words: ["accepted", "unread", "SOCKET"],
    verdict: "waiting-for-answer",
    says: [/has sent 5 bytes, still unread, to 127\.0\.0\.1:\d+/],
  },
  {
    name: "a server of the tree sleeps for a moment before it answers",
    words: ["accepted", "slow", "SOCKET"],
    verdict: "no-verdict",
    says: [/is in a timed sleep/],
  },
  {
    name: "a connection is idle while a process waits for a lock",
    words: ["accepted", "lock", "SOCKET"],
    verdict: "no-verdict",
    says: [],
  },
  ...["loop", "limit"].map((how): Case => ({
    name: `a connection is watched on which an answer may be due (${how})`,
    words: ["watches", how, "SOCKET"],
    verdict: "no-verdict",
    says: [
      /may wait for an answer from 127\.0\.0\.1:\d+ \(fd \d+\), held by pid \d+ .*: state S, pause/,
    ],
  })),
  {
    name: "a server is a thread of its client, and does not accept",
    words: ["own_server", "SOCKET"],
    verdict: "waiting-for-answer",
    says: [/waits to be accepted by .*, held by pid \d+ /],
  },
  {
    name: "a child waits to be accepted, and its parent for the child",
    words: ["client_child", "SOCKET"],
    verdict: "waiting-for-answer",
    says: [/waits to be accepted by/, /waits for its child pid \d+ in wait4 \(by pid\)/],
  },
  {
    name: "nothing answers at an address",
    words: ["nothing_answers"],
    networked: true,
    verdict: "waiting-for-answer",
    says: [
      /gets no answer while connecting to 10\.9\.9\.9:80 \(fd \d+\): nothing here listens there$/,
    ],
  },
  ...[undefined, true as const].map((networked): Case => ({
    name: `nothing connects to a server${networked ? " in another network" : ""}`,
    words: ["lonely_server", "SOCKET"],
    networked,
    verdict: "waiting-for-connection",
    says: [/waits for a connection to 127\.0\.0\.1:\d+ \(fd \d+\): there is none/],
  })),
  ...["tcp", "tcp6", "unix"].map((family): Case => ({
    name: `a server in another network does not accept its client (${family})`,
    words: ["not_accepted", family, "SOCKET"],
    networked: true,
    verdict: "waiting-for-answer",
    says: [/waits to be accepted by/, /has not accepted 1 connection$/],
  })),
  {
    name: "an event loop in another network waits for what only its own tree could do",
    words: ["loop", "child"],
    networked: true,
    verdict: "closed-wait",
    says: [/waits in epoll_wait: only pid \d+(, \d+)* can make ready what it watches/],
  },
];

Deno.test("other processes are searched for a pipe only where the tree waits at one", async () => {
  for (const [kind, listings] of [["sleep", 1], ["wait_for_writer", 2]] as const) {
    await using made = await Made.make();
    const root = await made.start([kind]);
    const host = new RealHost();
    const programs: string[] = [];
    host.programs.onProgram = ({ argv }) => void programs.push(argv[0]!);
    await examine(made, root, host);
    assertEquals(programs.filter((program) => program === "ls").length, listings, kind);
  }
});

Deno.test("an examination that came too early is repeated while time may decide", async () => {
  await using made = await Made.make();
  const request = requestFor(made, await made.start(["dozing_reader"]));
  const report = await examineInTime(new RealHost(), request, { limitSeconds: 120 });
  assertEquals(report.verdict, "blocked-write", JSON.stringify(report.evidence));
  assert(report.evidence.some((line) => /the writer has slept for \d+ s/.test(line)));
});

Deno.test("an examination gives up at its time limit, and reports that", async () => {
  await using made = await Made.make();
  class StuckHost extends RealHost {
    override readonly programs = {
      onProgram: null,
      run: () => new Promise<never>(() => {}),
      start: () => assert(false) as never,
    };
  }
  const { verdict, unknowns } = await examineInTime(new StuckHost(), requestFor(made, Deno.pid), {
    limitSeconds: 0,
  });
  assertEquals([verdict, unknowns], ["no-verdict", [
    "gave up after 0 s",
  ]]);
});

const table: string[] = [];

for (const { name, words, verdict, registry, piped, networked, says } of CASES) {
  const ignore = networked === true && ISOLATED === null;
  Deno.test({
    name: `${verdict}: ${name}`,
    ignore,
    fn: async () => {
      await using made = await Made.make();
      const holder = registry && await made.start(made.fill(registry));
      const root = await made.start(made.fill(words), { piped, networked });
      // The verdict is the same at any moment.
      for (let round = 0; round < 3; round++) {
        let report = await examine(made, root);
        // On a busy machine a process that has just ended may hide a proof; none comes from it.
        const isHidden = () => verdict !== "no-verdict" && report.verdict === "no-verdict";
        for (let more = 2; more > 0 && isHidden(); more--) report = await examine(made, root);
        if (round === 0) {
          const mark = report.verdict === verdict ? "right" : "WRONG";
          table.push(`${mark}  ${report.verdict.padEnd(20)}  ${name}`);
        }
        const shown = JSON.stringify(report.evidence, null, 1);
        assertEquals(report.verdict, verdict, shown);
        for (const pattern of says) {
          assert(report.evidence.some((line) => pattern.test(line)), `${pattern} in ${shown}`);
        }
        assertEquals(report.unknowns, []);
        assertEquals(report.processes.some((process) => process.pid === holder), false);
      }
    },
  });
}

Deno.test("the table of constructed hangs", () => {
  const right = table.filter((row) => row.startsWith("right")).length;
  // A quiet run would hide what a test prints by console.log.
  Deno.writeTextFileSync(
    "/proc/self/fd/1",
    `\n${table.join("\n")}\n${right} of ${table.length} made hangs judged right\n`,
    { append: true },
  );
  const isHere = ({ networked }: Case) => networked === undefined || ISOLATED !== null;
  assertEquals(table.length, CASES.filter(isHere).length);
});

async function examine(made: Made, root: number, host = new RealHost()): Promise<HangReport> {
  return await examineHang(host, requestFor(made, root));
}

function requestFor(made: Made, root: number): ExamineRequest {
  return {
    profile: "tractor",
    root,
    also: [],
    registries: [`127.0.0.1:${made.port}`],
    checkout: join(made.directory),
    running: [],
    command: null,
    session: null,
    startedIn: new Map(),
    asked: { stacks: false, confirm: false },
    readStacks: null,
  };
}
