import { isInside } from "../base/paths.ts";
import { isInstalledCopy } from "../project/rules_venv.ts";

/** Where the packages were found that a Python imported. */
export interface Imported {
  /**
   * The package under test: its import name, its directory in the checkout, and the file that
   * Python found; symlinks resolved.
   */
  readonly own: { readonly name: string; readonly directory: string; readonly file: string } | null;
  /** Whether it was found only because the checkout was the working directory. */
  readonly byDirectoryOnly: boolean;
}

/** Whether a venv belongs to this checkout, and the evidence. */
export interface Fit {
  readonly fits: boolean;
  readonly detail: string;
}

/**
 * Whether the Python that imported these is one for this checkout: the package under test has to be
 * this checkout's own source. Otherwise the processes that tractor starts import other code than
 * the tests do.
 */
export function fitOf({ own, byDirectoryOnly }: Imported, root: string): Fit {
  if (!own) return { fits: true, detail: "the project has no package of its own" };
  if (isInside(own.file, own.directory)) {
    const how = byDirectoryOnly
      ? ", but only with the project's root as working directory: it is not installed in the venv"
      : "";
    return { fits: true, detail: `${own.name} is ${own.file}${how}` };
  }
  const what = isInstalledCopy(own.file) && isInside(own.file, root)
    ? "an installed copy, not the source in"
    : "outside of";
  return { fits: false, detail: `${own.name} resolves to ${own.file}: ${what} ${own.directory}` };
}

/**
 * What pytest printed from its errors on: the ids of what it has collected come before. All of it
 * where there is no such heading.
 */
export function errorsOf(printed: string): string {
  const heading = /^=+ ERRORS =+$/m.exec(printed);
  return heading === null ? printed : printed.slice(heading.index + heading[0].length);
}

/**
 * The last lines of what a program printed, empty ones left out: the part of a traceback that says
 * what is wrong.
 */
export function lastLines(text: string, count: number): string[] {
  return text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "").slice(-count);
}
