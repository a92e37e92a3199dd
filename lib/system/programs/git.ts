import { resolve } from "@std/path";
import { PreflightError, ToolMissingError } from "../../errors.ts";
import type { Host, ProgramResult } from "../host.ts";
import { PROGRAMS } from "../../tables/programs.ts";

/**
 * What every call begins with: nothing that the repo configures is run, and the index is left
 * alone. `git diff` and `git status` are never used: both refresh the index, even without optional
 * locks.
 */
const GLOBAL_OPTIONS = ["-c", "core.fsmonitor=false"] as const;

/**
 * Raw, by NUL, without renames (both names count), without anything that would run a program of the
 * repo's choice.
 */
const DIFF_OPTIONS = [
  "--raw",
  "-z",
  "-r",
  "--no-renames",
  "--no-abbrev",
  "--no-ext-diff",
  "--no-textconv",
  "--ignore-submodules=dirty",
] as const;

/** Every file as text, a path in front of each line, behind it NUL; whatever else is configured. */
const GREP_OPTIONS = [
  "--perl-regexp",
  "--text",
  "--null",
  "-H",
  "--no-color",
  "--no-line-number",
  "--no-column",
  "--no-full-name",
  "--no-recurse-submodules",
  "--no-textconv",
] as const;

const MOST_THREADS = 8;

const TIMEOUT_MS = 60_000;

/** One line of a raw diff. */
export interface RawChange {
  /** Relative to git's top level. */
  readonly path: string;
  /** git's letter: A, D, M, T or U. */
  readonly status: string;
  /** Object id on the left side: what it is compared with. */
  readonly oldId: string;
  /** Object id on the right side; all zeros when only the work tree has it. */
  readonly newId: string;
  /** File modes as git writes them, octal: `100644`. */
  readonly oldMode: string;
  readonly newMode: string;
}

/** Where a repository is, absolute. In a linked worktree the two directories of git differ. */
export interface GitLocation {
  readonly gitDirectory: string;
  readonly commonDirectory: string;
  readonly topLevel: string;
}

/** git in one directory, read only. */
export class Git {
  /** @param directory where git is run: the project's root */
  constructor(readonly host: Host, readonly directory: string) {}

