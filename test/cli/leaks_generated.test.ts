import { join } from "@std/path";
import fc from "fast-check";
import { assertEquals } from "../assert.ts";
import { ALONE, script } from "./alone.ts";
import { pytestSuite } from "./suites.ts";

/** Tests of a suite; different ones each time, unless TRACTEST_SEED selects them. */
const TESTS = 14;

/** A process that a test starts, and leaves. */
interface Leaving {
  /**
   * `child`: by exec; `fork`: of pytest, without; `spawn`: multiprocessing's; `orphan`: its parent
   * ends at once; `shell`: in the background of a shell that ends.
   */
  readonly start: "child" | "fork" | "spawn" | "orphan" | "shell";
  /** Whether it is in a session of its own. */
  readonly session: boolean;
  /** Whether it has the environment of its test. */
  readonly environment: boolean;
  /** Whether it ends before pytest does. */
  readonly short: boolean;
  readonly socket: "tcp" | "udp" | "unix" | null;
}

/** Only an exec gives a process another environment, and multiprocessing knows no sessions. */
const LEAVING = fc.record({
  start: fc.constantFrom("child", "fork", "spawn", "orphan", "shell"),
  session: fc.boolean(),
  environment: fc.boolean(),
  short: fc.nat(3).map((one) => one === 0),
  socket: fc.constantFrom("tcp", "udp", "unix", null),
}).map((one): Leaving => ({
  ...one,
  session: one.session && one.start !== "spawn",
  environment: one.environment || one.start === "fork" || one.start === "spawn",
}));

/** How a suite is run. `killed`: its last test kills pytest, which no tractest started. */
type Mode = "run" | "isolated" | "killed";

/**
 * Whether a process is found when pytest has ended: by its environment, or because it was below
 * pytest, or in its session, while tractest saw it. In an isolation nothing hides.
 */
function isFound({ start, session, environment, short }: Leaving, mode: Mode): boolean {
  if (short) return false;
  if (mode === "isolated" || environment) return true;
  return mode === "run" && (start === "child" || !session);
}

/** Whether it is known to have outlived its test: below pytest, or below what adopts inside. */
function isOutlived({ start, short }: Leaving, mode: Mode): boolean {
  return short && (mode === "isolated" || ["child", "fork", "spawn"].includes(start));
}

function listensOf({ socket }: Leaving, index: number, root: string): readonly string[] {
  if (socket === null) return [];
  return [
    socket === "unix" ? `unix ${root}/${index}.sock` : `${socket} 127.0.0.1:${21_000 + index}`,
  ];
}

const LEAVE = `
import json, os, socket, sys, time
def leave(root, number):
    plan = json.load(open(f"{root}/plan.json"))[number]
    where = f"{root}/{number}.sock"
    if plan["socket"] == "unix":
        server = socket.socket(socket.AF_UNIX); server.bind(where); server.listen()
    elif plan["socket"] is not None:
        kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[plan["socket"]]
        server = socket.socket(socket.AF_INET, kind); server.bind(("127.0.0.1", 21000 + number))
        if plan["socket"] == "tcp": server.listen()
    with open(f"{root}/pid-{number}.new", "w") as file: file.write(str(os.getpid()))
    os.rename(f"{root}/pid-{number}.new", f"{root}/pid-{number}")
    time.sleep(4 if plan["short"] else 600)
    os._exit(0)
if __name__ == "__main__": leave(sys.argv[1], int(sys.argv[2]))
`;

const SUITE = `
import json, multiprocessing, os, signal, subprocess, sys, time
import pytest
sys.path.insert(0, os.getcwd())
from leave import leave
ROOT = os.getcwd()
PLAN = json.load(open("plan.json"))
NOTHING = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
def pid_of(number):
    while not os.path.exists(f"pid-{number}"): time.sleep(0.01)
    return int(open(f"pid-{number}").read())
@pytest.mark.parametrize("number", range(len(PLAN)))
def test_leaves(number):
    plan = PLAN[number]
    command = [sys.executable, f"{ROOT}/leave.py", ROOT, str(number)]
    options = {"env": None if plan["environment"] else {}, **NOTHING}
    if plan["start"] == "child":
        subprocess.Popen(command, start_new_session=plan["session"], **options)
    elif plan["start"] == "fork":
        if os.fork() == 0:
            if plan["session"]: os.setsid()
            leave(ROOT, number)
    elif plan["start"] == "spawn":
        process = multiprocessing.get_context("spawn").Process(target=leave, args=(ROOT, number))
        process.start()
        multiprocessing.process._children.discard(process)  # it is not joined at the exit
    elif plan["start"] == "orphan":
        child = os.fork()
        if child == 0:
            if plan["session"]: os.setsid()
            subprocess.Popen(command, **options)
            os._exit(0)
        os.waitpid(child, 0)
    else:
        start = "setsid " if plan["session"] else ""
        shell = ["/usr/bin/nohup", "/bin/sh", "-c", start + '"$@" &', "sh"]
        subprocess.run([*shell, *command], **options)
    pid_of(number)
    time.sleep(0.05)
def test_last():
    for number, plan in enumerate(PLAN):
        while plan["short"] and not is_gone(pid_of(number)): time.sleep(0.05)
    if os.environ.get("KILLED"): os.kill(os.getpid(), signal.SIGKILL)
def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as file: state = file.read().rpartition(")")[2].split()[0]
        return state == "Z"
    except FileNotFoundError:
        return True
`;

