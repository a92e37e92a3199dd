/**
 * Makes `dist/tractest`: bundle, then `deno compile`; if that fails or its result does not answer,
 * the self-contained executable (`self_contained.sh` with the runtime and the bundle after it).
 * Started by `scripts/build`.
 */

import { VERSION } from "../lib/tables/release.ts";
import { FLAGS } from "./permission_flags.ts";

type Kind = "compiled" | "self-contained";

/** Where the result goes. */
const DIST = Deno.env.get("TRACTEST_DIST") ?? "dist";
/**
 * The file while it is being made, so that a failed build leaves the last good one.
 */
const NEW = `${DIST}/.new-${Deno.pid}`;
/**
 * The Deno that compiles: it needs a `denort` of its version, so the one that bundles may differ.
 */
const COMPILER = Deno.env.get("TRACTEST_COMPILER") ?? Deno.execPath();
/** `denort`, some 40 MB, may have to be downloaded. */
const COMPILE_LIMIT_MS = 120_000;
const PROBE_LIMIT_MS = 3_000;
/** The module with questions: it imports modules of Node.js, which take as long as all else. */
const PROMPT = "@cliffy/prompt";

const [graphFlags = "", kind, target] = Deno.args;
const started = performance.now();
await Deno.remove(NEW, { recursive: true }).catch(() => {});
await Deno.mkdir(NEW, { recursive: true });
await bundle();
const compiled = kind !== "self-contained" && await compile();
await bundleForRun();
await loadLazily();
const made = compiled ? "compiled" : await selfContained();
await Deno.remove(`${DIST}/bundle`, { recursive: true }).catch(() => {});
await Deno.rename(`${NEW}/bundle`, `${DIST}/bundle`);
await Deno.rename(`${NEW}/tractest`, `${DIST}/tractest`);
await Deno.remove(NEW, { recursive: true });
const { size } = await Deno.stat(`${DIST}/tractest`);
const [megabytes, seconds] = [size / 1e6, (performance.now() - started) / 1000];
const figures = `${megabytes.toFixed(0)} MB, in ${seconds.toFixed(1)} s`;
say(`made ${DIST}/tractest: ${made}, ${VERSION}, ${figures}`);

/** Bundles the program in chunks, so that what a command loads lazily stays in separate files. */
async function bundle(): Promise<void> {
  const result = await deno([
    "bundle",
    "--quiet",
    "--minify",
    "--code-splitting",
    `--outdir=${NEW}/bundle`,
    ...graphFlags.split(" "),
    "main.ts",
  ]);
  if (!result.success) fail(`Cannot bundle the program:\n${result.stderr}`);
}

/**
 * Bundles the program once more, into one file, for `run` (start.js): that needs most of it, and
 * to load it from 140 files takes longer. Questions stay in a file of their own.
 */
async function bundleForRun(): Promise<void> {
  const result = await deno([
    "bundle",
    "--quiet",
    "--minify",
    `--external=${PROMPT}`,
    `--outdir=${NEW}/run`,
    ...graphFlags.split(" "),
    "main.ts",
  ]);
  if (!result.success) fail(`Cannot bundle the program for run:\n${result.stderr}`);
  const bundled = await Deno.readTextFile(`${NEW}/run/main.js`);
  const questions = [...Deno.readDirSync(`${NEW}/bundle`)].flatMap(({ name }) => {
    const text = Deno.readTextFileSync(`${NEW}/bundle/${name}`);
    return /\{Confirm:[\w$]+\}=await (import\("[\w./-]+"\))/.exec(text)?.[1] ?? [];
  });
  if (questions.length !== 1) fail(`${questions.length} files of the bundle ask questions`);
  const whole = bundled.replaceAll(`import("${PROMPT}")`, () => questions[0]!);
  const early = /\bfrom ?"node:\w+"|\bimport ?"node:\w+"/.exec(whole)?.[0];
  if (early !== undefined) fail(`the program for run would load at each start: ${early}`);
  await Deno.writeTextFile(`${NEW}/bundle/run.js`, whole);
}

/**
 * Hides the file names of dynamic imports in the bundle from Deno: a plain `import("./x.js")` makes
 * `deno run` read and parse x.js, and all that it imports, before the first line runs, so that
 * every start would pay for every command. `deno compile` needs to see them: it goes first. A part
 * that can't be loaded is named as such (start.js), not as an error of the program.
 */
async function loadLazily(): Promise<void> {
  for (const { name } of Deno.readDirSync(`${NEW}/bundle`)) {
    const path = `${NEW}/bundle/${name}`;
    const lazy = 'import((0,"$1")).catch(globalThis.tractestCannotLoad)';
    await Deno.writeTextFile(
      path,
      (await Deno.readTextFile(path)).replace(/\bimport\("(\.\/[\w.-]+\.js|node:\w+)"\)/g, lazy),
    );
  }
  await Deno.copyFile("scripts/start.js", `${NEW}/bundle/start.js`);
}

/** Whether `deno compile` made an executable that answers as tractest. */
async function compile(): Promise<boolean> {
  const missing = await denortMissing();
  if (missing !== null) return refuse(missing);
  const targetFlags = target ? [`--target=${target}`] : [];
  const result = await run(
    COMPILER,
    [
      "compile",
      "--quiet",
      "--no-config",
      "--no-lock",
      ...targetFlags,
      ...FLAGS,
      `--output=${NEW}/tractest`,
      `${NEW}/bundle/main.js`,
    ],
    COMPILE_LIMIT_MS,
  );
  const reason = result.success
    ? await refusal("compiled")
    : result.limit
    ? "it took too long"
    : lastLine(result.stderr);
  return reason === null || refuse(reason);
}

