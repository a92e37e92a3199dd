import { parseLastRuns, parseThreads } from "../../../lib/system/programs/proc_threads.ts";
import fc from "fast-check";
import {
  parseHolders,
  parseOpenFiles,
  parseSpecialFiles,
} from "../../../lib/system/programs/proc_files.ts";
import { parseTcpConnections, parseUnixConnections } from "../../../lib/system/programs/ss.ts";
import { assertEquals } from "../../assert.ts";

const BOOT = "0a1b2c3d-0000-4000-8000-000000000000\n";

Deno.test("open files and threads are read from ls, with modes and decoded escapes", () => {
  const text = `/proc/7/fd:
total 0
lr-x------ 1 0 0 64 Nov 24 13:45 0 -> /dev/null
l-wx------ 1 1000 1000 64 Nov 24  2025 1 -> pipe:[74022]
lrwx------ 1 0 0 64 Nov 24 13:45 12 -> /tmp/a\\ b\\nc\\303
lrwx------ 1 0 0 64 Nov 24 13:45 13

/proc/7/task:
total 0
dr-xr-xr-x 7 0 0 0 Nov 24 13:45 7
dr-xr-xr-x 7 0 0 0 Nov 24 13:45 9
ls: nonsense

/proc/8/fd:
total 0
`;
  assertEquals([...parseOpenFiles(text)], [
    [7, {
      files: [
        { fd: 0, reads: true, writes: false, target: "/dev/null" },
        { fd: 1, reads: false, writes: true, target: "pipe:[74022]" },
        { fd: 12, reads: true, writes: true, target: "/tmp/a b\nc\xc3" },
      ],
      threads: [7, 9],
    }],
    // It has no file open; what threads it has could not be read.
    [8, { files: [], threads: null }],
  ]);
});

Deno.test("holders are read from ls: for each readable process only these files", () => {
  const text = `/proc/self/task:
total 0
dr-xr-xr-x 7 0 0 0 Nov 24 13:45 5

/proc/7/fd:
total 0
lr-x------ 1 0 0 64 Nov 24 13:45 0 -> /dev/null
l-wx------ 1 1000 1000 64 Nov 24  2025 1 -> pipe:[74022]
lr-x------ 1 1000 1000 64 Nov 24  2025 3 -> pipe:[74023]
lrwx------ 1 0 0 64 Nov 24 13:45 12 -> socket:[81]

/proc/8/fd:
total 0
`;
  assertEquals([...parseHolders(text, new Set(["pipe:[74022]", "socket:[81]"]))], [
    [7, [
      { fd: 1, reads: false, writes: true, target: "pipe:[74022]" },
      { fd: 12, reads: true, writes: true, target: "socket:[81]" },
    ]],
    [8, []],
  ]);
});

const STAT =
  "7 (we) (ird) S 6 5 4 34817 3 4194368 277 0 0 0 11 22 0 0 20 0 1 0 43511 17162240 2498 " +
  "18446744073709551615 1 1 1 0 0 0 0 16781318 0 1 0 0 17 1 0 0 0 0 0 1 1 1 1 1 1 1 0\n";
const STATUS = "Name:\tx\nNSpid:\t7\t3\nUid:\t0\t0\t0\t0\nSigPnd:\t0000000000000000\n" +
  "ShdPnd:\t0000000000000002\nSigBlk:\t0000000000000002\n" +
  "SigIgn:\t0000000001001004\nSigCgt:\t0000000000000002\n" +
  "voluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t2\n";

Deno.test("threads are read from /proc; one that is gone is ignored", () => {
  const parts = [
    "0 0x3 0x1 0x2 0x0 0x0 0x0 0x7ffe 0x7f98\n",
    STAT,
    STATUS,
    "1 0x4 0x7f69 0x30d40 0x0 0x0 0x0 0x7fff 0x7f69\n",
    "anon_pipe_write",
    "",
    "",
    "",
    "",
  ];
  const parsed = parseThreads(BOOT + parts.map((part) => part + BOOT).join(""), [
    { pid: 7, tid: 7 },
    { pid: 7, tid: 9 },
  ]);
  assertEquals(parsed?.readNumber, 0);
  assertEquals([...parsed!.threads], [[7, [{
    tid: 7,
    ownTid: 3,
    siblings: 1,
    state: "S",
    group: 5,
    session: 4,
    terminal: 34817,
    foreground: 3,
    cpuTicks: 33,
    switches: 7,
    syscall: { number: 1, args: [4, 0x7f69, 200000, 0, 0, 0] },
    waitsIn: "anon_pipe_write",
    catches: { alarm: false, child: false, other: false },
    interrupt: { ignored: false, caught: true, blocked: true, pending: true },
  }]]]);
});

