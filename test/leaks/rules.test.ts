import { Judge } from "../../lib/leaks/rules.ts";
import { Forest } from "../../lib/processes/forest.ts";
import type { DetailedProcess } from "../../lib/processes/process.ts";
import { assert, assertEquals } from "../assert.ts";
import { detailsOf, INIT, judgeFirst, type Row, VENV, VIEW } from "./judged.ts";

const MSGSPEC = `${VENV}/lib/python3.13/site-packages/msgspec/_core.so`;

/** An actor, unless it is said to be something else. */
function details(row: Row): DetailedProcess {
  return detailsOf({ argv: [`_subactor[w@${row.pid}]`], mapped: [MSGSPEC], ...row });
}

const shell = details({
  pid: 50,
  argv: ["-bash"],
  comm: "bash",
  mapped: ["/usr/bin/bash"],
  cwd: "/repo",
});
const pytest = details({ pid: 60, ppid: 50, argv: ["python", "-m", "pytest"] });
const application = details({ pid: 70, ppid: 50, argv: [`${VENV}/bin/python`, "app.py"] });

/** The verdict on the first process, next to the others, init and the shell. */
function judge(subject: Row, ...others: DetailedProcess[]) {
  return judgeFirst([details(subject), ...others, INIT, shell]);
}

Deno.test("an actor of this checkout below pid 1 is leaked, and the evidence says why", () => {
  const { verdict, ours, evidence } = judge({ pid: 100 });
  assertEquals([verdict, ours], ["leaked", true]);
  assertEquals(evidence, [
    "titled as a subactor",
    "works in /repo",
    "maps files of /repo/py313",
    "no live pytest or application above it: its parent is pid 1 (init), which adopts orphans",
  ]);
});

Deno.test("fault 9: a title without a path is tied by its directory or its mapped files", () => {
  assertEquals(judge({ pid: 100, mapped: ["/usr/lib/libc.so"] }).verdict, "leaked");
  assertEquals(judge({ pid: 100, cwd: "/tmp", place: "elsewhere" }).verdict, "leaked");
  assertEquals(
    judge({
      pid: 100,
      cwd: "/tmp",
      place: "elsewhere",
      mapped: [],
      argv: [`${VENV}/bin/python`, "-m", "tractor._child"],
    }).verdict,
    "leaked",
    "by the Python that it was started with",
  );
});

Deno.test("fault 5: another checkout whose path starts alike is another checkout", () => {
  const mapped = ["/repo/py313-fork/lib/python3.13/site-packages/msgspec/_core.so"];
  assertEquals(
    judge({ pid: 100, cwd: "/repo-fork", place: "other-project", mapped }).verdict,
    "foreign",
  );
  assertEquals(judge({ pid: 100, cwd: "/tmp", place: "elsewhere", mapped }).verdict, "foreign");
});

Deno.test("fault 22: an actor of another application is foreign", () => {
  const mapped = ["/home/dev/piker/py313/lib/python3.13/site-packages/msgspec/_core.so"];
  assertEquals(
    judge({ pid: 100, cwd: "/home/dev/piker", place: "other-project", mapped }).verdict,
    "foreign",
  );
});

Deno.test("a second checkout that shares this venv is another project all the same", () => {
  assertEquals(judge({ pid: 100, cwd: "/other", place: "other-project" }).verdict, "foreign");
});

Deno.test("fault 11: an orphan that a subreaper adopted is leaked", () => {
  const manager = details({
    pid: 80,
    argv: ["/lib/systemd/systemd", "--user"],
    mapped: ["/usr/lib/libc.so"],
    cwd: "/",
  });
  assertEquals(judge({ pid: 100, ppid: 80 }, manager).verdict, "leaked");
  const harness = details({
    pid: 80,
    ppid: 50,
    argv: ["/usr/bin/harness"],
    comm: "harness",
    mapped: ["/usr/bin/harness"],
    session: 50,
  });
  assertEquals(
    judge({ pid: 100, ppid: 80, session: 77 }, harness).verdict,
    "leaked",
    "it is in a session that its parent never was in",
  );
  assertEquals(
    judge({ pid: 100, ppid: 80, session: 50 }, harness).verdict,
    "unknown",
    "nothing proves that it was adopted",
  );
  assertEquals(
    judge({ pid: 100, ppid: 80, session: 100 }, harness).verdict,
    "unknown",
    "a session of its own proves nothing",
  );
  const leader = details({ ...harness, session: 80 });
  assertEquals(
    judge({ pid: 100, ppid: 80, session: 77 }, leader).verdict,
    "unknown",
    "its parent may have left that session",
  );
  assertEquals(
    judge({ pid: 100, ppid: 80, startTicks: 5079 }, harness).verdict,
    "leaked",
    "its parent is younger",
  );
});

