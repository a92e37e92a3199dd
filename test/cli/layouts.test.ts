import { dirname, join, relative } from "@std/path";
import { type Layout, randomLayout } from "../layouts/layout.ts";
import { pythonWithPytest, Scratch, Suite } from "./suites.ts";
import { assertEquals } from "../assert.ts";

const LAYOUTS = Number(Deno.env.get("TRACTEST_LAYOUTS") ?? 6);
/** Other layouts each time; TRACTEST_SEED gives those of a run that failed. */
const SEED = Number(Deno.env.get("TRACTEST_SEED") ?? Math.floor(Math.random() * 2 ** 31));
console.log(`random layouts: TRACTEST_SEED=${SEED} makes the same ones again`);

/** They read different files, and find the rootdir differently. */
const VERSIONS = ["9.*", "9.*", "8.*", "7.*"];

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
    const python = await pythonWithPytest(VERSIONS[seed % VERSIONS.length]);
    for (const venv of layout.venvs) {
      await Deno.symlink(dirname(dirname(python)), join(suite.root, venv));
    }
    const events = join(suite.path, "events");
    const run = await suite.tractest(
      ["-C", layout.here, "run", "--no-defaults", "--json", "--events", events],
      {},
    );
    const root = await rootOf(events);
    const why = `${JSON.stringify(layout, null, 1)}\nroot: ${root}\n${run.stderr}`;
    const mine = await seen(suite, layout, run.code, run.stderr);
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
  const places = new Set(["", ...Object.keys(files).map((path) => dirname(path))]);
  return [...places].flatMap((place) =>
    [".pytest_cache", "var/cache"].map((name) => join(root, place, name))
  );
}
