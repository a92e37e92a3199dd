/**
 * Checks that imports go one way, and that the operating system is touched in one place.
 *
 * `main → cli → commands → run → engine → {preflight, hang, history, isolation} → runs → leaks → project → {programs, ui} → host`; `core`, `tables` and
 * `errors` may be used by all;
 * `core` knows only `tables` and `errors`; `tables` knows nothing.
 */

const BASE = ["core", "tables", "errors"] as const;
const OUTSIDE = ["programs", "ui", "host", ...BASE] as const;
const AT_HAND = ["runs", "leaks", "project", "context", ...OUTSIDE] as const;
const KNOWING = ["hang", "history", "isolation", "preflight", ...AT_HAND] as const;

/** Which rooms the files of a room may import from. A room may always import from itself, except for `tables`' rows. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  main: ["cli", "host"],
  cli: ["commands", "context", ...OUTSIDE],
  commands: ["run", "engine", ...KNOWING],
  run: ["engine", ...KNOWING],
  engine: ["plugin", ...KNOWING],
  hang: AT_HAND,
  history: AT_HAND,
  isolation: ["project", ...OUTSIDE],
  preflight: AT_HAND,
  runs: ["leaks", "project", "context", ...OUTSIDE],
  leaks: ["project", ...OUTSIDE],
  project: OUTSIDE,
  context: ["ui", "host", ...BASE],
  programs: ["host", "plugin", ...BASE],
  ui: ["host", ...BASE],
  host: BASE,
  core: ["tables", "errors"],
  errors: ["tables"],
  tables: [],
  plugin: [],
};

/** Packages that touch the operating system, and the only place that may import each. */
const RESERVED: Readonly<Record<string, string>> = {
  "@std/fs": "lib/host/",
  "node:sqlite": "lib/host/sqlite.ts",
  "@cliffy/prompt": "lib/ui/prompt.ts",
};

/** What a file imports, by any of the ways that TypeScript has. */
export function importsOf(source: string): string[] {
  const code = withoutComments(source);
  const patterns = [
    /(?:^|[;}])\s*(?:import|export)\b[^"'`;()]*?\bfrom\s*["']([^"']+)["']/gm,
    /(?:^|[;}])\s*import\s*["']([^"']+)["']/gm,
    /\bimport\s*\(\s*["'`]([^"'`]+)["'`]/g,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1]!));
}

/** The room that a file lives in, or null for a file outside of `main.ts` and `lib/`. */
export function roomOf(path: string): string | null {
  if (path === "main.ts") return "main";
  const [top, room, ...rest] = path.split("/");
  if (top !== "lib" || room === undefined) return null;
  return rest.length > 0 ? room : room.replace(/\.ts$/, "");
}

/** What is wrong with one file, a sentence each. */
export function problemsOf(path: string, source: string): string[] {
  const room = roomOf(path);
  const allowed = room === null ? undefined : MAY_IMPORT[room];
  if (room === null || allowed === undefined) return [`${path}: is in no known room`];
  const problems: string[] = [];
  for (const specifier of importsOf(source)) {
    if (specifier.startsWith(".")) {
      const target = resolve(path, specifier);
      const targetRoom = roomOf(target);
      if (targetRoom === null) problems.push(`${path}: imports ${target}, which is outside of lib/`);
      else if (targetRoom !== room && !allowed.includes(targetRoom)) problems.push(`${path}: ${room} may not import from ${targetRoom} (${target})`);
    } else if (/^(jsr|npm|https?|file):/.test(specifier)) {
      problems.push(`${path}: imports "${specifier}" past the map in deno.json`);
    } else if (room === "tables") {
      problems.push(`${path}: tables may not import "${specifier}"`);
    } else {
      const place = RESERVED[specifier];
      if (place !== undefined && !path.startsWith(place)) problems.push(`${path}: only ${place} may import "${specifier}"`);
    }
  }
  if (room !== "main" && room !== "host" && /\bDeno\s*[.[]/.test(withoutStrings(withoutComments(source)))) {
    problems.push(`${path}: \`Deno.\` stands only in main.ts and lib/host/`);
  }
  return problems;
}

/** What is wrong in `main.ts` and `lib/` below a directory. */
export async function checkImports(root = "."): Promise<string[]> {
  const problems: string[] = [];
  for (const path of await sourceFiles(["main.ts", "lib"], root)) problems.push(...problemsOf(path, await Deno.readTextFile(`${root}/${path}`)));
  return problems;
}

/** The TypeScript files at and below some paths, sorted; fixtures and the sample are data. */
export async function sourceFiles(paths: readonly string[], root = "."): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    if (path.endsWith(".ts")) files.push(path);
    else if (!/^test\/(fixtures|sample)$/.test(path)) {
      const below: string[] = [];
      for await (const entry of Deno.readDir(`${root}/${path}`)) {
        if (entry.isDirectory || entry.name.endsWith(".ts")) below.push(`${path}/${entry.name}`);
      }
      files.push(...await sourceFiles(below.sort(), root));
    }
  }
  return files;
}

function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function withoutComments(source: string): string {
  return source.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*.*?\*\/|\/\/[^\n]*/gs,
    (_, string: string | undefined) => string ?? " ",
  );
}

function withoutStrings(code: string): string {
  return code.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""');
}

if (import.meta.main) {
  const problems = await checkImports();
  for (const problem of problems) console.error(problem);
  Deno.exit(problems.length === 0 ? 0 : 1);
}