Deno.test("what an init below a live program adopted is unknown: the program is above it", () => {
  const tini = details({
    pid: 80,
    ppid: 70,
    argv: ["tini", "-s", "--", "serve"],
    mapped: ["/usr/bin/tini"],
    cwd: "/",
  });
  assertEquals(judge({ pid: 100, ppid: 80 }, tini, application).verdict, "unknown");
  assertEquals(judge({ pid: 100, ppid: 80 }, { ...tini, ppid: 1 }).verdict, "leaked");
  assertEquals(
    judge({ pid: 100, ppid: 80 }, { ...tini, ppid: 90 }, details({ pid: 90 })).verdict,
    "leaked",
    "a leaked actor counts as no parent",
  );
});

Deno.test("a living parent counts as no parent only if it is leaked itself", () => {
  const parent = details({ pid: 90 });
  assertEquals(judge({ pid: 100, ppid: 90 }, parent).verdict, "leaked");
  const theirs = details({ pid: 90, cwd: "/other", place: "other-project" });
  assertEquals(judge({ pid: 100, ppid: 90 }, theirs).verdict, "unknown", "another project's actor");
  const untied = details({ pid: 90, cwd: "/", place: "elsewhere", mapped: [] });
  assertEquals(
    judge({ pid: 100, ppid: 90 }, untied).verdict,
    "unknown",
    "an actor of unknown origin",
  );
  const gone = details({ pid: 90, cwd: "/repo/x (deleted)", place: "gone" });
  assertEquals(
    judge({ pid: 100, ppid: 90 }, gone).verdict,
    "unknown",
    "one that only its pid may end",
  );
  const code =
    "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)";
  const worker = details({ pid: 90, argv: ["python", "-c", code, "--multiprocessing-fork"] });
  assertEquals(judge({ pid: 100, ppid: 90 }, worker).verdict, "unknown", "a worker of any program");
});

Deno.test("fault 12: an actor under a live pytest is in use, however deep", () => {
  const between = details({ pid: 90, ppid: 60, argv: ["_subactor[mid@90]"] });
  const { verdict, evidence, pytest: above } = judge({ pid: 100, ppid: 90 }, between, pytest);
  assertEquals([verdict, above, evidence.at(-1)], ["in-use", 60, "in use by pytest pid 60"]);
});

Deno.test("fault 54: a pytest that is pid 1 protects what it adopted", () => {
  const first = details({ pid: 1, ppid: 0, argv: ["python", "-m", "pytest"] });
  assertEquals(judgeFirst([details({ pid: 100 }), first]).verdict, "in-use");
});

Deno.test("fault 52: actors of a live application that was started by hand are in use", () => {
  assertEquals(judge({ pid: 100, ppid: 70 }, application).verdict, "in-use");
  const daemon = details({ ...application, ppid: 1 });
  assertEquals(
    judge({ pid: 100, ppid: 70 }, daemon).verdict,
    "in-use",
    "also when its shell is gone",
  );
  const titled = details({ ...application, argv: ["pikerd"], comm: "pikerd" });
  assertEquals(
    judge({ pid: 100, ppid: 70 }, titled).verdict,
    "in-use",
    "also when it gave itself a title",
  );
});

Deno.test("an actor that somebody runs from a shell or a debugger is in use", () => {
  assertEquals(judge({ pid: 100, ppid: 50 }).verdict, "in-use");
  const middle = details({ pid: 90, ppid: 50, argv: ["_subactor[mid@90]"] });
  assertEquals(judge({ pid: 100, ppid: 90 }, middle).verdict, "in-use");
});

Deno.test("a shell that is pid 1 of a container adopts orphans: they are leaked", () => {
  const first = details({
    pid: 1,
    ppid: 0,
    argv: ["bash"],
    comm: "bash",
    mapped: ["/usr/bin/bash"],
  });
  assertEquals(judgeFirst([details({ pid: 100 }), first]).verdict, "leaked");
});

