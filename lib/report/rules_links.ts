import { isAbsolute, join } from "@std/path";
import { UsageError } from "../errors.ts";

/** Where the links of a page lead. */
export interface SourceLinks {
  /** The project's root. */
  readonly root: string;
  /** A URL with `{path}` (absolute), `{file}` (relative to the root) and `{line}`. */
  readonly template: string;
}

/** Short names for templates of editors. */
const EDITORS: Readonly<Record<string, string>> = {
  file: "file://{path}",
  vscode: "vscode://file{path}:{line}",
  cursor: "cursor://file{path}:{line}",
  idea: "idea://open?file={path}&line={line}",
  pycharm: "pycharm://open?file={path}&line={line}",
};

/** The names that `--link` takes instead of a URL. */
export const LINK_NAMES: readonly string[] = Object.keys(EDITORS);

/**
 * The template that `--link` names.
 *
 * @throws {UsageError} if it is neither a name nor such a URL
 */
export function linkTemplate(word: string): string {
  const template = Object.hasOwn(EDITORS, word) ? EDITORS[word]! : word;
  const isUrl = /^[a-z][a-z0-9+.-]*:[^\s"'<>]+$/i.test(template);
  const isCode = /^(?:javascript|data|vbscript|blob):/i.test(template);
  if (!isUrl || isCode || !/\{(?:path|file)\}/.test(template)) {
    throw new UsageError(
      `"--link" takes ${LINK_NAMES.join(", ")}, or a URL with {path} or {file}, not "${word}"`,
      "for example: --link 'https://github.com/OWNER/NAME/blob/main/{file}#L{line}'",
    );
  }
  return template;
}

/** `tests/test_a.py:12` in its parts; the line is null where none is given. */
export function placeOf(where: string): { readonly file: string; readonly line: number | null } {
  const [, file = where, line = null] = /^(.+):(\d+)$/.exec(where) ?? [];
  return { file, line: line === null ? null : Number(line) };
}

/**
 * The link to a file, with `{line}` still in it; null for a file outside of the project where the
 * template needs its place in it.
 */
export function linkToFile(links: SourceLinks, file: string): string | null {
  const path = isAbsolute(file) ? file : join(links.root, file);
  const inside = path.startsWith(`${links.root}/`) ? path.slice(links.root.length + 1) : null;
  if (inside === null && links.template.includes("{file}")) return null;
  return links.template.replaceAll("{path}", encoded(path)).replaceAll(
    "{file}",
    encoded(inside ?? ""),
  );
}

/** The link to a line, the first one where it is unknown. */
export function linkToLine(links: SourceLinks, file: string, line: number | null): string | null {
  return linkToFile(links, file)?.replaceAll("{line}", String(line ?? 1)) ?? null;
}

/** The URL of a file, by its absolute path. */
export function fileUrl(path: string): string {
  return `file://${encoded(path)}`;
}

/** A path for a URL: its slashes stay. */
function encoded(path: string): string {
  // A lone surrogate can't be encoded.
  return path.toWellFormed().split("/").map(encodeURIComponent).join("/");
}
