import { resolve } from "@std/path";
import { PreflightError, ToolMissingError } from "../../errors.ts";
import type { Host, ProgramResult } from "../host.ts";
import { PROGRAMS } from "../../tables/programs.ts";

/**
 * Options of every call: nothing that the repository configures is run, and the index is not
 * written. `git diff` and `git status` are never used: both refresh the index, even without
 * optional locks.
 */
const GLOBAL_OPTIONS = ["-c", "core.fsmonitor=false"] as const;

/** Raw, separated by NUL, renames as two changes, without programs that the repository sets. */
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

/** Every file as text; each line after its path and NUL; independent of configuration. */
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
  /** Object id on the left side. */
  readonly oldId: string;
  /** Object id on the right side; all zeros if only the work tree has it. */
  readonly newId: string;
  /** File modes as git writes them, octal: `100644`. */
  readonly oldMode: string;
  readonly newMode: string;
}

/** The absolute paths of a repository; the first two differ in a linked worktree. */
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
   * @throws {PreflightError} outside of a work tree, with git's message
   */
  async prefix(): Promise<string> {
    const words = ["rev-parse", "--show-prefix"];
    const result = await this.#run(words, "where the project is in its repository");
    if (result.code === 0) return textOf(result.stdout).replace(/\n$/, "");
    const message = messageOf(result);
    throw new PreflightError(
      "no-repository",
      `Cannot ask git about "${this.directory}": ${message}`,
      message.includes("dubious ownership")
        ? `git trusts it after: git config --global --add safe.directory ${this.directory}`
        : "this needs a git work tree",
    );
  }

  /**
   * {@linkcode prefix}, and the current commit; null before the first one.
   *
   * @throws {PreflightError} as {@linkcode prefix}
   */
  async here(): Promise<{ readonly prefix: string; readonly head: string | null }> {
    const words = ["rev-parse", "--show-prefix", "HEAD^{commit}"];
    const result = await this.#run(words, "where the project is, and at which commit");
    const [, prefix, head] = /^(.*)\n([0-9a-f]{40,})\n$/s.exec(textOf(result.stdout)) ?? [];
    if (result.code === 0 && prefix !== undefined && head !== undefined) return { prefix, head };
    return { prefix: await this.prefix(), head: await this.commit("HEAD") };
  }

  /**
   * `core.hooksPath`, `~` expanded, otherwise as written (relative to the top of the work tree);
   * null if it is not set.
   *
   * @throws {PreflightError} if git fails
   */
  async hooksPath(): Promise<string | null> {
    const words = ["config", "--type=path", "--get", "core.hooksPath"];
    const result = await this.#run(words, "whether the hooks are elsewhere");
    if (result.code === 1) return null;
    if (result.code === 0) return textOf(result.stdout).replace(/\n$/, "");
    throw new PreflightError(
      "git",
      `Cannot ask git for core.hooksPath: ${messageOf(result)}`,
      "try: git config --type=path --get core.hooksPath",
    );
  }

  /** Where the repository is; null outside of one, or if git fails. */
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

  /** Full names of the references that match the patterns, with their objects. */
  async references(patterns: readonly string[]): Promise<Map<string, string>> {
    const words = ["for-each-ref", "--format=%(objectname) %(refname)", ...patterns];
    const result = await this.#run(words, "which main branches exist");
    const lines = textOf(result.stdout).matchAll(/^(\S+) (.*)$/gm);
    return new Map(Array.from(lines, ([, object, name]) => [name!, object!]));
  }

  /** The best common ancestor of two commits; null if they have none. */
  async mergeBase(one: string, other: string): Promise<string | null> {
    const result = await this.#run(["merge-base", one, other], "where the branch began");
    return result.code === 0 ? textOf(result.stdout).trim().split("\n")[0]! : null;
  }

  /** Whether the clone has only a part of its history. */
  async isShallow(): Promise<boolean> {
    const words = ["rev-parse", "--is-shallow-repository"];
    const result = await this.#run(words, "whether the history is complete");
    return textOf(result.stdout).trim() === "true";
  }

  /** The changes between two commits. */
  async committed(from: string, to: string): Promise<RawChange[]> {
    const words = ["diff-tree", ...DIFF_OPTIONS, from, to];
    return parseRawDiff(await this.#output(words, "what the branch's commits changed"));
  }

  /** The changes between a commit and the index. */
  async staged(commit: string): Promise<RawChange[]> {
    const words = ["diff-index", "--cached", ...DIFF_OPTIONS, commit];
    return parseRawDiff(await this.#output(words, "what is staged"));
  }

  /**
   * Possible changes between the index and the work tree, including files that were only touched:
   * git could exclude those only by writing the index. Files as new as the index are compared by
   * content, so the repository's clean filters are switched off.
   */
  async unstaged(): Promise<RawChange[]> {
    const words = ["diff-files", ...DIFF_OPTIONS];
    const env = filtersOff(await this.#filterKeys());
    return parseRawDiff(await this.#output(words, "what is not staged", env));
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
    const words = ["config", "-z", "--name-only", "--get-regexp", "^filter\\."];
    const result = await this.#run(words, "which filters would run");
    return result.code === 0 ? parseNulList(result.stdout) : [];
  }

  /** Files below the directory that the index has; relative to git's top level. */
  async tracked(): Promise<string[]> {
    const words = ["ls-files", "--cached", "--full-name", "-z"];
    return parseNulList(await this.#output(words, "what is staged, before the first commit"));
  }

  /** Files below the directory that git neither tracks nor ignores; relative to git's top level. */
  async untracked(): Promise<string[]> {
    const words = ["ls-files", "--others", "--exclude-standard", "--full-name", "-z"];
    return parseNulList(await this.#output(words, "which files are new"));
  }

  /** Files below the directory, relative to it, without those that git ignores. */
  async files(): Promise<string[]> {
    const words = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    return parseNulList(await this.#output(words, "which files are watched"));
  }

  /** Tracked regular files whose content git reads from the work tree; relative. */
  async plainFiles(paths: readonly string[]): Promise<string[]> {
    const words = ["ls-files", "--cached", "--stage", "-v", "-z", "--", ...paths];
    const files = parseNulList(await this.#output(words, "which files are searched"));
    const plain = files.filter((line) => line.startsWith("H 100"));
    return plain.map((line) => line.slice(line.indexOf("\t") + 1));
  }

  /**
   * The lines of tracked files that match a Perl expression: the path relative to the directory,
   * NUL, and the line. Null if this git does not support it.
   */
  async linesMatching(expression: string, paths: readonly string[]): Promise<string | null> {
    // More threads than free processors are slower.
    const threads = Math.max(1, Math.min(MOST_THREADS, this.host.processors - 1));
    const options = [`--threads=${threads}`, ...GREP_OPTIONS];
    const words = ["grep", ...options, "-e", expression, "--", ...paths];
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
      throw new PreflightError(
        "git",
        `git ${args[0]} failed: ${messageOf(result)}`,
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
      // The environment is otherwise empty: no GIT_DIR of a hook, no GIT_EXTERNAL_DIFF. HOME and
      // XDG_CONFIG_HOME lead to the user's configuration, as for `safe.directory`.
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
      const { packages } = PROGRAMS.find((row) => row.name === "git")!;
      throw new ToolMissingError("git", `install the package "${packages}"`);
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

/** The first line of git's error message. */
function messageOf({ stderr }: ProgramResult): string {
  return textOf(stderr).trim().split("\n")[0]!.replace(/^fatal: /, "");
}

/**
 * Variables that disable the filters with these keys, by an empty command. Variables, since a key
 * may contain any character.
 */
export function filtersOff(keys: readonly string[]): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(keys.length) };
  keys.forEach((key, index) => {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = key.endsWith(".required") ? "false" : "";
  });
  return env;
}

/** A raw change without its path, by the names of {@linkcode RawChange}. */
const RAW_ENTRY =
  /^:(?<oldMode>\d+) (?<newMode>\d+) (?<oldId>[0-9a-f]+) (?<newId>[0-9a-f]+) (?<status>[A-Z])\d*$/;

/** Parses `--raw -z`: `:mode mode id id status`, NUL, path, NUL. Ignores malformed entries. */
export function parseRawDiff(output: Uint8Array): RawChange[] {
  const changes: RawChange[] = [];
  const parts = parseNulList(output);
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const entry = RAW_ENTRY.exec(parts[index]!);
    if (entry) changes.push({ path: parts[index + 1]!, ...entry.groups } as RawChange);
  }
  return changes;
}

/** Splits a list at NUL. */
export function parseNulList(output: Uint8Array): string[] {
  return textOf(output).split("\0").filter((part) => part !== "");
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