Deno.test("fault 51: an untitled Python on tractor in pytest's directory is a leaked root", () => {
  const row = {
    pid: 70,
    argv: [`${VENV}/bin/python`, "-c", "import tractor"],
    cwd: "/tmp/pytest-of-dev/pytest-0",
    place: "pytest-temporary",
  } as const;
  assertEquals(judge(row).verdict, "leaked");
  assertEquals(
    judge({ pid: 100, ppid: 70, cwd: row.cwd, place: row.place }, details(row)).verdict,
    "leaked",
  );
  assertEquals(judge({ ...row, ppid: 60 }, pytest).verdict, "in-use", "while its pytest lives");
  assertEquals(judge({ ...row, ppid: 50 }).verdict, "in-use", "started by hand from a shell");
  assertEquals(
    judge({ pid: 100, ppid: 70, cwd: row.cwd, place: row.place }, details({ ...row, ppid: 50 }))
      .verdict,
    "in-use",
  );
  assertEquals(
    judge({ ...row, mapped: ["/usr/lib/libc.so"] }).verdict,
    "unknown",
    "without tractor's modules",
  );
  assertEquals(
    judge({ ...row, place: "checkout" }).verdict,
    "unknown",
    "in the checkout it may be an application",
  );
});

Deno.test("fault 53: the same path in another mount or pid namespace is not ours", () => {
  assertEquals(judge({ pid: 100, sameNamespaces: false }).verdict, "foreign");
  assertEquals(judge({ pid: 100, sameNamespaces: null }).verdict, "unknown");
});

Deno.test("fault 10: an actor whose directory is gone is unknown", () => {
  const { verdict, evidence } = judge({
    pid: 100,
    place: "gone",
    cwd: "/repo/x (deleted)",
    mapped: [],
  });
  assertEquals([verdict, evidence[0]], ["unknown", "its directory is gone"]);
  assertEquals(
    judge({ pid: 100, place: "gone", cwd: "/repo-fork (deleted)", mapped: [] }).verdict,
    "foreign",
  );
});

Deno.test("fault 14: another user's actor is foreign, whatever ties it", () => {
  const { verdict, evidence } = judge({ pid: 100, uid: 1001 });
  assertEquals([verdict, evidence], ["foreign", ["belongs to uid 1001; not touched"]]);
});

Deno.test("fault 8: this program and all above it are in use", () => {
  assertEquals(judge({ pid: 900 }).verdict, "in-use");
  assertEquals(judge({ pid: 901 }).verdict, "in-use");
});

Deno.test("fault 3: an actor whose start can't be read is unknown", () => {
  const { verdict, evidence } = judge({ pid: 100, startTicks: null });
  assertEquals([verdict, evidence[0]], ["unknown", "identity unknown"]);
});

Deno.test("what can't be read is unknown, never leaked", () => {
  assertEquals(
    judge({ pid: 100, mapped: null, place: "unknown" }).verdict,
    "unknown",
    "neither files nor directory",
  );
  const opaque = details({ pid: 80, argv: ["python", "x.py"], mapped: null });
  assertEquals(
    judge({ pid: 100, ppid: 80 }, opaque).verdict,
    "unknown",
    "a parent whose files can't be read",
  );
  assertEquals(judge({ pid: 100, ppid: 80 }).verdict, "unknown", "a parent that is in no list");
  const alone = new Judge(VIEW, { forest: new Forest(), details: new Map() });
  assertEquals(
    alone.judge(details({ pid: 100 })).verdict,
    "unknown",
    "no list of processes at all",
  );
});

Deno.test("fault 61: another user's process above is judged by its row, else unknown", () => {
  const above = (...argv: string[]) =>
    judge({ pid: 100, ppid: 80 }, details({ pid: 80, uid: 0, argv, mapped: null })).verdict;
  assertEquals(
    [above("supervisor"), above("python3", "app.py"), above("python3", "-m", "pytest")],
    ["unknown", "in-use", "in-use"],
  );
  assertEquals([above("/lib/systemd/systemd", "--system"), above("sudo", "-u", "dev")], [
    "leaked",
    "unknown",
  ]);
  const sudo = details({ pid: 80, ppid: 81, uid: 0, argv: ["sudo", "-u", "dev"], mapped: null });
  const { verdict, pytest: above2 } = judge(
    { pid: 100, ppid: 80 },
    sudo,
    details({ pid: 81, uid: 0, argv: ["python3", "-m", "pytest"], mapped: null }),
  );
  assertEquals([verdict, above2], ["in-use", 81]);
});

