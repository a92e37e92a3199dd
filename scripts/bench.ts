/**
 * Compares the time of tractest with that of what it replaces: whole processes, both sides in turn,
 * medians and the median of the pairwise ratios. Needs `dist/tractest` and uv; makes a copy of the
 * sample with its venv in a temporary directory, and removes it. If possible it measures in a
 * network of its own, so that no other process holds the registry. Its parts are in benchmarks/ and
 * import nothing else, so that it can start itself again in there without a configuration.
 */
import { affected } from "./benchmarks/affected.ts";
import { firstUse } from "./benchmarks/first_use.ts";
import { complete } from "./benchmarks/complete.ts";
import { failed } from "./benchmarks/failed.ts";
import { floor } from "./benchmarks/floor.ts";
import { hang } from "./benchmarks/hang.ts";
import { history } from "./benchmarks/history.ts";
import { preflight } from "./benchmarks/preflight.ts";
import { zombies } from "./benchmarks/zombies.ts";
import { run as runTests } from "./benchmarks/run.ts";
import { DENO, measure, report, ROOT, run, type Scene } from "./benchmarks/harness.ts";
import { memory } from "./benchmarks/memory.ts";
import { prepareSample, prepareSleepers, prepareTrivial } from "./benchmarks/projects.ts";

/** The first argument of the measuring process; the scratch directory is the second. */
const MEASURE = "--measure";
/** In the order in which they are measured. */
const GROUPS = [
  failed,
  complete,
  zombies,
  preflight,
  runTests,
  history,
  hang,
  affected,
  firstUse,
  floor,
];

async function main(words: readonly string[]): Promise<void> {
  const scratch = await Deno.realPath(await Deno.makeTempDir({ prefix: "tractest-bench-" }));
  try {
    await prepareSample(`${scratch}/sample`);
    await prepareSleepers(scratch);
    await Deno.writeTextFile(`${scratch}/bare.js`, "console.log(1)\n");
    const inOwnNetwork = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
    const canHave = await run([...inOwnNetwork, "true"], scratch).then(() => true, () => false);
    if (!canHave) {
      console.error(
        "measuring in the machine's own network: a process that holds the registry would interfere",
      );
    }
    const itself = [
      DENO,
      "run",
      "--allow-all",
      "--quiet",
      "--no-config",
      "--no-lock",
      import.meta.filename!,
      MEASURE,
      scratch,
      ...words,
    ];
    const [program, ...args] = canHave ? [...inOwnNetwork, ...itself] : itself;
    const { code } = await new Deno.Command(program!, {
      args,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    Deno.exitCode = code;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function measureAll(scratch: string, words: readonly string[]): Promise<void> {
  const wanted = (name: string) => words.length === 0 || words.some((word) => name.includes(word));
  if (wanted("schedule")) await (await import("./benchmarks/schedule.ts")).simulate(ROOT);
  const root = `${scratch}/sample`;
  const venv = [...Deno.readDirSync(root)].find(({ name }) => /^py3\d+$/.test(name))!.name;
  const trivial = `${scratch}/trivial`;
  await prepareTrivial(trivial, `${root}/${venv}`);
  const bareDeno = {
    name: "bare Deno start",
    argv: [DENO, "run", "--no-config", "--no-lock", `${scratch}/bare.js`],
  };
  const scene: Scene = { root, python: `${root}/${venv}/bin/python`, bareDeno, trivial };
  for (
    const comparison of GROUPS.flatMap((group) => group(scene)).filter(({ name }) => wanted(name))
  ) {
    try {
      await using _ = await comparison.company?.();
      report(comparison, await measure(comparison, root));
      await comparison.after?.();
    } catch (error) {
      console.log(
        `${comparison.name}: can't be measured: ${error instanceof Error ? error.message : error}`,
      );
      Deno.exitCode = 1;
    }
  }
  await memory(scene, wanted);
}

const [first, scratch, ...rest] = Deno.args;
if (first === MEASURE) await measureAll(scratch!, rest);
else await main(Deno.args);
