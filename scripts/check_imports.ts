/**
 * Checks that imports go one way and never in a circle, that rules do not reach the operating
 * system, and that only one place touches it.
 *
 * `lib/` has a room (a folder) for each thing that users ask for. A file may import from its own
 * room and from the layers below it; `command.ts` and `command_….ts` of every room are in the layer
 * of commands, above all rooms. `rules.ts` and `rules_….ts` decide on plain values: nothing that
 * they import, directly or not, is in `lib/system/`. Imports of types must go the right way too,
 * but may reach `lib/system/`: they are erased before the program runs.
 */

/** From the bottom to the top; rooms of one layer don't import each other. */
const LAYERS: readonly (readonly string[])[] = [
  ["tables"],
  ["errors"],
  ["base"],
  ["system"],
  ["terminal"],
  ["processes"],
  ["command_line"],
  ["project"],
  ["pytest"],
  ["leaks", "ci"],
  ["background"],
  ["affected", "isolation", "layout"],
  ["flaky", "hang", "history"],
  ["preflight"],
  ["run"],
  ["bisect", "hooks", "matrix", "report", "stress"],
  ["agent_guide", "bundle", "completion", "merge", "help", "init", "overview", "tree", "watch"],
  ["commands"],
  ["cli"],
  ["main"],
];

const LAYER_OF: ReadonlyMap<string, number> = new Map(
  LAYERS.flatMap((rooms, layer) => rooms.map((room) => [room, layer] as const)),
);

/** Packages that touch the operating system, and the only place that may import each. */
const RESERVED: Readonly<Record<string, string>> = {
  "@std/fs": "lib/system/",
  "node:sqlite": "lib/system/sqlite.ts",
  "@cliffy/prompt": "lib/terminal/prompt.ts",
};

/** An import in a file. */
export interface Import {
  readonly specifier: string;
  /** Whether only types are imported, so that it is erased before run time. */
  readonly isType: boolean;
}

/** What a file imports, in any of TypeScript's forms. */
export function importsOf(source: string): Import[] {
  const code = withoutComments(source);
  const named = /(?:^|[;}])\s*(?:import|export)\b([^"'`;()]*?)\bfrom\s*["']([^"']+)["']/gm;
  const others = [
    /(?:^|[;}])\s*import\s*["']([^"']+)["']/gm,
    /\bimport\s*\(\s*["'`]([^"'`]+)["'`]/g,
  ];
  return [
    ...[...code.matchAll(named)].map(([, names, specifier]) => ({
      specifier: specifier!,
      isType: onlyTypes(names!),
    })),
    ...others.flatMap((pattern) =>
      [...code.matchAll(pattern)].map((match) => ({ specifier: match[1]!, isType: false }))
    ),
  ];
}

function onlyTypes(names: string): boolean {
  if (/^\s*type\b/.test(names)) return true;
  const list = /^\s*\{([^}]*)\}\s*$/.exec(names)?.[1];
  return list !== undefined &&
    list.split(",").every((name) => name.trim() === "" || /^\s*type\s/.test(name));
}

/** The room that a file lives in, or null for a file outside of `main.ts` and `lib/`. */
export function roomOf(path: string): string | null {
  if (path === "main.ts") return "main";
  const [top, room, ...rest] = path.split("/");
  if (top !== "lib" || room === undefined) return null;
  if (rest.length === 0) return room.replace(/\.ts$/, "");
  return /^command(?:_\w+)?\.ts$/.test(rest.at(-1)!) ? "commands" : room;
}

/** The problems of one file, one sentence each. */
export function problemsOf(path: string, source: string): string[] {
  const room = roomOf(path);
  if (room === null || !LAYER_OF.has(room)) return [`${path}: is in no known room`];
  const problems: string[] = [];
  for (const { specifier } of importsOf(source)) {
    if (specifier.startsWith(".")) {
      const target = resolve(path, specifier);
      const targetRoom = roomOf(target);
      if (targetRoom === null) {
        problems.push(`${path}: imports ${target}, which is outside of lib/`);
      } else if (targetRoom !== room && !isBelow(targetRoom, room)) {
        problems.push(`${path}: ${room} may not import from ${targetRoom} (${target})`);
      }
    } else if (/^(jsr|npm|https?|file):/.test(specifier)) {
      problems.push(`${path}: imports "${specifier}" past the map in deno.json`);
    } else if (room === "tables") {
      problems.push(`${path}: tables may not import "${specifier}"`);
    } else {
      const place = RESERVED[specifier];
      if (place !== undefined && !path.startsWith(place)) {
        problems.push(`${path}: only ${place} may import "${specifier}"`);
      }
    }
  }
  if (
    room !== "main" && room !== "system" &&
    /\bDeno\s*[.[]/.test(withoutStrings(withoutComments(source)))
  ) {
    problems.push(`${path}: \`Deno.\` stands only in main.ts and lib/system/`);
  }
  return problems;
}

function isBelow(target: string, room: string): boolean {
  if (room === "main") return target === "cli" || target === "system";
  return (LAYER_OF.get(target) ?? Infinity) < LAYER_OF.get(room)!;
}

/**
 * The chains of imports from rules to the operating system, one sentence each; `sources` by path.
 */
export function impureRules(sources: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  for (const path of sources.keys()) {
    if (!/\/rules(?:_\w+)?\.ts$/.test(path)) continue;
    const way = wayToSystem(path, sources, new Set());
    if (way !== null) {
      problems.push(`${path}: decides, and reaches the system by ${way.join(" → ")}`);
    }
  }
  return problems;
}

function wayToSystem(
  path: string,
  sources: ReadonlyMap<string, string>,
  seen: Set<string>,
): string[] | null {
  seen.add(path);
  for (const { specifier, isType } of importsOf(sources.get(path) ?? "")) {
    if (isType || !specifier.startsWith(".")) continue;
    const target = resolve(path, specifier);
    if (target.startsWith("lib/system/")) return [target];
    const way = seen.has(target) ? null : wayToSystem(target, sources, seen);
    if (way !== null) return [target, ...way];
  }
  return null;
}

/**
 * The circles of files that import each other, types included, one sentence each; `sources` by
 * path.
 */
export function circles(sources: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  const done = new Set<string>();
  const follow = (path: string, way: readonly string[]) => {
    const start = way.indexOf(path);
    if (start >= 0) problems.push(`a circle: ${[...way.slice(start), path].join(" → ")}`);
    if (start >= 0 || done.has(path)) return;
    for (const { specifier } of importsOf(sources.get(path) ?? "")) {
      if (specifier.startsWith(".")) follow(resolve(path, specifier), [...way, path]);
    }
    done.add(path);
  };
  for (const path of sources.keys()) follow(path, []);
  return problems;
}

/** The problems of `main.ts` and `lib/` below a directory. */
export async function checkImports(root = "."): Promise<string[]> {
  const sources = new Map<string, string>();
  for (const path of await sourceFiles(["main.ts", "lib"], root)) {
    sources.set(path, await Deno.readTextFile(`${root}/${path}`));
  }
  return [
    ...[...sources].flatMap(([path, source]) => problemsOf(path, source)),
    ...impureRules(sources),
    ...circles(sources),
  ];
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
