import {
  type Comparison,
  isThere,
  QUICK_ROUNDS,
  removeIfThere,
  ROOT,
  run,
  type Scene,
  type Side,
  SLOW_ROUNDS,
  TRACTEST,
  until,
} from "./harness.ts";
import { probes } from "./probes.ts";
import { UNRELATED, unrelated } from "./unrelated.ts";

const LEAKED = 3;

/** Leaked actors of the sample: orphans with the titles and files of current ones. */
class Leaks {
  #pids: number[] = [];

  constructor(readonly root: string, readonly python: string) {}

  async start(): Promise<void> {
    if (this.#pids.length > 0) return;
    for (let index = 0; index < LEAKED; index++) {
      const ready = `${this.root}/ready-${index}`;
      removeIfThere(ready);
      await run([
        "sh",
        "-c",
        '"$@" > /dev/null 2>&1 &',
        "sh",
        this.python,
        `${this.root}/support/stand_in.py`,
        "--ready",
        ready,
      ], this.root);
      await until(() => isThere(ready), "an actor to be there");
      this.#pids.push(JSON.parse(await Deno.readTextFile(ready)).pid);
    }
  }

  async end(): Promise<void> {
    for (const pid of this.#pids.splice(0)) {
      Deno.kill(pid, "SIGKILL");
      await until(() => !isThere(`/proc/${pid}/cwd/.`), "an actor to end");
    }
  }
}

/** tractor's own reaper against ours, when a checkout is given. */
function upstreamReaper(zombies: Side): Comparison[] {
  const checkout = Deno.env.get("TRACTOR_CHECKOUT");
  if (!checkout) return [];
  const venvs = [...Deno.readDirSync(checkout)].map(({ name }) => name).filter((name) =>
    /^(py\d+|\.venv)$/.test(name)
  ).toSorted();
  if (venvs.length === 0) throw new Error(`${checkout} has no venv (py313, say)`);
  const argv = [`${checkout}/${venvs.at(-1)}/bin/python`, `${checkout}/scripts/tractor-reap`, "-n"];
  return [{
    name: "zombies, upstream",
    rounds: SLOW_ROUNDS,
    ours: { ...zombies, cwd: checkout },
    theirs: { name: "tractor-reap -n", argv, cwd: checkout },
    goal: { ratio: 1 / 20 },
  }];
}

/** Leaked actors, among few and many processes. */
export function zombies({ root, python }: Scene): Comparison[] {
  const zombies: Side = { name: "tractest zombies", argv: [TRACTEST, "zombies"] };
  const recipe: Side = { name: "the recipe's three probes", argv: ["sh", "-c", probes(root)] };
  const leaks = new Leaks(root, python);
  return [
    {
      name: "zombies, clean",
      rounds: QUICK_ROUNDS,
      ours: zombies,
      theirs: recipe,
      goal: { ratio: 2.5 },
    },
    {
      name: `zombies, ${LEAKED} leaked`,
      rounds: QUICK_ROUNDS,
      ours: {
        ...zombies,
        name: `tractest zombies, ${LEAKED} actors leaked`,
        before: () => leaks.start(),
        code: 81,
      },
      theirs: { ...zombies, name: "the same, clean", before: () => leaks.end() },
      goal: { ratio: 1.5 },
    },
    {
      name: `zombies, ${UNRELATED} others`,
      rounds: QUICK_ROUNDS,
      ours: zombies,
      theirs: recipe,
      company: unrelated,
      goal: { ratio: 1 },
    },
    {
      name: "zombies, reaper",
      rounds: QUICK_ROUNDS,
      ours: zombies,
      theirs: {
        name: "a plain Python reaper",
        argv: [Deno.realPathSync(python), "-I", `${ROOT}/scripts/reaper_yardstick.py`, root],
      },
      goal: { ratio: Infinity },
    },
    ...upstreamReaper(zombies),
  ];
}