Deno.test("fault 57: a living parent that shares no file may still use a process", () => {
  const plain = { mapped: ["/usr/bin/python3.11"], cwd: "/repo" };
  const program = details({ pid: 80, ppid: 50, argv: ["/usr/bin/python3", "job.py"], ...plain });
  const spawned = {
    pid: 100,
    ppid: 80,
    argv: [
      "/usr/bin/python3",
      "-c",
      "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5)",
    ],
  };
  assertEquals(judge({ ...spawned, ...plain }, program).verdict, "in-use");
  const server = details({
    ...spawned,
    pid: 90,
    argv: ["python", "-c", "from multiprocessing.forkserver import main; main(5, 6)"],
    ...plain,
  });
  assertEquals(judge({ ...spawned, ...plain, ppid: 90 }, program, server).verdict, "in-use");
  assertEquals(
    judge({ ...spawned, ppid: 1 }).verdict,
    "unknown",
    "also when its parent is gone it is no actor by that alone",
  );
  assertEquals(
    judge({ ...spawned, ppid: 90 }, details({ pid: 90 })).verdict,
    "leaked",
    "below an actor that is leaked",
  );
  const uvicorn = details({
    pid: 80,
    ppid: 1,
    argv: ["uvicorn"],
    comm: "uvicorn",
    mapped: ["/x/python3.11"],
    cwd: "/repo",
  });
  assertEquals(
    judge({ ...spawned, ...plain }, uvicorn).verdict,
    "unknown",
    "a parent that nothing is known of",
  );
});

Deno.test("a fork server's child is unknown while the program that leads its group lives", () => {
  const code = "from tractor.spawn._forkserver_override import main; main(9, 11)";
  const forked = { pid: 100, argv: ["python", "-c", code], isForkedCopy: true, group: 70 };
  assertEquals(judge(forked, application).verdict, "unknown");
  assertEquals([judge(forked).verdict, judge({ ...forked, group: 50 }).verdict], [
    "leaked",
    "leaked",
  ]);
  assertEquals(
    judge({ ...forked, isForkedCopy: false }, application).verdict,
    "leaked",
    "the server itself has lost its program",
  );
});

Deno.test("a process that lost its parent since the list is judged by its new parent", () => {
  const all = [details({ pid: 100, ppid: 1 }), INIT, shell, application];
  const verdict = (ppid: number, now: number) => {
    const details = { ...all[0]!, ppid: now };
    const seen = {
      forest: new Forest([{ ...all[0]!, ppid }, ...all.slice(1)]),
      details: new Map(all.map((row) => [row.pid, row])).set(100, details),
    };
    return new Judge(VIEW, seen).judge(details).verdict;
  };
  assertEquals([verdict(1, 70), verdict(70, 1), verdict(70, 71)], ["in-use", "leaked", "unknown"]);
});

Deno.test("fault 59: an application whose modules are in no site-packages keeps its actors", () => {
  const target = ["/srv/app/vendor/msgspec/_core.so"];
  const root = details({
    pid: 80,
    ppid: 1,
    argv: ["pikerd"],
    comm: "pikerd",
    mapped: target,
    session: 80,
  });
  assertEquals(judge({ pid: 100, ppid: 80, mapped: target }, root).verdict, "in-use");
});

Deno.test("an application as pid 1, or a parent outside of the namespace, never adopts", () => {
  const first = (argv: string[], subject: Partial<DetailedProcess> = {}) => {
    const all = [
      details({ pid: 100, ...subject }),
      details({ pid: 1, ppid: 0, argv, comm: argv[0]!, mapped: ["/usr/bin/x"] }),
    ];
    return judgeFirst(all).verdict;
  };
  assertEquals([first(["python", "app.py"]), first(["node"]), first(["tini"]), first(["sleep"])], [
    "in-use",
    "unknown",
    "leaked",
    "leaked",
  ]);
  assertEquals(
    first(["node"], { session: 77 }),
    "leaked",
    "its session was begun by a third process",
  );
  assertEquals(
    first(["python", "app.py"], { session: 77 }),
    "in-use",
    "an application may use what it adopted",
  );
  assertEquals([
    first(["node"], { session: 1 }),
    first(["node"], { session: 0 }),
    first(["tini"], { ppid: 0 }),
  ], ["unknown", "unknown", "unknown"]);
});

