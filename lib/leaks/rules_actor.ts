import { lastPart } from "../base/paths.ts";
import {
  ACTOR_SIGNATURES,
  type ActorSignature,
  FIRST_SCAN,
  HELPERS,
  SHELLS_AND_DEBUGGERS,
} from "./actor_signatures.ts";

/** What a process is, as far as its name and command line say. */
export interface Kind {
  /** The signature that it matches; null for anything but an actor. */
  readonly signature: ActorSignature | null;
  readonly isPython: boolean;
  readonly isPytest: boolean;
  /**
   * `worker`: of multiprocessing or a library like it, or what forks those; `tracker`: ends by
   * itself with the last that uses it.
   */
  readonly helper: "worker" | "tracker" | null;
  readonly isShellOrDebugger: boolean;
}

/** What a Python command line runs. */
export interface PythonTarget {
  readonly kind: "module" | "code" | "script" | "none";
  readonly value: string;
}

/** Options of the interpreter whose value is the next word when it is not attached. */
const VALUED = "WX";

/** Whether a row of the process list may be an actor, so that its details are read. */
export function mayBeActor(args: string): boolean {
  return FIRST_SCAN.test(args);
}

/** Whether a row of the process list may be a pytest, or what one has forked. */
export function mayBePytest(args: string): boolean {
  return /(^|[ /])(pytest|py\.test)( |$|\/__main__\.py)/.test(args);
}

/**
 * The directory of the Python that a row of the process list starts with: empty for one that was
 * started by a bare or relative name, null for anything else.
 */
export function pythonDirectory(args: string): string | null {
  const start = /^(?:(\/.*?)\/|[^/ ][^ ]*\/)?(?:python|pypy)[0-9.]*[td]?(?: |$)/i.exec(args);
  return start ? start[1] ?? "" : null;
}

/** Classifies a process. `argv` is null for a zombie, and where it could not be read. */
export function kindOf(argv: readonly string[] | null, comm: string): Kind {
  const program = baseName(argv?.[0] ?? "");
  const isPython = isPythonName(program);
  const target = isPython && argv ? pythonTarget(argv) : null;
  const rows: readonly ActorSignature[] = ACTOR_SIGNATURES;
  const signature = rows.find((row) => {
    switch (row.where) {
      case "title":
        return argv?.length === 1 && row.pattern.test(argv[0]!);
      case "comm":
        return row.pattern.test(comm);
      default:
        return target?.kind === row.where && row.pattern.test(target.value);
    }
  });
  const isPytest = target !== null
    ? (target.kind === "module" && /^(pytest|py\.test)$/.test(target.value)) ||
      (target.kind === "script" &&
        /(^|\/)(pytest|py\.test|pytest\/__main__\.py)$/.test(target.value))
    : program === "pytest" || program === "py.test";
  const helper = HELPERS.find((row) =>
    target?.kind === row.where && row.pattern.test(target.value)
  );
  return {
    signature: signature ?? null,
    isPython,
    helper: helper ? helper.tracks ? "tracker" : "worker" : null,
    isPytest,
    isShellOrDebugger: (SHELLS_AND_DEBUGGERS as readonly string[]).includes(argv ? program : comm),
  };
}

/** Whether a program's name is one of Python's: `python`, `python3.13`, `python3.14t`, `pypy3`. */
export function isPythonName(name: string): boolean {
  return /^(python|pypy)[0-9.]*[td]?$/i.test(name);
}

/** What a Python command line runs: the module after `-m`, the code after `-c`, or the script. */
export function pythonTarget(argv: readonly string[]): PythonTarget {
  for (let index = 1; index < argv.length; index++) {
    const word = argv[index]!;
    if (!word.startsWith("-") || word === "-") return { kind: "script", value: word };
    if (word.startsWith("--")) {
      if (word === "--check-hash-based-pycs") index++;
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      const attached = word.slice(at + 1);
      if (letter === "m" || letter === "c") {
        return {
          kind: letter === "m" ? "module" : "code",
          value: attached !== "" ? attached : argv[index + 1] ?? "",
        };
      }
      if (VALUED.includes(letter)) {
        if (attached === "") index++;
        break;
      }
    }
  }
  return { kind: "none", value: "" };
}

/** The last component of a path, a login shell's leading dash removed. */
export function baseName(path: string): string {
  return lastPart(path).replace(/^-/, "");
}
