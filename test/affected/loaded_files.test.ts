import { affectedIn } from "../../lib/affected/gather.ts";
import type { Affected } from "../../lib/affected/affected_targets.ts";
import { ImportSearch } from "../../lib/affected/read_import_graph.ts";
import { findProject } from "../../lib/project/project.ts";
import { isWithin } from "../../lib/project/rules_targets.ts";
import { assertEquals } from "../assert.ts";
import { GitRepository } from "../git_repository.ts";
import { HostAt } from "../host_at.ts";

const SCRIPT = new URL("loaded_files.py", import.meta.url).pathname;
/** Projects of a run; other ones each time, unless TRACTEST_SEED names the first. */
const PROJECTS = Number(Deno.env.get("TRACTEST_PROJECTS") ?? 2);

/** What a test file loaded, as pytest's process saw it. */
interface Loaded {
  readonly files: readonly string[];
}

async function python(...words: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command("python3", {
    args: ["-B", SCRIPT, ...words],
    stderr: "inherit",
    stdin: "null",
  }).output();
  if (!success) throw new Error(`loaded_files.py ${words.join(" ")} failed`);
  return new TextDecoder().decode(stdout);
}

function isAmong(test: string, { targets }: Affected): boolean {
  return targets.some(({ target }) => isWithin(test, target.replace(/\/$/, "")));
}

/** Tests that are missing for a change, one a line, and the number of those that are too much. */
async function compare(seed: number) {
  using repository = await GitRepository.make();
  const { root } = repository;
  await python("make", `${seed}`, root);
  await repository.commit();
  const loaded: Record<string, Loaded> = JSON.parse(await python("load", root));
  const host = new HostAt(root, { HOME: repository.base });
  const found = await findProject(host);
  const project = { ...found, configuration: { ...found.configuration, changeMap: [] } };
  const search = new ImportSearch(host, project);
  const files = (await repository.git("ls-files", "*.py")).split("\n");
  const missing: string[] = [];
  const counts = { loaded: 0, selected: 0 };
  for (const path of files) {
    const change = { path, status: "modified", where: "unstaged" } as const;
    const affected = await affectedIn(host, project, [change], search);
    for (const [test, { files: needed }] of Object.entries(loaded)) {
      const isLoaded = needed.includes(path) || path === test;
      const among = isAmong(test, affected);
      if (isLoaded) counts.loaded++;
      if (among) counts.selected++;
      if (isLoaded && !among) {
        const targets = affected.targets.map(({ target }) => target).join(", ");
        missing.push(`seed ${seed}: ${path}: ${test} is not among: ${targets}`);
      }
    }
  }
  return { missing, counts };
}

Deno.test("affected finds all test files that load a change, in generated projects", async () => {
  const first = Number(Deno.env.get("TRACTEST_SEED") ?? Date.now() % 2 ** 31);
  const missing: string[] = [];
  const total = { loaded: 0, selected: 0 };
  for (let seed = first; seed < first + PROJECTS; seed++) {
    const one = await compare(seed);
    missing.push(...one.missing);
    for (const key of ["loaded", "selected"] as const) total[key] += one.counts[key];
  }
  const too = total.selected - (total.loaded - missing.length);
  console.error(
    `${PROJECTS} projects from TRACTEST_SEED=${first}: ${total.loaded} loads, ` +
      `${missing.length} missing, ${too} of ${total.selected} selected are too much`,
  );
  assertEquals(missing.slice(0, 20), [], `TRACTEST_SEED=${first}, ${missing.length} missing`);
});