  /**
   * The path from git's top level to the directory, with a slash at the end; empty at the top
   * level.
   *
   * @throws {PreflightError} outside of a work tree, with git's own words
   */
  async prefix(): Promise<string> {
    const result = await this.#run(
      ["rev-parse", "--show-prefix"],
      "where the project lies in its repository",
    );
    if (result.code !== 0) {
      const words = textOf(result.stderr).trim().split("\n")[0] ?? "";
      const hint = words.includes("dubious ownership")
        ? `git trusts it after: git config --global --add safe.directory ${this.directory}`
        : "this needs a git work tree";
      throw new PreflightError(
        "no-repository",
        `Cannot ask git about "${this.directory}": ${words.replace(/^fatal: /, "")}`,
        hint,
      );
    }
    return textOf(result.stdout).replace(/\n$/, "");
  }

  /**
   * The path from git's top level to the directory, and the commit at hand; null before the first
   * one.
   *
   * @throws {PreflightError} as {@linkcode prefix}
   */
  async here(): Promise<{ readonly prefix: string; readonly head: string | null }> {
    const result = await this.#run(
      ["rev-parse", "--show-prefix", "HEAD^{commit}"],
      "where the project lies in its repository, and at which commit",
    );
    const [, prefix, head] = /^(.*)\n([0-9a-f]{40,})\n$/s.exec(textOf(result.stdout)) ?? [];
    if (result.code === 0 && prefix !== undefined && head !== undefined) return { prefix, head };
    return { prefix: await this.prefix(), head: await this.commit("HEAD") };
  }

  /**
   * `core.hooksPath`, `~` expanded, otherwise as written (relative to the top of the work tree);
   * null if it is not set.
   *
   * @throws {PreflightError} when git can't say
   */
  async hooksPath(): Promise<string | null> {
    const result = await this.#run(
      ["config", "--type=path", "--get", "core.hooksPath"],
      "whether the hooks are elsewhere",
    );
    if (result.code === 1) return null;
    if (result.code === 0) return textOf(result.stdout).replace(/\n$/, "");
    const words = textOf(result.stderr).trim().split("\n")[0] ?? "";
    throw new PreflightError(
      "git",
      `Cannot ask git for core.hooksPath: ${words.replace(/^fatal: /, "")}`,
      "try: git config --type=path --get core.hooksPath",
    );
  }

  /** Where the repository is; null outside of one, or when git can't say. */
  async location(): Promise<GitLocation | null> {
    const words = ["rev-parse", "--git-dir", "--git-common-dir", "--show-toplevel"];
    const result = await this.#run(words, "whether this is a linked worktree");
    const [own, common, top] = textOf(result.stdout).split("\n");
    if (result.code !== 0 || !own || !common || !top) return null;
    return {
      gitDirectory: resolve(this.directory, own),
      commonDirectory: resolve(this.directory, common),
      topLevel: top,
    };
  }

  /** The commit that a revision names; null if it names none. */
  async commit(revision: string): Promise<string | null> {
    const words = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`];
    const result = await this.#run(words, `which commit ${revision} is`);
    return result.code === 0 ? textOf(result.stdout).trim() : null;
  }

  /** Full names of the references that match the patterns, with what they point at. */
  async references(patterns: readonly string[]): Promise<Map<string, string>> {
    const result = await this.#run([
      "for-each-ref",
      "--format=%(objectname) %(refname)",
      ...patterns,
    ], "which main branches there are");
    const lines = textOf(result.stdout).split("\n").filter((line) => line !== "");
    return new Map(
      lines.map((line) => [line.slice(line.indexOf(" ") + 1), line.slice(0, line.indexOf(" "))]),
    );
  }

  /** The best common ancestor of two commits; null if they have none. */
  async mergeBase(one: string, other: string): Promise<string | null> {
    const result = await this.#run(["merge-base", one, other], "where the branch began");
    return result.code === 0 ? textOf(result.stdout).trim().split("\n")[0]! : null;
  }

  /** Whether the clone has only the last part of its history. */
  async isShallow(): Promise<boolean> {
    const result = await this.#run(
      ["rev-parse", "--is-shallow-repository"],
      "whether the history is all here",
    );
    return textOf(result.stdout).trim() === "true";
  }

  /** What differs between two commits. */
  async committed(from: string, to: string): Promise<RawChange[]> {
    return parseRawDiff(
      await this.#output(
        ["diff-tree", ...DIFF_OPTIONS, from, to],
        "what the branch's commits changed",
      ),
    );
  }

  /** What differs between a commit and the index. */
  async staged(commit: string): Promise<RawChange[]> {
    return parseRawDiff(
      await this.#output(["diff-index", "--cached", ...DIFF_OPTIONS, commit], "what is staged"),
    );
  }

  /**
   * What may differ between the index and the work tree: also files that were only touched, which
   * git can't tell without writing the index. Files as young as the index are compared by content,
   * which would run the repo's clean filters: they are switched off.
   */
  async unstaged(): Promise<RawChange[]> {
    const env = filtersOff(await this.#filterKeys());
    return parseRawDiff(
      await this.#output(["diff-files", ...DIFF_OPTIONS], "what is not staged", env),
    );
  }

  /** How a file in the work tree differs from a commit, as a diff without context. */
  async diffOf(commit: string, path: string): Promise<string> {
    const env = filtersOff(await this.#filterKeys());
    const words = [
      "diff-index",
      "--patch",
      "--unified=0",
      "--no-color",
      "--no-renames",
      "--no-ext-diff",
      "--no-textconv",
      commit,
      "--",
      `:(literal)${path}`,
    ];
    return textOf(await this.#output(words, `which lines of ${path} changed`, env));
  }

  async #filterKeys(): Promise<string[]> {
    const result = await this.#run(
      ["config", "-z", "--name-only", "--get-regexp", "^filter\\."],
      "which filters would run",
    );
    return result.code === 0 ? parseNulList(result.stdout) : [];
  }

  /** Files below the directory that the index has; relative to git's top level. */
  async tracked(): Promise<string[]> {
    return parseNulList(
      await this.#output(
        ["ls-files", "--cached", "--full-name", "-z"],
        "what is staged, before the first commit",
      ),
    );
  }

  /** Files below the directory that git neither tracks nor ignores; relative to git's top level. */
  async untracked(): Promise<string[]> {
    return parseNulList(
      await this.#output(
        ["ls-files", "--others", "--exclude-standard", "--full-name", "-z"],
        "which files are new",
      ),
    );
  }

  /**
   * Plain files that git tracks and whose content it takes from the work tree, relative to the
   * directory.
   */
  async plainFiles(paths: readonly string[]): Promise<string[]> {
    const words = ["ls-files", "--cached", "--stage", "-v", "-z", "--", ...paths];
    const files = parseNulList(await this.#output(words, "which files are searched"));
    return files.filter((line) => line.startsWith("H 100")).map((line) =>
      line.slice(line.indexOf("\t") + 1)
    );
  }

  /**
   * The lines of tracked files that match an expression as Perl has them: of each the path relative
   * to the directory, NUL, the line. Null where this git can't tell.
   */
  async linesMatching(expression: string, paths: readonly string[]): Promise<string | null> {
    // Threads that outnumber the processors which are free cost more than they bring.
    const threads = Math.max(1, Math.min(MOST_THREADS, this.host.processors - 1));
    const words = [
      "grep",
      `--threads=${threads}`,
      ...GREP_OPTIONS,
      "-e",
      expression,
      "--",
      ...paths,
    ];
    const { code, stdout } = await this.#run(words, "which lines import something");
    return code === 0 || code === 1 ? textOf(stdout) : null;
  }

  async #output(
    args: readonly string[],
    why: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Uint8Array> {
    const result = await this.#run(args, why, env);
    if (result.code !== 0) {
      const words = textOf(result.stderr).trim().split("\n")[0] ?? "";
      throw new PreflightError(
        "git",
        `git ${args[0]} failed: ${words.replace(/^fatal: /, "")}`,
        `try: git -C ${this.directory} status`,
      );
    }
    return result.stdout;
  }

  async #run(
    args: readonly string[],
    why: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<ProgramResult> {
    const [home, config] = [this.host.env("HOME"), this.host.env("XDG_CONFIG_HOME")];
    const result = await this.host.programs.run("git", [...GLOBAL_OPTIONS, ...args], {
      why,
      cwd: this.directory,
      timeoutMs: TIMEOUT_MS,
      // The environment is otherwise empty: no GIT_DIR of a hook, no GIT_EXTERNAL_DIFF. Those two
      // have the user's configuration: `safe.directory`.
      env: {
        GIT_OPTIONAL_LOCKS: "0",
        GIT_NO_LAZY_FETCH: "1",
        GIT_TERMINAL_PROMPT: "0",
        ...(home === undefined ? {} : { HOME: home }),
        ...(config === undefined ? {} : { XDG_CONFIG_HOME: config }),
        ...more,
      },
    });
    if (result.outcome === "missing") {
      throw new ToolMissingError("git", `install the package "${PACKAGES}"`);
    }
    if (result.outcome === "timed-out") {
      throw new PreflightError(
        "git-timed-out",
        `git ${args[0]} did not answer within ${TIMEOUT_MS / 1000} s`,
        `try: git -C ${this.directory} status`,
      );
    }
    return result;
  }
}

const PACKAGES = PROGRAMS.find((row) => row.name === "git")!.packages;

/**
 * Variables that make git see no filter under these keys: an empty command is none. As variables,
 * since a key may hold any character.
 */
export function filtersOff(keys: readonly string[]): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(keys.length) };
  keys.forEach((key, index) => {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = key.endsWith(".required") ? "false" : "";
  });
  return env;
}

/**
 * The entries of `--raw -z`: `:mode mode id id status`, NUL, path, NUL. What does not look like
 * that is left out.
 */
export function parseRawDiff(output: Uint8Array): RawChange[] {
  const changes: RawChange[] = [];
  const parts = parseNulList(output);
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const [, oldMode, newMode, oldId, newId, status] =
      /^:(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*$/.exec(parts[index]!) ?? [];
    if (status) {
      changes.push({
        path: parts[index + 1]!,
        status,
        oldId: oldId!,
        newId: newId!,
        oldMode: oldMode!,
        newMode: newMode!,
      });
    }
  }
  return changes;
}

/** The parts of a list that is divided by NUL. */
export function parseNulList(output: Uint8Array): string[] {
  return textOf(output).split("\0").filter((part) => part !== "");
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
