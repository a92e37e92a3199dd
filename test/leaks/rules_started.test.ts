import type { LedgerEntry, Recorded } from "../../lib/leaks/rules_ledger.ts";
import { isInteractiveShell, sharedDaemon, withMarks } from "../../lib/leaks/rules_started.ts";
import type { DetailedProcess } from "../../lib/processes/process.ts";
import { assertEquals, assertIncludes } from "../assert.ts";
import { detailsOf, INIT, judgeFirst, type Row } from "./judged.ts";

const HERE = { bootId: "00000000-0000-4000-8000-000000000001", pidNamespace: "pid:[1]" };
const head = (
  runId: string,
  pid: number,
  role: "runner" | "root" = "runner",
  more: Partial<LedgerEntry> = {},
): LedgerEntry => {
  return {
    runId,
    role,
    pid,
    uid: 1000,
    startTicks: pid * 10,
    ...HERE,
    test: null,
    title: "",
    ...more,
  };
};

Deno.test("a run named by an environment is finished once nothing that led it lives", () => {
  const entries = [
    head("over", 10),
    head("over", 11, "root"),
    head("goes", 20),
    head("elsewhere", 30, "runner", { pidNamespace: "pid:[2]" }),
    head("mine", 40),
  ];
  const living = new Map([[20, { uid: 1000, startTicks: 200 }], [40, {
    uid: 1000,
    startTicks: 400,
  }], [10, { uid: 1000, startTicks: 101 }]]);
  const runs = ["over", "goes", "elsewhere", "mine", "unknown", null];
  const marks = new Map(runs.map((runId, index) => [100 + index, { runId, test: "a.py::t" }]));
  const titles = new Map([...marks.keys()].map((pid) => [pid, "sleep 9"]));
  const nothing = { over: new Map(), live: new Map(), abandoned: new Map() };
  const { over, live } = withMarks(nothing, marks, titles, {
    entries,
    living,
    here: HERE,
    own: 40,
  });
  const plain = { test: "a.py::t", since: null, mark: "test", id: "a.py::t" } as const;
  assertEquals([...over], [
    [100, { runId: "over", test: "a.py::t", since: 100, mark: "run" }],
    [103, { runId: "mine", test: "a.py::t", since: 400, mark: "run" }],
    [104, { runId: "unknown", ...plain }],
    [105, { runId: null, ...plain }],
  ]);
  assertEquals([...live], [[101, { runId: "goes", test: "a.py::t", since: 200, mark: "run" }], [
    102,
    null,
  ]]);
});

Deno.test("the ledger of a live run counts before the environment", () => {
  const title = "python -c from multiprocessing.forkserver import main; main(7)";
  const before: Recorded = { runId: "goes", test: "a.py::second", since: 1 };
  const marks = new Map([[100, { runId: "over", test: "a.py::first" }]]);
  const scene = { entries: [head("over", 10)], living: new Map(), here: HERE, own: 40 };
  const live = withMarks(
    { over: new Map(), live: new Map([[100, before]]), abandoned: new Map() },
    marks,
    new Map([[100, title]]),
    scene,
  );
  assertEquals([[...live.live], live.over.size], [[[100, before]], 0]);
  const over = withMarks(
    { over: new Map([[100, before]]), live: new Map(), abandoned: new Map() },
    marks,
    new Map([[100, title]]),
    scene,
  );
  assertEquals(over.over.get(100)?.test, "a.py::second");
});