/** Reports why there is no compiled executable; returns false, or throws if it was requested. */
function refuse(reason: string): boolean {
  const message = `\`deno compile\` did not make an executable (${reason})`;
  if (kind === "compiled") fail(message);
  say(`${message}: making the self-contained kind`);
  return false;
}

/**
 * Why `denort` is not available, or null. `deno compile` searches DENORT_BIN, Deno's cache and its
 * download site. In a closed network a request to that site may hang, so this tries it briefly.
 */
async function denortMissing(): Promise<string | null> {
  if (Deno.env.has("DENORT_BIN")) return null;
  const { denoDir } = JSON.parse((await deno(["info", "--json"])).stdout) as { denoDir: string };
  const zip = `denort-${target ?? Deno.build.target}.zip`;
  const cached = `${denoDir}/dl/release/v${Deno.version.deno}/${zip}`;
  if (await Deno.stat(cached).then(() => true, () => false)) return null;
  const answered = await fetch("https://dl.deno.land/release-latest.txt", {
    signal: AbortSignal.timeout(PROBE_LIMIT_MS),
  }).then(
    () => true,
    () => false,
  );
  return answered
    ? null
    : "`denort` is neither in DENORT_BIN nor in Deno's cache, and its download site does " +
      "not answer";
}

/** Why the new executable is not accepted, or null. One for another target cannot be asked. */
async function refusal(expected: Kind): Promise<string | null> {
  if (target && target !== Deno.build.target) return null;
  const result = await run(`${NEW}/tractest`, ["version"], 30_000);
  const answer = `tractest ${VERSION} (${expected}, `;
  return result.stdout.startsWith(answer)
    ? null
    : `it does not answer \`version\`: ${lastLine(result.stdout + result.stderr)}`;
}

/** Writes the script, the runtime and the bundle into one file. */
async function selfContained(): Promise<Kind> {
  const runtime = await Deno.readFile(Deno.execPath());
  const runtimeHash = await sha256(runtime);
  const runtimeGz = await compressedRuntime(runtimeHash);
  const tar = await run("tar", [
    "-cf",
    "-",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--sort=name",
    "--mtime=@0",
    "-C",
    NEW,
    "bundle",
  ]);
  // bsdtar (macOS) lacks the flags that make the archive reproducible.
  const archive = tar.success ? tar : await run("tar", ["-cf", "-", "-C", NEW, "bundle"]);
  const programGz = await gzip(archive.bytes);
  const programHash = await sha256(programGz);
  const values: Record<string, string | number> = {
    VERSION,
    FLAGS: FLAGS.join(" "),
    RUNTIME_ID: runtimeHash.slice(0, 16),
    RUNTIME_SIZE: runtimeGz.length,
    RUNTIME_FROM_END: runtimeGz.length + programGz.length,
    RUNTIME_SHA256: await sha256(runtimeGz),
    DENO_SIZE: runtime.length,
    PROGRAM_ID: programHash.slice(0, 16),
    PROGRAM_SIZE: programGz.length,
    PROGRAM_SHA256: programHash,
    MAIN_SIZE: (await Deno.stat(`${NEW}/bundle/main.js`)).size,
  };
  const template = await Deno.readTextFile("scripts/self_contained.sh");
  const script = template.replace(
    /@([A-Z0-9_]+)@/g,
    (_, name: string) => String(values[name] ?? fail(`self_contained.sh has no value for ${name}`)),
  );
  const file = await Deno.open(`${NEW}/tractest`, {
    write: true,
    create: true,
    truncate: true,
    mode: 0o755,
  });
  for (const part of [new TextEncoder().encode(script), runtimeGz, programGz]) {
    await write(file, part);
  }
  file.close();
  await Deno.chmod(`${NEW}/tractest`, 0o755);
  const reason = await refusal("self-contained");
  if (reason !== null) fail(`The self-contained executable is not usable: ${reason}`);
  return "self-contained";
}

/** Compressing the runtime takes seconds, so the result is kept. */
async function compressedRuntime(hash: string): Promise<Uint8Array<ArrayBuffer>> {
  const kept = `.tools/runtime-${hash.slice(0, 16)}.gz`;
  try {
    return await Deno.readFile(kept);
  } catch {
    say("compressing the runtime (once)");
    const compressed = await gzip(await Deno.readFile(Deno.execPath()));
    await Deno.writeFile(`${kept}.new`, compressed);
    await Deno.rename(`${kept}.new`, kept);
    return compressed;
  }
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip")))
    .bytes();
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function write(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
}

/** How a program ended and what it printed; `limit` if its time ran out. */
interface Result {
  readonly success: boolean;
  readonly limit: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly stdout: string;
  readonly stderr: string;
}

async function deno(args: string[], limitMs?: number): Promise<Result> {
  return await run(Deno.execPath(), args, limitMs);
}

async function run(program: string, args: string[], limitMs = 600_000): Promise<Result> {
  const signal = AbortSignal.timeout(limitMs);
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
    env: { NO_COLOR: "1" },
    signal,
  }).output();
  const text = new TextDecoder();
  return {
    success,
    limit: signal.aborted,
    bytes: stdout,
    stdout: text.decode(stdout),
    stderr: text.decode(stderr),
  };
}

/** The most helpful line of an error: the last of its causes. */
function lastLine(text: string): string {
  const line = text.trim().split("\n").findLast((line) =>
    !/^\s*(\d+: <|at |Stack backtrace|$)/.test(line)
  );
  return line?.replace(/^\s*(\d+: )?/, "") ?? "no output";
}

function say(message: string): void {
  console.error(`build: ${message}`);
}

function fail(message: string): never {
  Deno.removeSync(NEW, { recursive: true });
  console.error(`error: ${message}`);
  Deno.exit(1);
}
