/**
 * Runs random suites with bare pytest and with tractest, and prints their differences. See
 * CONTRIBUTING.md.
 */
import { parseArgs } from "@std/cli";
import {
  bareOf,
  described,
  differTwice,
  modesOf,
  shrink,
} from "../test/differential/differential.ts";
import { type Mode, MODES } from "../test/differential/modes.ts";
import { ALONE, python } from "../test/differential/place.ts";
import { filesOf, randomSuite } from "../test/differential/suite.ts";

const line = parseArgs(Deno.args, {
  string: ["seed", "mode", "modes", "keep", "lanes"],
  boolean: ["no-shrink"],
});
const count = Number(line._[0] ?? 300);
const start = Number(line.seed ?? Math.floor(Math.random() * 2 ** 31));
const perSuite = Number(line.modes ?? 4);
const named = line.mode === undefined ? null : MODES.filter(({ name }) => name === line.mode);
if (![count, start, perSuite].every(Number.isInteger) || named?.length === 0) {
  const modes = MODES.map(({ name }) => name).join("|");
  console.error(
    `usage: scripts/differential [COUNT] [--seed N] [--mode ${modes}]
                            [--modes PER_SUITE] [--lanes N] [--no-shrink] [--keep DIR]`,
  );
  Deno.exit(64);
}
if (ALONE === null) {
  console.error("error: this needs namespaces (`unshare`) to keep runs apart");
  Deno.exit(83);
}
if (line.keep !== undefined) {
  for (const [name, text] of Object.entries(filesOf(randomSuite(start)))) {
    const path = `${line.keep}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
  Deno.exit(0);
}

interface Figures {
  runs: number;
  deviating: number;
}
const figures = new Map<string, Figures>(
  MODES.map(({ name }) => [name, { runs: 0, deviating: 0 }]),
);
const verdicts = { green: 0, red: 0, either: 0 };
let suites = 0;
let next = 0;

async function tryOne(index: number): Promise<void> {
  const suite = randomSuite(start + index);
  const bare = await bareOf(suite);
  suites++;
  verdicts[bare.verdict]++;
  for (const mode of named ?? modesOf(index, Math.min(perSuite, MODES.length))) {
    const of = figures.get(mode.name)!;
    of.runs++;
    const found = await differTwice(suite, bare, mode);
    if (found.length === 0) continue;
    of.deviating++;
    await show(suite.seed, mode, found);
  }
}

async function show(seed: number, mode: Mode, found: Awaited<ReturnType<typeof differTwice>>) {
  const suite = randomSuite(seed);
  const finding = line["no-shrink"]
    ? { suite, mode, deviations: found }
    : await shrink(suite, mode, found[0]!);
  console.log(`\n${described(finding)}`);
}

console.error(`${count} suites from seed ${start}`);
await python();
const began = performance.now();
const lane = async () => {
  while (next < count) {
    await tryOne(next++);
    if (suites % 20 === 0) console.error(`${suites} of ${count} suites`);
  }
};
await Promise.all(Array.from({ length: Number(line.lanes ?? 2) }, lane));

const rows = [...figures].filter(([, { runs }]) => runs > 0);
const total = (key: keyof Figures) => rows.reduce((sum, [, of]) => sum + of[key], 0);
console.log(`\nmode      runs  deviating`);
for (const [name, { runs, deviating }] of rows) {
  console.log(`${name.padEnd(8)} ${String(runs).padStart(5)} ${String(deviating).padStart(10)}`);
}
const seconds = Math.round((performance.now() - began) / 1000);
const { green, red, either } = verdicts;
const runs = `${total("runs")} runs of tractest, ${total("deviating")} deviating`;
console.log(
  `${suites} suites (bare pytest: ${green} green, ${red} red, ${either} cut short with 0), ` +
    `${runs}; seed ${start}, ${seconds} s`,
);
Deno.exit(total("deviating") === 0 ? 0 : 1);