Deno.test("daemons that a test merely woke are known by name, programs it drives are not", () => {
  const daemons = [
    ["gpg-agent", "gpg-agent --homedir /home/dev/.gnupg --use-standard-socket --daemon"],
    ["ssh-agent", "ssh-agent -s"],
    ["git", "git maintenance run --auto --quiet --detach"],
    ["git", "/usr/lib/git-core/git -C /repo gc --auto"],
    [
      "git-credential-",
      "/usr/lib/git-core/git-credential-cache--daemon /home/dev/.cache/git/credential/socket",
    ],
    ["watchman", "watchman --foreground"],
    ["tmux: server", "tmux new -d"],
    ["screen", "SCREEN -S x"],
    ["dbus-daemon", "dbus-daemon --syslog --fork --print-pid 4"],
    ["dbus-launch", "dbus-launch --autolaunch abc"],
    ["python", "/venv/bin/python -m mypy.dmypy --daemon"],
    ["java", "java -cp x org.gradle.launcher.daemon.bootstrap.GradleDaemon 8"],
    ["bazel(app)", "bazel(app) --batch"],
    ["sccache", "sccache"],
    ["node", "node /usr/bin/pyright-langserver --stdio"],
    ["adb", "adb -L tcp:5037 fork-server server --reply-fd 4"],
    ["dockerd", "dockerd"],
    ["ssh", "ssh: /home/dev/.ssh/master [mux]"],
    ["firefox", "/usr/lib/firefox/firefox https://example.org"],
  ];
  for (const [comm, words] of daemons) {
    assertEquals(sharedDaemon({ comm: comm!, argv: words!.split(" ") }) === null, false, words);
  }
  const others = [
    ["chrome", "/opt/chrome/chrome --headless=new --remote-debugging-port=0"],
    ["firefox", "firefox --marionette -headless"],
    ["sleep", "sleep 600"],
    ["python", "/venv/bin/python -m http.server"],
    ["java", "java -jar server.jar"],
    ["git", "git daemon --base-path=/tmp"],
    ["sh", "sh -c sleep 9; echo gpg-agent"],
    ["redis-server", "redis-server *:6379"],
  ];
  for (const [comm, words] of others) {
    assertEquals(sharedDaemon({ comm: comm!, argv: words!.split(" ") }), null, words);
  }
});

Deno.test("a shell without anything to run belongs to a person", () => {
  for (const words of ["-bash", "bash", "/bin/zsh -l", "fish -i"]) {
    assertEquals(isInteractiveShell({ argv: words.split(" ") }), true, words);
  }
  for (const words of ["sh -c x", "bash run.sh", "python", "bash -ic x"]) {
    assertEquals(isInteractiveShell({ argv: words.split(" ") }), false, words);
  }
  assertEquals(isInteractiveShell({ argv: null }), false);
});

/** A program of no Python, unless it is said to be something else. */
function details(row: Row): DetailedProcess {
  return detailsOf({ argv: ["sleep", "600"], mapped: ["/usr/bin/sleep"], ...row });
}

const OF_RUN: Recorded = { runId: "r-1", test: "a.py::t", since: 100, mark: "run" };
const OF_TEST: Recorded = {
  runId: null,
  test: "a.py::t",
  since: null,
  mark: "test",
  id: "a.py::t",
  isFileHere: false,
};

/** The verdict on a process of that origin, and its first piece of evidence, among others. */
function judge(
  subject: Partial<DetailedProcess>,
  origin: Recorded,
  { others = [], marked = {}, runners = [], isHook = false, live = {} }: {
    readonly others?: readonly DetailedProcess[];
    readonly marked?: Readonly<Record<number, Recorded>>;
    readonly runners?: readonly number[];
    readonly isHook?: boolean;
    readonly live?: Readonly<Record<number, Recorded | null>>;
  } = {},
): [string, string] {
  const all = [details({ pid: 100, ...subject }), INIT, ...others];
  const ledger = new Map([
    [100, origin],
    ...Object.entries(marked).map(([pid, one]) => [Number(pid), one] as const),
  ]);
  const { verdict, evidence } = judgeFirst(all, {
    ledger,
    runners: new Map(runners.map((pid) => [pid, null])),
    live: new Map(Object.entries(live).map(([pid, one]) => [Number(pid), one])),
  }, { isHook });
  return [verdict, evidence.join("; ")];
}

Deno.test("fault 65: what a test of a finished run started is leaked, wherever it works", () => {
  const [verdict, evidence] = judge({}, OF_RUN);
  assertEquals(verdict, "leaked");
  assertIncludes(evidence, "started by test a.py::t of run r-1 (from its environment)");
  for (const place of ["elsewhere", "other-project", "pytest-temporary", "gone"] as const) {
    assertEquals(judge({ place, cwd: "/x" }, OF_RUN)[0], "leaked", place);
  }
  assertEquals(judge({ sameNamespaces: false }, OF_RUN)[0], "foreign");
  assertEquals(judge({ uid: 1001 }, OF_RUN)[0], "foreign");
  assertEquals(judge({ startTicks: null }, OF_RUN)[0], "unknown");
});

