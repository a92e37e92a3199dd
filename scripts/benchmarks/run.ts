import {
  type Comparison,
  QUICK_ROUNDS,
  ROOT,
  type Scene,
  SLOW_ROUNDS,
  TRACTEST,
} from "./harness.ts";
import { NETWORK_SETTINGS } from "../../lib/isolation/network_settings.ts";
import {
  NETWORK_FILES,
  networkInside,
  networkScript,
  type OutsideNetwork,
  settingFile,
} from "../../lib/isolation/rules_network.ts";
import { TRIVIAL } from "./projects.ts";

const SHARDED_ROUNDS = 5;

/**
 * The command around each session of an isolated run, see `isolatedCommand` in
 * lib/isolation/rules.ts.
 */
function isolated(argv: readonly string[], network: string): string[] {
  const isRoot = Deno.uid() === 0;
  const plan = networkInside(outside(), isRoot ? "root" : "user", "interface");
  Deno.mkdirSync(`${network}/etc`, { recursive: true });
  for (const [name, text] of Object.entries(networkScript(plan, network))) {
    Deno.writeTextFileSync(`${network}/${name}`, text);
  }
  for (const [name, text] of plan.etc) Deno.writeTextFileSync(`${network}/etc/${name}`, text);
  const [own, drop] = isRoot
    ? ["", ""]
    : ["--user --map-current-user --keep-caps", "/usr/bin/setpriv"];
  const script = [
    "/bin/sh",
    `${ROOT}/lib/isolation/isolate.sh`,
    "enter",
    String(Deno.pid),
    own,
    "/usr/bin:/bin:/usr/sbin:/sbin",
    drop,
    `${network}/outlived`,
    network,
    "--",
  ];
  return ["/usr/bin/setpriv", "--pdeathsig", "KILL", ...script, ...argv];
}

/** The network of this machine, with all files below `/etc` that an isolation replaces. */
function outside(): OutsideNetwork {
  const files = [
    ...Object.values(NETWORK_FILES),
    ...NETWORK_SETTINGS.map(({ path }) => settingFile(path)),
  ];
  const lines = files.flatMap((file) => {
    try {
      return [[file, Deno.readTextFileSync(file).trimEnd().split("\n")] as const];
    } catch {
      // This kernel lacks it.
      return [];
    }
  });
  const etc = { hosts: "", "nsswitch.conf": "hosts: dns\n", "resolv.conf": "" };
  return { lines: new Map(lines), etc };
}

/** How evenly the tests of the latest run were spread over its shards. */
async function showBalance(events: string): Promise<void> {
  const seconds = new Map<string, number>();
  for (const line of (await Deno.readTextFile(events)).trim().split("\n")) {
    const event = JSON.parse(line);
    if (event.event === "report") {
      seconds.set(event.session, (seconds.get(event.session) ?? 0) + event.seconds);
    }
  }
  const busy = [...seconds.values()];
  const longest = Math.max(...busy) / (busy.reduce((sum, one) => sum + one, 0) / busy.length);
  console.log(
    `  longest of ${busy.length} shards: ${longest.toFixed(3)}x of the mean   goal: at most 1.15`,
  );
}

/** What a run costs compared with bare pytest. */
export function run(scene: Scene): Comparison[] {
  const { root, python } = scene;
  const target = ["tests/test_rpc.py"];
  const bare = [python, "-m", "pytest", ...target, "-x", "--tb=short", "--no-header"];
  return [
    {
      name: "run",
      rounds: SLOW_ROUNDS,
      ours: { name: "tractest run", argv: [TRACTEST, "run", ...target] },
      theirs: { name: "bare pytest", argv: bare },
      goal: { seconds: 0.3 },
    },
    ...isolation(target, `${root}/../network`),
    jobs(root, python),
    ...[[], ["--ui", "bar"]].map((ui) => trivialTests(scene, ui)),
  ];
}

function isolation(target: readonly string[], network: string): Comparison[] {
  return [
    {
      name: "isolation, a shard",
      rounds: QUICK_ROUNDS,
      ours: { name: "true in an isolation", argv: isolated(["true"], network) },
      theirs: { name: "true", argv: ["true"] },
      goal: { seconds: 0.03 },
    },
    {
      name: "isolation, a run",
      rounds: SLOW_ROUNDS,
      ours: {
        name: "tractest run --isolate, tried first",
        argv: [TRACTEST, "run", "--no-preflight", "--isolate", ...target],
      },
      theirs: { name: "tractest run", argv: [TRACTEST, "run", "--no-preflight", ...target] },
      goal: { seconds: 0.1 },
    },
  ];
}

function jobs(root: string, python: string): Comparison {
  const [cwd, events] = [`${root}/../sleepers`, `${root}/../jobs.jsonl`];
  return {
    name: "jobs",
    rounds: SHARDED_ROUNDS,
    ours: {
      name: "tractest run --jobs 2",
      argv: [TRACTEST, "run", "--no-preflight", "--jobs", "2", "--events", events],
      cwd,
    },
    theirs: { name: "serial pytest", argv: [python, "-m", "pytest", "-q"], cwd },
    goal: { ratio: 0.556 },
    after: () => showBalance(events),
  };
}

function trivialTests({ python, trivial }: Scene, ui: readonly string[]): Comparison {
  return {
    name: `run${ui.length > 0 ? ", bar" : ""}, ${TRIVIAL} tests`,
    rounds: SLOW_ROUNDS,
    ours: {
      name: ["tractest run", ...ui].join(" "),
      argv: [TRACTEST, "run", "--no-preflight", ...ui],
      cwd: trivial,
    },
    theirs: {
      name: "bare pytest",
      argv: [python, "-m", "pytest", "tests", "-x", "--tb=short", "--no-header"],
      cwd: trivial,
    },
    goal: { ratio: 1.05 },
  };
}
