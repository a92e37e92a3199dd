/** Runs public suites with bare pytest and with tractest, and prints one table. See `suites`. */

import { parseArgs } from "@std/cli";
import { prepare } from "./public_suites/prepare.ts";
import { type ModeName, MODES, type Sitting } from "./public_suites/results.ts";
import { pageOf, recipeOf } from "./public_suites/show.ts";
import { sit } from "./public_suites/sit.ts";
import { SUITES } from "./public_suites/table.ts";

const TRACTEST = new URL("../dist/tractest", import.meta.url).pathname;

function usage(problem: string): never {
  console.error(`error: ${problem}`);
  console.error(`suites: ${SUITES.map(({ name }) => name).join(" ")}; modes: ${MODES.join(",")}`);
  Deno.exit(64);
}

const line = parseArgs(Deno.args, {
  string: ["dir", "modes", "rounds", "output", "limit", "logs"],
  boolean: ["prepare", "list"],
  unknown: (word) => word.startsWith("-") ? usage(`there is no option ${word}`) : true,
});
const names = line._.map(String);
const unknown = names.find((name) => SUITES.every((suite) => suite.name !== name));
if (unknown !== undefined) usage(`there is no suite "${unknown}"`);
const chosen = SUITES.filter(({ name }) => names.length === 0 || names.includes(name));
const modes = String(line.modes ?? MODES.join(",")).split(",").map((word) =>
  MODES.find((mode) => mode === word) ?? usage(`there is no mode "${word}"`)
);
const [rounds, limit] = [Number(line.rounds ?? 1), Number(line.limit ?? 600)];
if (!(Number.isInteger(rounds) && rounds > 0)) usage("--rounds wants a number from 1");
if (!(limit > 0)) usage("--limit wants seconds");

if (line.list) {
  console.log(chosen.map(recipeOf).join("\n\n"));
  Deno.exit(0);
}
const place = String(line.dir ?? "/tmp/tractest-suites");
const output = line.output === undefined ? null : String(line.output);
await Deno.mkdir(place, { recursive: true });
const directory = await Deno.realPath(place);
const mirror = Deno.env.get("SUITES_MIRROR") ?? null;
Deno.exit(line.prepare ? await prepareAll() : await runAll(modes));

async function prepareAll(): Promise<number> {
  let code = 0;
  for (const suite of chosen) {
    try {
      await prepare(suite, `${directory}/${suite.name}`, mirror);
      console.error(`${suite.name}: ready`);
    } catch (error) {
      code = 1;
      console.error(`${suite.name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return code;
}

async function runAll(modes: readonly ModeName[]): Promise<number> {
  const scratch = await Deno.makeTempDir({ prefix: "tractest-sitting-" });
  const sittings: Sitting[] = [];
  let code = 0;
  try {
    for (const suite of chosen) {
      const checkout = `${directory}/${suite.name}`;
      if (!await isThere(`${checkout}/.venv/bin/python`)) {
        console.error(`${suite.name}: not prepared: scripts/suites --prepare ${suite.name}`);
        code = 1;
        continue;
      }
      const suitePlace = { suite, checkout, scratch, tractest: TRACTEST, limit };
      sittings.push(await sit(suitePlace, modes, rounds, (text) => console.error(text)));
      if (output !== null) await Deno.writeTextFile(output, documentOf(sittings));
    }
  } finally {
    await keepLogs(scratch);
    await Deno.remove(scratch, { recursive: true });
  }
  if (output === null) console.log(documentOf(sittings));
  return code;
}

/** Keeps what the runs wrote, where that is wanted. */
async function keepLogs(scratch: string): Promise<void> {
  if (line.logs === undefined) return;
  await Deno.mkdir(String(line.logs), { recursive: true });
  for await (const { name } of Deno.readDir(scratch)) {
    if (!/\.(?:out|err)$/.test(name)) continue;
    await Deno.copyFile(`${scratch}/${name}`, `${line.logs}/${name}`);
  }
}

function documentOf(sittings: readonly Sitting[]): string {
  const memory = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  return pageOf(sittings, {
    date: new Date().toISOString().slice(0, 10),
    machine: `${navigator.hardwareConcurrency} processors, ${memory} GB, ${Deno.build.os}`,
    rounds,
  });
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