Deno.test("fault 65: a living parent keeps what a test started, unless it is leaked itself", () => {
  const script = details({ pid: 90, argv: ["sh", "-c", "sleep 600; :"] });
  assertEquals(
    judge({ ppid: 90 }, OF_RUN, { others: [script], marked: { 90: OF_RUN } })[0],
    "leaked",
    "below a leaked script",
  );
  assertEquals(
    judge({ ppid: 90 }, OF_RUN, { others: [script] })[0],
    "in-use",
    "below a script that no test started",
  );
  const shell = details({ pid: 90, argv: ["-bash"] });
  assertEquals(
    judge({ ppid: 90 }, OF_RUN, { others: [shell], marked: { 90: OF_RUN } })[0],
    "in-use",
    "somebody's shell inherited it too",
  );
  const application = details({ pid: 90, argv: ["node", "app.js"], startTicks: 5000 });
  assertEquals(
    judge({ ppid: 90 }, { ...OF_RUN, since: 4000 }, { others: [application] })[0],
    "unknown",
  );
  const server = details({ pid: 90, argv: ["java", "Server"], startTicks: 50 });
  assertEquals(
    judge({ ppid: 90 }, OF_RUN, { others: [server] })[0],
    "unknown",
    "servers may hand on the environment of who asks",
  );
  const multiplexer = details({
    pid: 90,
    argv: ["tmux", "new"],
    comm: "tmux: server",
    startTicks: 5000,
  });
  assertEquals(
    judge({ ppid: 90 }, { ...OF_RUN, since: 4000 }, {
      others: [multiplexer],
      marked: { 90: OF_RUN },
    })[0],
    "unknown",
  );
});

Deno.test("fault 65: a shared daemon that a test only woke is kept, and so is a shell", () => {
  const [verdict, evidence] = judge({ argv: ["gpg-agent", "--daemon"] }, OF_RUN);
  assertEquals(verdict, "unknown");
  assertIncludes(
    evidence,
    "is a key agent, which a test only woke: keeps keys for the whole session",
  );
  assertEquals(judge({ argv: ["bash", "-i"] }, OF_RUN)[0], "unknown");
});

Deno.test("fault 65: workers of an application as pid 1 are kept despite a test's marks", () => {
  const application = details({ pid: 1, ppid: 0, argv: ["python", "app.py"], startTicks: 5 });
  assertEquals(judge({}, OF_TEST, { others: [application], marked: { 1: OF_TEST } })[0], "in-use");
  assertEquals(judge({}, OF_TEST, { others: [application] })[0], "in-use");
});

Deno.test("what a plain test started is ours by directory, venv or the test's file", () => {
  assertEquals(judge({}, OF_TEST)[0], "leaked");
  assertEquals(judge({ cwd: "/x", place: "elsewhere" }, OF_TEST)[0], "foreign");
  assertEquals(
    judge({ cwd: "/x", place: "elsewhere" }, { ...OF_TEST, isFileHere: true })[0],
    "leaked",
  );
  assertEquals(
    judge({ cwd: "/x", place: "other-project" }, { ...OF_TEST, isFileHere: true })[0],
    "foreign",
  );
  const theirs = {
    cwd: "/",
    place: "elsewhere",
    mapped: ["/other/.venv/lib/python3.13/site-packages/a.so"],
  } as const;
  assertEquals(judge(theirs, { ...OF_TEST, isFileHere: true })[0], "foreign");
  const removed = { cwd: "/other/repo (deleted)", place: "gone" } as const;
  assertEquals(judge(removed, { ...OF_TEST, isFileHere: true })[0], "unknown");
  assertEquals(
    judge({ cwd: "/x", place: "elsewhere", argv: ["/repo/py313/bin/python", "x.py"] }, OF_TEST)[0],
    "leaked",
  );
});