Deno.test("an unreadable call, a running thread and one outside any call differ", () => {
  const of = (syscall: string, channel: string) => {
    const parts = ["63 0x3 0x1 0x7ffe 0x7f98\n", STAT, "Name:\tx\n", syscall, channel];
    const parsed = parseThreads(BOOT + parts.map((part) => part + BOOT).join(""), [{
      pid: 7,
      tid: 7,
    }]);
    const [thread] = parsed!.threads.get(7)!;
    return [
      parsed!.readNumber,
      thread!.syscall,
      thread!.waitsIn,
      thread!.switches,
      thread!.interrupt.ignored,
    ];
  };
  assertEquals(of("running\n", "0"), [63, "running", null, null, null]);
  assertEquals(of("", "0"), [63, null, null, null, null]);
  assertEquals(of("-1 0x7ffe 0x7f98\n", "do_wait"), [
    63,
    { number: -1, args: [] },
    "do_wait",
    null,
    null,
  ]);
});

Deno.test("watched files and the last run of threads are read from /proc", () => {
  const info =
    "pos:\t0\nflags:\t02\ntfd:       19 events: 40000019 data:     7fb600000013  pos:0 " +
    "ino:200c3 sdev:9\ntfd:        5 events:       19 data: 5  pos:0\n";
  const files = [{ pid: 7, fd: 12 }, { pid: 7, fd: 5 }, { pid: 7, fd: 6 }];
  const text = BOOT + [info, "Pid:\t1523\nNSpid:\t1523\n", ""].map((part) => part + BOOT).join("");
  assertEquals(parseSpecialFiles(text, files), [
    { pid: 7, fd: 12, watches: [{ fd: 19, inode: 0x200c3 }, { fd: 5, inode: null }], of: null },
    { pid: 7, fd: 5, watches: [], of: 1523 },
    { pid: 7, fd: 6, watches: [], of: null },
  ]);
  const sched =
    "python3 (7, #threads: 1)\n---\nse.exec_start                                :    " +
    "    718916.622245\nse.vruntime : 1.0\n";
  assertEquals(
    parseLastRuns(BOOT + [STAT, sched, "", ""].map((part) => part + BOOT).join(""), [7, 8]),
    [{
      pid: 7,
      processor: 1,
      ms: 718916.622245,
    }],
  );
});

Deno.test("connections are read from ss: inodes, unread bytes, pending accepts", () => {
  const tcp = [
    "LISTEN   2      1      127.0.0.1:1616    0.0.0.0:*     ino:776096 sk:1f9 cgroup:/ <->       ",
    "ESTAB    5      0      127.0.0.1:1616  127.0.0.1:53072 ino:0 sk:200 cgroup:/ <->            ",
    "SYN-SENT 0      1      [::ffff:127.0.0.1]:53078 [::1%lo]:1616  timer:(on,676ms,1) " +
    "uid:1000 ino:776113 sk:1fc cgroup:/ <->",
    "noise",
    "",
  ].join("\n");
  const { rows, rejected } = parseTcpConnections(tcp);
  assertEquals(rejected, 1);
  assertEquals(rows.map((row) => [row.state, row.unread, row.local, row.peer, row.inode]), [
    ["LISTEN", 2, "127.0.0.1:1616", "0.0.0.0:*", 776096],
    ["ESTAB", 5, "127.0.0.1:1616", "127.0.0.1:53072", 0],
    ["SYN-SENT", 0, "127.0.0.1:53078", "[::1]:1616", 776113],
  ]);
  const unix = [
    "u_str LISTEN 2      1      reg x.sock 776097 * 0 <-> ino:5333116 dev:0/65024 " +
    "peers: 776274 777245",
    "u_str ESTAB  7      768           * 74617 * 74618 <->                                  ",
    "u_dgr ESTAB  0      0             * 1 * 2",
    "",
  ].join("\n");
  assertEquals(
    parseUnixConnections(unix).rows.map((
      row,
    ) => [row.state, row.name, row.inode, row.peer, row.unread, row.waiting]),
    [
      ["LISTEN", "reg x.sock", 776097, 0, 2, [776274, 777245]],
      ["ESTAB", "*", 74617, 74618, 7, []],
    ],
  );
});

/** Text that is near to what the parsers know. */
const near = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.array(
    fc.constantFrom(
      BOOT,
      STAT,
      STATUS,
      "/proc/7/fd:\n",
      "/proc/7/task:\n",
      "lr-x------ 1 0 0 64 Nov 24 13:45 0 -> x\n",
      "0 0x1",
      "\n",
      "\0",
      "users:((",
      "ESTAB 0 0 ",
    ),
    {
      maxLength: 30,
    },
  ).map((parts) => parts.join("")),
);

Deno.test("parsers never throw, whatever the text", () => {
  fc.assert(fc.property(near, near, (one, other) => {
    for (const text of [one, other, BOOT + one, BOOT + one + BOOT + other + BOOT]) {
      parseOpenFiles(text);
      parseHolders(text, new Set(["pipe:[7]"]));
      parseThreads(text, [{ pid: 7, tid: 7 }]);
      parseSpecialFiles(text, [{ pid: 7, fd: 1 }]);
      parseLastRuns(text, [7]);
      parseTcpConnections(text);
      parseUnixConnections(text);
    }
  }));
});
