import { lastPart } from "../base/paths.ts";
import { type AdopterRow, ADOPTERS } from "./adopters.ts";
import { baseName, isPythonName, kindOf, pythonTarget } from "./rules_actor.ts";
import { sharedDaemon } from "./rules_started.ts";

/** Whether a program of Python runs tests, which some say by themselves and some by their code. */
export type MayRunTests =
  /** It does, or that can't be ruled out: why. */
  | { readonly kind: "may"; readonly why: string }
  /** If its code does: source text, or the first of these files that is there. */
  | {
    readonly kind: "by-code";
    readonly text: string | null;
    readonly files: readonly string[];
    /** What it means that no file is there; null: it is no code of this machine's projects. */
    readonly otherwise: string | null;
  };

/** Code that imports or mentions pytest. */
export const BY_CODE = "its code mentions pytest";
/** Code that imports more modules of the project than are read. */
export const TOO_LARGE = "it has too much code to read";
const BY_NAME = "by its name it runs tests";
const FROM_INPUT = "it reads its program from standard input";
const TYPED_INTO = "it runs what is typed into it";
const TITLED = "it is a Python with a title of its own";
const UNREADABLE = "its script can't be read";

/** Modules and scripts that run code which stands nowhere on their command line. */
const TYPED =
  /^(code|IPython|ipython3?|ipykernel(_launcher)?|spyder_kernels.*|jupyter-console|[bp]t?python)$/;

/**
 * Whether a Python may run tests, by its command line.
 *
 * @param directories where relative names may lie, nearest first; absolute
 */
export function mayRunTestsBy(
  argv: readonly string[],
  directories: readonly string[],
): MayRunTests {
  if (!isPythonName(baseName(argv[0] ?? ""))) return may(TITLED);
  const { kind, value } = pythonTarget(argv);
  if (kind === "none") return may(FROM_INPUT);
  if (kind === "script" && /^-$|^\/(dev|proc)\//.test(value)) return may(FROM_INPUT);
  if (kind !== "code" && TYPED.test(baseName(value))) return may(TYPED_INTO);
  if (mayRunTests(argv)) return may(BY_NAME);
  switch (kind) {
    case "code":
      return { kind: "by-code", text: value, files: [], otherwise: null };
    case "module": {
      const path = value.replaceAll(".", "/");
      const places = directories.map((one) => `${one}/${path}`);
      const files = places.flatMap((one) => [`${one}.py`, `${one}/__main__.py`]);
      return { kind: "by-code", text: null, files, otherwise: null };
    }
    default: {
      const places = value.startsWith("/") ? [""] : directories.map((one) => `${one}/`);
      const files = places.flatMap((one) => [`${one}${value}`, `${one}${value}/__main__.py`]);
      return { kind: "by-code", text: null, files, otherwise: UNREADABLE };
    }
  }
}

/**
 * Whether a title, or a name that is not Python's, is that of a program which runs no tests: an
 * actor, a shared daemon, a program that adopts orphans. A title is one word; several are those of
 * another program.
 */
export function isKnownTitle(argv: readonly string[], comm: string): boolean {
  const name = baseName(argv[0] ?? "");
  if (isPythonName(name)) return false;
  const adopters: readonly AdopterRow[] = ADOPTERS;
  return argv.length > 1 || kindOf(argv, comm).signature !== null ||
    sharedDaemon({ argv, comm }) !== null || adopters.some((row) => row.name.test(name));
}

function may(why: string): MayRunTests {
  return { kind: "may", why };
}

/**
 * Whether a command line of Python mentions tests: `python -c 'import numpy; numpy.test()'`, `-m
 * app.selftest`, `runtests.py`, `manage.py test`.
 */
export function mayRunTests(argv: readonly string[]): boolean {
  const { kind, value } = pythonTarget(argv);
  const name = kind === "script" ? lastPart(value) : value.replace(/\S*\/\S*/g, "");
  return /(?<![a-z])tests?|tests?(?![a-z])/i.test(name) ||
    argv.some((word) => /^tests?$/i.test(word));
}

/** Whether a row of the process list mentions pytest, other than as a directory of a path. */
export function commandMentionsPytest(args: string): boolean {
  return mentionsPytest(args.replace(/(?<=^|\s)\/?(?:[\w.@+-]+\/)+/g, ""));
}

/** Whether Python source may run pytest. */
export function mentionsPytest(text: string): boolean {
  return /\b(pytest|py\.test)\b/.test(text);
}

const IMPORT = new RegExp(
  String.raw`(?:^|[;:])[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^;\n]*)|` +
    String.raw`import[ \t]+([^;\n]+))`,
  "gm",
);

/** Paths, without `.py`, of the modules that Python source may import. */
export interface ImportedPaths {
  /** Below any directory of modules. */
  readonly absolute: readonly string[];
  /** Below the source's own directory; a leading `../` for each further dot. */
  readonly relative: readonly string[];
}

/** The modules that Python source imports, with names of modules among those imported from one. */
export function importedPaths(text: string): ImportedPaths {
  const [absolute, relative] = [new Set<string>(), new Set<string>()];
  for (const [, from, names, plain] of text.matchAll(IMPORT)) {
    const modules = plain?.split(",").map((one) => one.trim().split(/\s/, 1)[0]!) ?? [];
    for (const one of modules.filter((name) => /^\w[\w.]*$/.test(name))) {
      const parts = one.split(".");
      for (const count of parts.keys()) absolute.add(parts.slice(0, count + 1).join("/"));
    }
    if (from === undefined) continue;
    const [, dots = "", rest = ""] = /^(\.*)(.*)$/.exec(from)!;
    const to = dots === "" ? absolute : relative;
    const base = "../".repeat(Math.max(0, dots.length - 1)) + rest.replaceAll(".", "/");
    if (base !== "") to.add(base);
    for (const [name] of names!.replace(/#.*$/gm, "").matchAll(/\w+/g)) {
      to.add(base === "" || base.endsWith("/") ? `${base}${name}` : `${base}/${name}`);
    }
  }
  return { absolute: [...absolute], relative: [...relative] };
}
