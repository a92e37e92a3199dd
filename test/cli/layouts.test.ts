import { basename, dirname, join, normalize, relative } from "@std/path";
import { PROJECT_FILES } from "../../lib/project/project_files.ts";
import { type Layout, randomLayout } from "../layouts/layout.ts";
import { pythonWithPytest, Scratch, Suite } from "./suites.ts";
import { assert, assertEquals } from "../assert.ts";

const LAYOUTS = Number(Deno.env.get("TRACTEST_LAYOUTS") ?? 6);
/** Other layouts each time; TRACTEST_SEED gives those of a run that failed. */
const SEED = Number(Deno.env.get("TRACTEST_SEED") ?? Math.floor(Math.random() * 2 ** 31));
console.log(`random layouts: TRACTEST_SEED=${SEED} makes the same ones again`);

/** They read different files, and find the rootdir differently. */
const VERSIONS = ["9.*", "9.*", "8.*", "7.*"];
/** The one whose way to find the rootdir `failed` follows, which starts no program. */
const NEWEST = "9.*";

/** What pytest is, whatever started it: its configuration, what it counted, what it recorded. */
interface Seen {
  readonly code: number;
  readonly rootdir: string | null;
  readonly configfile: string | null;
  readonly counts: string;
  readonly lastFailed: readonly string[];
}

for (let index = 0; index < LAYOUTS; index++) {
  const seed = SEED + index;
  Deno.test(`layout ${index + 1} of ${LAYOUTS}: run is what pytest is (seed ${seed})`, async () => {
    const layout = randomLayout(seed);
    await using suite = new Suite((await Scratch.make()).path);
    await suite.write(layout.files);
    const version = VERSIONS[seed % VERSIONS.length]!;
    const python = await pythonWithPytest(version);
    for (const venv of layout.venvs) {
      await Deno.symlink(dirname(dirname(python)), join(suite.root, venv));
    }
    const events = join(suite.path, "events");
    const run = await suite.tractest(
      ["-C", layout.here, "run", "--json", "--events", events],
      {},
    );
    if (run.stderr.startsWith("error: No project found")) return assertOnlyOthers(layout);
    const root = await rootOf(events);
    const why = `${JSON.stringify(layout, null, 1)}\nroot: ${root}\n${run.stderr}`;
    const mine = await seen(suite, layout, run.code, run.stderr);
    if (version === NEWEST) assertEquals(await listedIds(suite, layout), idsOf(mine), why);
    await removeCaches(suite, mine);
    const bare = await runBare(suite, python, root);
    assertEquals(mine, await seen(suite, layout, bare.code, bare.text), why + bare.text);
    // Where somebody stands below the root, pytest still takes the same configuration.
    const here = await runBare(suite, python, join(suite.root, layout.here));
    const there = await seen(suite, layout, here.code, here.text);
    if (there.configfile !== null && !isBare(suite, there)) {
      assertEquals([mine.rootdir, mine.configfile], [there.rootdir, there.configfile], why);
    }
  });
}

/** In a directory of projects, which is none itself, no one of them is meant. */
function assertOnlyOthers({ files, here }: Layout): void {
  const below = Object.keys(files).filter((name) => name.startsWith(`${here}/`));
  const projects = below.filter((name) => PROJECT_FILES.some((each) => each === basename(name)))
    .map((name) => dirname(name)).filter((directory) => directory !== here);
  const tests = below.filter((name) => /(^|\/)test_[^/]*\.py$/.test(name));
  for (const name of tests) {
    assert(projects.some((directory) => name.startsWith(`${directory}/`)), name);
  }
}

/** The names of the tests that `failed` lists. */
async function listedIds(suite: Suite, { here }: Layout): Promise<string[]> {
  const { stdout, stderr } = await suite.tractest(["-C", here, "failed", "--json"]);
  const { tests, missing } = JSON.parse(stdout || stderr);
  assertEquals(missing, [], "each is a path from the root");
  return tests.map((id: string) => id.replace(/^.*\//, "")).sort();
}

/** A directory whose conftest.py can't be imported is recorded too, but is no test. */
function idsOf({ lastFailed }: Seen): string[] {
  const ids = lastFailed.map((line) => line.replace(/^\S+ /, ""));
  return ids.filter((id) => /\.py(::|$)/.test(id)).map((id) => id.replace(/^.*\//, "")).sort();
}

function isBare(suite: Suite, { rootdir, configfile }: Seen): boolean {
  if (configfile !== "pyproject.toml") return false;
  const text = Deno.readTextFileSync(join(suite.root, rootdir!, configfile));
  return !text.includes("[tool.pytest");
}

/** Where tractest started pytest. */
async function rootOf(events: string): Promise<string> {
  const lines = (await Deno.readTextFile(events)).split("\n").filter((line) => line !== "");
  const started = lines.map((line) => JSON.parse(line)).find(({ event }) => event === "run-start");
  return started.root;
}

async function runBare(
  { path }: Suite,
  python: string,
  cwd: string,
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(python, {
    args: ["-m", "pytest"],
    cwd,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", HOME: path },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function seen(suite: Suite, layout: Layout, code: number, text: string): Promise<Seen> {
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1] ?? null;
  const rootdir = header("rootdir");
  const last = text.split("\n").filter((line) => / in \d+\.\d+s/.test(line)).at(-1) ?? "";
  return {
    code,
    rootdir: rootdir && relative(suite.root, rootdir),
    configfile: header("configfile"),
    counts: last.replace(/ in \d+\.\d+s.*/, "").replace(/^=+ /, ""),
    lastFailed: await lastFailed(suite, layout),
  };
}

/** Ids in any cache of pytest in the layout, with the place of the cache. */
async function lastFailed({ root }: Suite, { files }: Layout): Promise<string[]> {
  const found: string[] = [];
  for (const cache of cachesOf(root, files)) {
    const text = await Deno.readTextFile(join(cache, "v/cache/lastfailed")).catch(() => "{}");
    found.push(...Object.keys(JSON.parse(text)).map((id) => `${relative(root, cache)} ${id}`));
  }
  return found.sort();
}

async function removeCaches({ root }: Suite, _: Seen): Promise<void> {
  for (const place of ["", "top", "top/member", "top/member/tests"]) {
    for (const name of [".pytest_cache", "var"]) {
      await Deno.remove(join(root, place, name), { recursive: true }).catch(() => {});
    }
  }
}

function cachesOf(root: string, files: Layout["files"]): string[] {
  const places = new Set([
    "",
    "top",
    ...Object.keys(files).map((path) => normalize(dirname(path))),
  ]);
  places.delete(".");
  return [...places].flatMap((place) =>
    [".pytest_cache", "var/cache"].map((name) => join(root, place, name))
  );
}