/** The verdict on the first process where runs have recorded some. */
function judgeRecorded(
  subject: Row,
  { over = [], live = [] }: { over?: number[]; live?: number[] },
  ...others: DetailedProcess[]
) {
  const runs = (pids: number[]) =>
    new Map(pids.map((pid) => [pid, { runId: "r-1", test: "t.py::x", since: 5090 }]));
  const all = [details(subject), ...others, INIT, shell];
  return judgeFirst(all, { ledger: runs(over), live: runs(live) });
}

Deno.test("fault 60: what a live run recorded is in use, and so is what is below it", () => {
  const { verdict, evidence, isOfLiveRun } = judgeRecorded({ pid: 100 }, { live: [100] });
  assertEquals([verdict, evidence.at(-1), isOfLiveRun], [
    "in-use",
    "in use by run r-1 (test t.py::x), which is running",
    true,
  ]);
  assertEquals(
    judgeRecorded({ pid: 100, ppid: 90 }, { live: [90] }, details({ pid: 90 })).verdict,
    "in-use",
  );
});

Deno.test("fault 63: a fork of pytest is leaked only if a finished run recorded it", () => {
  const fork = { argv: ["python", "-m", "pytest"], isForkedCopy: true };
  const harness = details({
    pid: 80,
    ppid: 50,
    argv: ["harness"],
    comm: "harness",
    mapped: ["/usr/bin/harness"],
  });
  assertEquals(judgeRecorded({ pid: 100, ...fork }, { over: [100] }).verdict, "leaked");
  assertEquals(
    judgeRecorded({ pid: 100, ppid: 80, ...fork }, { over: [100] }, harness).verdict,
    "leaked",
    "its parent is older than the run",
  );
  const young = details({ ...harness, pid: 95, startTicks: 5095 });
  assertEquals(
    judgeRecorded({ pid: 100, ppid: 95, ...fork }, { over: [100] }, young).verdict,
    "unknown",
    "its parent may have come from the run",
  );
  assertEquals(judge({ pid: 100, ...fork }).verdict, "unknown");
  assertEquals(
    judge({ pid: 110, ppid: 100 }, details({ pid: 100, ...fork })).verdict,
    "unknown",
    "and so is what is below it",
  );
  assertEquals(
    judgeRecorded({ pid: 110, ppid: 100 }, { over: [100] }, details({ pid: 100, ...fork })).verdict,
    "leaked",
  );
  assertEquals(judge({ pid: 100, ppid: 60, ...fork }, pytest).pytest, 60);
  assertEquals(
    judge({ pid: 100, argv: fork.argv }).verdict,
    "in-use",
    "one that was started as a pytest is one",
  );
});

Deno.test("an orphan in the session or the process group of a live pytest is in use", () => {
  assertEquals(judge({ pid: 100, session: 60 }, pytest).verdict, "in-use");
  assertEquals(judge({ pid: 100, session: 77, group: 60 }, pytest).verdict, "in-use");
  assertEquals(judge({ pid: 100, session: 77, group: 50 }, pytest).verdict, "leaked");
});

Deno.test("an untitled Python that a leaked actor started is leaked with it", () => {
  const actor = details({ pid: 90 });
  const { verdict, evidence } = judge({ pid: 100, ppid: 90, argv: ["python", "worker.py"] }, actor);
  assertEquals([verdict, evidence[0]], ["leaked", "started by the leaked actor 90"]);
  assertEquals(
    judge({ pid: 100, ppid: 90, argv: ["sleep", "5"], mapped: [] }, actor).verdict,
    "unknown",
    "any other program is not",
  );
});

Deno.test("a loop in what the list says about parents ends", () => {
  const other = details({
    pid: 90,
    ppid: 100,
    argv: [`${VENV}/bin/python`, "x"],
    place: "pytest-temporary",
  });
  assert(judge({ pid: 100, ppid: 90 }, other).verdict !== undefined);
});
