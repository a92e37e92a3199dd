import { fileOf } from "../pytest/lastfailed.ts";
import type { Change } from "../affected/affected_targets.ts";
import { isWithin } from "../project/rules_targets.ts";
import { EXIT, type ExitCode, PYTEST_EXIT } from "../tables/exit_codes.ts";

/** The content of each watched file, by a digest. Paths are relative to the project's root. */
export type Contents = ReadonlyMap<string, string>;

/** Directories of tools, which no one edits. */
const TOOL_DIRECTORIES: ReadonlySet<string> = new Set([
  ...[".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__"],
  ...[".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".eggs", "htmlcov", ".idea"],
  ".ipynb_checkpoints",
]);

/** Files that editors write beside the one that is saved, and that coverage and Python write. */
const SCRATCH_FILES: readonly RegExp[] = [
  // vim: the probe of a directory, swap files, and the backup, which emacs writes too.
  /^4913$|\.sw[a-z]$|~$/,
  // emacs: locks and autosaves.
  /^\.#|^#.*#$/,
  // IntelliJ, gedit and KDE, and all that save by renaming.
  /___jb_(?:tmp|old|bak)___$|^\.goutputstream-|\.kate-swp$|\.tmp(?:\.[\w.]+)?$/,
  /\.py[cod]$|^\.coverage(?:\..+)?$|^\.testmondata|^\.DS_Store$/,
];

/** Whether a file can't be what a person edits, by its path. */
export function isScratch(path: string): boolean {
  const parts = path.split("/");
  const name = parts.pop()!;
  return parts.some((part) => TOOL_DIRECTORIES.has(part)) ||
    SCRATCH_FILES.some((pattern) => pattern.test(name));
}

/** The paths without scratch files and without those of virtual environments. */
export function watchedAmong(paths: readonly string[]): string[] {
  const venvs = paths.filter((path) => path.endsWith("/pyvenv.cfg"))
    .map((path) => path.slice(0, -"/pyvenv.cfg".length));
  return [...new Set(paths)].filter((path) =>
    !isScratch(path) && !venvs.some((venv) => isWithin(path, venv))
  );
}

/** What differs between two states of files, sorted by path. */
export function changesBetween(before: Contents, after: Contents): Change[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path): Change[] => {
    const [old, now] = [before.get(path), after.get(path)];
    if (old === now) return [];
    if (now === undefined) return [{ path, status: "deleted", where: "unstaged" }];
    if (old === undefined) return [{ path, status: "added", where: "untracked" }];
    return [{ path, status: "modified", where: "unstaged" }];
  });
}

/** Joins changes to earlier ones, each path once. A file that came and went has not changed. */
export function joined(earlier: readonly Change[], later: readonly Change[]): Change[] {
  const all = new Map(earlier.map((change) => [change.path, change]));
  for (const change of later) {
    const before = all.get(change.path)?.status;
    if (before === "added" && change.status === "deleted") all.delete(change.path);
    else if (before === "added") all.set(change.path, { ...change, status: "added" });
    else if (before === "deleted") all.set(change.path, { ...change, status: "modified" });
    else all.set(change.path, change);
  }
  return [...all.values()].sort((one, other) => one.path < other.path ? -1 : 1);
}

/** What to do about a file that changed while tests ran. */
export type DuringRun = "restart" | "run-afterwards" | "ignore";

/**
 * The runs in a row with which a file changed, after which it counts as written by the tests. Tests
 * write modules rarely, and people save them during runs all the time.
 */
function mostRunsInRow(path: string): number {
  return path.endsWith(".py") ? 4 : 2;
}

/**
 * Tells files that tests write from files that people edit: the first change during a run restarts
 * it; a file that changes again with the next run does not; and one that changes with several runs
 * in a row starts none, until it changes while no tests run. So no sequence of runs is endless
 * because of what tests write.
 */
export class WrittenByTests {
  /** With how many runs in a row each file changed. */
  #inRow = new Map<string, number>();
  #thisRun = new Map<string, number>();
  readonly #reported = new Set<string>();

  /** A run starts. */
  begin(): void {
    this.#inRow = this.#thisRun;
    this.#thisRun = new Map();
  }

  /** A file changed during this run or right after it. */
  during(path: string): DuringRun {
    const count = this.#thisRun.get(path) ?? (this.#inRow.get(path) ?? 0) + 1;
    this.#thisRun.set(path, count);
    if (count >= mostRunsInRow(path)) return "ignore";
    return count === 1 ? "restart" : "run-afterwards";
  }

  /** A file changed while no tests ran: a person did it. */
  apart(path: string): void {
    this.#inRow.delete(path);
    this.#thisRun.delete(path);
    this.#reported.delete(path);
  }

  /** Whether it is the first time since then that this is asked about a file. */
  isNews(path: string): boolean {
    const isNews = !this.#reported.has(path);
    this.#reported.add(path);
    return isNews;
  }
}

/** The targets inside of `limits`, and limits inside of a target; all without limits. */
export function targetsWithin(targets: readonly string[], limits: readonly string[]): string[] {
  if (limits.length === 0) return [...targets];
  const found = targets.flatMap((target) =>
    limits.some((limit) => contains(limit, target))
      ? [target]
      : limits.filter((limit) => contains(target, limit))
  );
  return [...new Set(found)];
}

/** Whether a target is, or is inside of, another: a directory, a file, a class or a test. */
function contains(outer: string, inner: string): boolean {
  const whole = outer.replace(/\/$/, "");
  return whole === "." || inner === outer || isWithin(fileOf(inner), whole) ||
    inner.startsWith(`${whole}::`) || inner.startsWith(`${whole}[`);
}

/**
 * A target for a test that failed, which may have been renamed since: pytest runs nothing at all if
 * one of its targets does not exist, and forgets no failure of a test that is gone. A function that
 * the text of its file still defines, with all of its parameters; else the file. Null for one whose
 * name is nowhere in it; a method may be inherited.
 */
export function targetOfFailed(test: string, text: string): string | null {
  const [file = test, name = "", ...more] = test.split("::");
  const plain = name.replace(/\[.*$/s, "");
  if (!/^\w+$/.test(plain) || more.length > 0) return file;
  if (new RegExp(`^(?:async )?def ${plain}\\(`, "m").test(text)) return `${file}::${plain}`;
  return new RegExp(`\\b${plain}\\b`).test(text) ? file : null;
}

/** Whether a run with this exit code answered for all of its tests. */
export function isAnswer(code: ExitCode): boolean {
  return code === EXIT.ok || code === EXIT.testsFailed || code === PYTEST_EXIT.noTests ||
    code === EXIT.leakedButPassed;
}