/** A process of the plan, as tractest named it. */
type Named = readonly [test: string | null, listens: readonly string[]];

interface Document {
  readonly leftBehind: readonly {
    readonly id: string | null;
    readonly processes: readonly { readonly pid: number; readonly listens?: readonly string[] }[];
  }[];
  readonly left: readonly { readonly id: string; readonly processes: readonly unknown[] }[];
  readonly actors: readonly {
    readonly pid: number;
    readonly verdict: string;
    readonly test: string | null;
    readonly listens: readonly string[];
  }[];
}

const COMMANDS: Readonly<Record<Mode, string>> = {
  run: '"$0" run --no-preflight --no-defaults --json',
  isolated: '"$0" run --no-preflight --no-defaults --json --isolate',
  killed: 'KILLED=1 py310/bin/python -m pytest -q > /dev/null; "$0" zombies --json',
};

/** The plan is run; what was named, by the process's number, and what lives after a clean-up. */
async function seen(plan: readonly Leaving[], mode: Mode) {
  await using suite = await pytestSuite({ "test_a.py": SUITE });
  await suite.write({ "leave.py": LEAVE, "plan.json": JSON.stringify(plan) });
  const said = await script(
    suite,
    `{ ${COMMANDS[mode]}; } > found.json 2> notes.txt
    "$0" zombies --kill --grace 0.5 > kill.txt 2>&1
    for number in $(seq 0 ${plan.length - 1}); do
      kill -0 $(cat pid-$number) 2> /dev/null && grep -qv ' Z ' /proc/$(cat pid-$number)/stat &&
        echo $number
    done`,
  );
  const read = (name: string) => Deno.readTextFile(join(suite.root, name));
  const text = await read("found.json");
  if (!text.startsWith("{")) throw new Error(`${said}${text}${await read("notes.txt")}`);
  const { leftBehind, left, actors } = JSON.parse(text) as Document;
  const pids = await Promise.all(plan.map(async (_, index) => Number(await read(`pid-${index}`))));
  const all: readonly (readonly [number, Named])[] = mode === "killed"
    ? actors.filter(({ verdict }) => verdict === "leaked")
      .map(({ pid, test, listens }) => [pid, [test, listens]])
    : leftBehind.flatMap(({ id, processes }) =>
      processes.map(({ pid, listens = [] }) => [pid, [id, listens]] as const)
    );
  const byPid = new Map(all);
  return {
    root: suite.root,
    found: pids.map((pid) => byPid.get(pid) ?? null),
    left: (left ?? []).map(({ id }) => id).sort(),
    alive: said.split("\n").filter((line) => line !== "").map(Number),
  };
}

const SEED = Number(Deno.env.get("TRACTEST_SEED") ?? Date.now() % 2 ** 31);

for (const mode of ["run", "isolated", "killed"] as const) {
  Deno.test({
    name: `generated leaks are named with test and sockets, and ended: ${mode}`,
    ignore: ALONE === null,
    fn: async () => {
      const plans = fc.sample(fc.array(LEAVING, { minLength: TESTS, maxLength: TESTS }), {
        seed: SEED,
        numRuns: 1,
      })[0]!;
      // What a plain pytest has forked looks like it, and nothing says what that does.
      const plan = mode === "killed"
        ? plans.map((one) => one.start === "fork" ? { ...one, start: "child" as const } : one)
        : plans;
      const { root, found, left, alive } = await seen(plan, mode);
      const idOf = (index: number) => `tests/test_a.py::test_leaves[${index}]`;
      const message = `TRACTEST_SEED=${SEED} ${JSON.stringify(plan)}`;
      const expected = plan.map((one, index) =>
        isFound(one, mode) ? [idOf(index), listensOf(one, index, root)] : null
      );
      assertEquals(found, expected, message);
      const outlived = plan.flatMap((one, index) => isOutlived(one, mode) ? [idOf(index)] : []);
      if (mode !== "killed") assertEquals(left, outlived.sort(), message);
      const hidden = plan.flatMap((one, index) =>
        one.short || mode === "isolated" || isFound(one, mode) ? [] : [index]
      );
      assertEquals(alive, hidden, message);
    },
  });
}