Deno.test("a live pytest that is not younger may have started what names no run", () => {
  const pytest = details({ pid: 60, ppid: 0, argv: ["python", "-m", "pytest"], startTicks: 50 });
  const [verdict, evidence] = judge({}, OF_TEST, { others: [pytest], runners: [60] });
  assertEquals(verdict, "unknown");
  assertIncludes(evidence, "pid 60 runs tests, and may have started it");
  const fork = { ...pytest, ppid: 1, isForkedCopy: true };
  assertIncludes(
    judge({}, OF_TEST, { others: [fork], runners: [60] })[1],
    "pid 60, a fork with pytest's command line, may run tests and have started it",
  );
  assertEquals(
    judge({}, OF_TEST, { others: [{ ...pytest, startTicks: 9000 }], runners: [60] })[0],
    "leaked",
    "younger",
  );
  assertEquals(
    judge({}, OF_TEST, {
      others: [{ ...pytest, cwd: "/x", place: "other-project" }],
      runners: [60],
    })[0],
    "unknown",
    "another project's may have started what works here",
  );
  assertEquals(
    judge({}, OF_RUN, { others: [pytest], runners: [60] })[0],
    "leaked",
    "a run that is over is known to be",
  );
  assertEquals(
    judge({}, OF_TEST, { runners: [61] })[0],
    "unknown",
    "one that can't be inspected",
  );
});

Deno.test("a pytest that a test started runs tests of its own, unless it is leaked", () => {
  const pytest = details({ pid: 60, argv: ["python", "-m", "pytest"], startTicks: 50 });
  const below = {
    others: [{ ...pytest, cwd: "/x", place: "other-project" as const }],
    runners: [60],
    marked: { 60: OF_TEST },
  };
  assertEquals(judge({}, OF_TEST, below)[0], "unknown", "in another project it may be anybody's");
  assertEquals(
    judge({}, OF_TEST, { others: [pytest], runners: [60], marked: { 60: OF_TEST } })[0],
    "leaked",
  );
});

Deno.test("a pytest above a process proves that its run is unfinished", () => {
  const pytest = details({ pid: 60, ppid: 1, argv: ["python", "-m", "pytest"], startTicks: 50 });
  assertEquals(judge({ ppid: 60 }, OF_RUN, { others: [pytest], live: { 100: null } })[0], "in-use");
  assertEquals(judge({}, OF_RUN, { others: [pytest], live: { 100: null } })[0], "unknown");
});

Deno.test("a hook takes by its origin alone only what belongs to the checkout", () => {
  const elsewhere = { cwd: "/x", place: "elsewhere" } as const;
  assertEquals(judge(elsewhere, OF_RUN, { isHook: true })[0], "unknown");
  assertEquals(judge({}, OF_RUN, { isHook: true })[0], "leaked");
  assertEquals(
    judge({ ...elsewhere, argv: ["/repo/py313/bin/python", "x"] }, OF_RUN, { isHook: true })[0],
    "leaked",
  );
  assertEquals(
    judge({ ...elsewhere, argv: ["python3", "/repo/server.py"] }, OF_RUN, { isHook: true })[0],
    "leaked",
  );
  assertEquals(
    judge({ ...elsewhere, argv: ["/repo/bin/server"] }, OF_RUN, { isHook: true })[0],
    "leaked",
  );
});

Deno.test("two processes that may each run the test of the other are left alone", () => {
  const argv = ["python", "-"];
  const other = details({ pid: 60, argv, startTicks: 1000 });
  const [verdict] = judge({ argv, startTicks: 1000 }, OF_TEST, {
    others: [other],
    runners: [60, 100],
    marked: { 60: OF_TEST },
  });
  assertEquals(verdict, "unknown");
});

Deno.test("a worker of pytest-xdist keeps what tests started only while its pytest lives", () => {
  const worker = details({ pid: 60, ppid: 59, argv: ["[pytest-xdist running] a.py::t"] });
  const pytest = details({ pid: 59, argv: ["python", "-m", "pytest", "-n2"] });
  const runners = [60];
  assertEquals(judge({}, OF_TEST, { others: [worker, pytest], runners })[0], "unknown");
  const orphan = { ...worker, ppid: 1 };
  assertEquals(judge({}, OF_TEST, { others: [orphan], runners })[0], "leaked");
  assertEquals(
    judge({}, OF_TEST, { others: [{ ...orphan, argv: ["myapp"], args: "myapp" }], runners })[0],
    "unknown",
    "any other title may be a pytest's",
  );
});
