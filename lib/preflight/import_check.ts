import { isInside } from "../base/paths.ts";
import { isInstalledCopy } from "../project/rules_venv.ts";

/** Where a Python found the package under test. */
export interface Imported {
  /**
   * Its import name, its directory in the checkout, and the file that was imported; symlinks
   * resolved. Null if the project has no package.
   */
  readonly own: { readonly name: string; readonly directory: string; readonly file: string } | null;
  /** Whether it was found only because the checkout was the working directory. */
  readonly byDirectoryOnly: boolean;
}

/** Whether a venv belongs to this checkout, and the evidence. */
export interface Fit {
  readonly fits: boolean;
  readonly detail: string;
  /** Whether the tests run against an installed copy. */
  readonly isCopy: boolean;
}

/**
 * Whether a Python imports the package under test from this checkout's source. If it does not, the
 * processes that tests start import other code than the tests do. An installed copy is intended
 * where packages are tested as they are installed; in tractor's own repository it is a mistake.
 */
export function fitOf({ own, byDirectoryOnly }: Imported, isTractor: boolean): Fit {
  if (!own) return { fits: true, detail: "the project has no package of its own", isCopy: false };
  if (isInside(own.file, own.directory)) {
    const how = byDirectoryOnly
      ? ", but only with the project's root as working directory: it is not installed in the venv"
      : "";
    return { fits: true, detail: `${own.name} is ${own.file}${how}`, isCopy: false };
  }
  const isCopy = isInstalledCopy(own.file);
  const what = isCopy ? "an installed copy, not the source in" : "outside of";
  const detail = `${own.name} resolves to ${own.file}: ${what} ${own.directory}`;
  return { fits: isCopy && !isTractor, detail, isCopy };
}

/** The output of pytest from its ERRORS heading on, or all of it without such a heading. */
export function errorsOf(printed: string): string {
  const heading = /^=+ ERRORS =+$/m.exec(printed);
  return heading === null ? printed : printed.slice(heading.index + heading[0].length);
}
