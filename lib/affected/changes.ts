import type { Change } from "./affected_targets.ts";
import { join } from "@std/path";
import { plural } from "../base/plural.ts";
import { TractestError, UsageError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { Git, type RawChange } from "../system/programs/git.ts";
import type { Project } from "../project/project.ts";

/** Which changes are wanted: all of the branch, only uncommitted ones, or only staged ones. */
export type ChangeKind = "branch" | "uncommitted" | "staged";

/** The options that narrow what counts as changed. */
export const CHANGE_KINDS = ["staged", "uncommitted"] as const;

/** Which changes are asked for by options. */
export function changeKindOf(
  options: Readonly<Record<typeof CHANGE_KINDS[number], boolean>>,
): ChangeKind {
  return CHANGE_KINDS.find((kind) => options[kind]) ?? "branch";
}

/** What {@linkcode changesSince} found. */
export interface ChangeSet {
  /** Each path once, with the latest of its changes; sorted by path. */
  readonly changes: readonly Change[];
  /** The revision and the commit of the comparison; null if only uncommitted changes were read. */
  readonly base: { readonly name: string; readonly commit: string } | null;
  /** Why the changes of the branch's commits are unknown; null if known, or not wanted. */
  readonly unknown: string | null;
  /** What is missing from the changes, ready to show. */
  readonly notes: readonly string[];
}

/** Main branches, the likeliest first: of the repo that a fork came from, then of its own. */
const MAIN_BRANCHES = [
  "refs/remotes/upstream/HEAD",
  "refs/remotes/upstream/main",
  "refs/remotes/upstream/master",
  "refs/remotes/origin/HEAD",
  "refs/remotes/origin/main",
  "refs/remotes/origin/master",
  "refs/heads/main",
  "refs/heads/master",
] as const;

/** The mode by which git marks the commit of a submodule. */
const SUBMODULE_MODE = "160000";

/** What Python compiles and we write, which repositories without a `.gitignore` list as new. */
const WRITTEN = /(?:^|\/)(?:__pycache__\/|tractest-report\.html$|tractest-bundle-[^/]*\.tar\.gz$)/;

/** The largest file that is hashed to find out whether its content changed, in bytes. */
const HASHED_SIZE_LIMIT = 32 * 1024 * 1024;

/**
 * Finds the changed files below the project's root by git, without touching the index.
 *
 * @param wanted `base`: a revision to compare with instead of the merge base with the main branch
 * @throws {PreflightError} outside of a git work tree, or when git fails
 * @throws {ToolMissingError} without git
 * @throws {UsageError} when `base` names no commit
 */
export async function changesSince(
  host: Host,
  project: Project,
  wanted: { kind: ChangeKind; base?: string | null },
): Promise<ChangeSet> {
  const git = new Git(host, project.root);
  const [{ prefix, head }, main] = await Promise.all([
    git.here(),
    wanted.kind === "branch" && wanted.base == null ? mainBranch(git) : undefined,
  ]);
  const isStagedOnly = wanted.kind === "staged";
  const reads = [
    wanted.kind === "branch"
      ? committedSince(git, head, wanted.base ?? null, main)
      : { base: null, unknown: null, notes: [], committed: [] },
    head ? git.staged(head) : [],
    head ? [] : git.tracked(),
    isStagedOnly
      ? []
      : git.unstaged().then((changes) => withoutTouched(host, project, prefix, changes)),
    isStagedOnly ? [] : git.untracked(),
  ] as const;
  const [{ base, unknown, notes, committed }, staged, tracked, unstaged, untracked] = await Promise
    .all(reads);
  const asAdded = (paths: readonly string[]) => paths.map((path) => ({ path, status: "A" }));
  const found = [
    ...changesIn(prefix, "committed", committed),
    ...changesIn(prefix, "staged", [...staged, ...asAdded(tracked)]),
    ...changesIn(prefix, "unstaged", unstaged),
    ...changesIn(prefix, "untracked", asAdded(untracked.filter((path) => !WRITTEN.test(path)))),
  ];
  const latest = new Map(found.map((change) => [change.path, change]));
  const changes = [...latest.values()].sort((a, b) => a.path < b.path ? -1 : 1);
  const hasSubmodules = !isStagedOnly &&
    await host.files.stat(join(project.root, ".gitmodules")) !== null;
  const inside = hasSubmodules ? ["uncommitted changes inside submodules are not included"] : [];
  const outside = outsideOf(prefix, [...committed, ...staged, ...unstaged]);
  return { changes, base, unknown, notes: [...notes, ...inside, ...outside] };
}

/** A note of changed modules outside of the project, which its tests may import. */
function outsideOf(prefix: string, changes: readonly Pick<RawChange, "path">[]): string[] {
  const modules = changes.map(({ path }) => path)
    .filter((path) => path.endsWith(".py") && !path.startsWith(prefix));
  const [first, ...others] = [...new Set(modules)].sort();
  if (first === undefined) return [];
  const more = others.length === 0 ? "" : ` and ${plural(others.length, "other Python file")}`;
  return [`not included, since outside of this project: ${first}${more}`];
}

/** The changes below a prefix, by their paths there. */
function changesIn(
  prefix: string,
  where: Change["where"],
  changes: readonly (Pick<RawChange, "path" | "status"> & Partial<RawChange>)[],
): Change[] {
  return changes.filter(({ path }) => path.startsWith(prefix))
    .map(({ path, status, oldMode, newMode }) => ({
      path: path.slice(prefix.length),
      status: status === "A" ? "added" : status === "D" ? "deleted" : "modified",
      where,
      ...([oldMode, newMode].includes(SUBMODULE_MODE) ? { submodule: true } : {}),
    }));
}

interface MainBranch {
  readonly reference: string;
  readonly commit: string;
}

/** The main branch; undefined if there is none. */
async function mainBranch(git: Git): Promise<MainBranch | undefined> {
  const known = await git.references(MAIN_BRANCHES);
  const reference = MAIN_BRANCHES.find((name) => known.has(name));
  return reference && { reference, commit: known.get(reference)! };
}

/** Reads what the commits of the branch changed, and since which commit. */
async function committedSince(
  git: Git,
  head: string | null,
  wanted: string | null,
  main: MainBranch | undefined,
) {
  const { base, unknown = null, notes } = await baseOf(git, head, wanted, main);
  const isAhead = base && head && base.commit !== head;
  return { base, unknown, notes, committed: isAhead ? await git.committed(base.commit, head) : [] };
}

async function baseOf(
  git: Git,
  head: string | null,
  wanted: string | null,
  main: MainBranch | undefined,
): Promise<{ base: ChangeSet["base"]; unknown?: string; notes: string[] }> {
  if (wanted !== null) {
    const commit = await git.commit(wanted);
    if (commit === null) {
      throw new UsageError(
        `git knows no commit "${wanted}"`,
        "--base takes a branch, a tag or a commit",
      );
    }
    const base = head === null ? null : await git.mergeBase(head, commit);
    if (base !== null) return { base: { name: wanted, commit: base }, notes: [] };
    const note = `no common ancestor with ${wanted}: this branch is compared with ${wanted} itself`;
    return { base: { name: wanted, commit }, notes: [note] };
  }
  if (head === null) {
    const note = "there is no commit yet; everything in the index counts as changed";
    return { base: null, notes: [note] };
  }
  if (main === undefined) return unknownSince("no main branch was found");
  const name = main.reference.replace(/^refs\/(heads|remotes)\//, "");
  const base = main.commit === head ? head : await git.mergeBase(head, main.commit);
  if (base === null) {
    const shallow = `this shallow clone does not reach back to where the branch left ${name}`;
    return unknownSince(
      await git.isShallow()
        ? `${shallow} (git fetch --unshallow)`
        : `this branch has no common ancestor with ${name}`,
    );
  }
  return { base: { name, commit: base }, notes: [] };
}

function unknownSince(unknown: string) {
  const advice = `give a base with --base REV, or set the main branch: ${SET_MAIN}`;
  return {
    base: null,
    unknown,
    notes: [`${unknown}; only uncommitted changes are known; ${advice}`],
  };
}

/** Sets the main branch in git, for the runs of a hook too. */
export const SET_MAIN = "git remote set-head origin BRANCH";

/**
 * Leaves out files whose content is that of the index: git lists a file that was only touched until
 * something rewrites the index, which tractest does not. The content is hashed as it is: where git
 * would convert line ends the file stays in the list.
 */
async function withoutTouched(
  host: Host,
  project: Project,
  prefix: string,
  changes: readonly RawChange[],
): Promise<RawChange[]> {
  const same = await Promise.all(changes.map(async (change) => {
    const isPlain = change.status === "M" && change.oldMode === change.newMode &&
      change.newMode.startsWith("100") && change.path.startsWith(prefix);
    if (!isPlain) return false;
    const path = join(project.root, change.path.slice(prefix.length));
    const size = (await host.files.lstat(path))?.size ?? Infinity;
    const content = size > HASHED_SIZE_LIMIT ? null : await host.files.readFile(path);
    return content !== null && await blobId(content, change.oldId.length) === change.oldId;
  }));
  return changes.filter((_, index) => !same[index]);
}

/** git's object id of a file's content: SHA-1, or SHA-256 in repositories with ids of 64 digits. */
async function blobId(content: Uint8Array, digits: number): Promise<string> {
  const header = new TextEncoder().encode(`blob ${content.length}\0`);
  const whole = new Uint8Array(header.length + content.length);
  whole.set(header);
  whole.set(content, header.length);
  const hash = new Uint8Array(
    await crypto.subtle.digest(digits === 64 ? "SHA-256" : "SHA-1", whole),
  );
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The revision that a run tests. Null: no repository, or unknown. */
export interface Revision {
  readonly commit: string | null;
  /** Whether something differs from that commit. */
  readonly dirty: boolean | null;
}

/** Reads the revision from git. An error of git is no error: a run does not depend on it. */
export async function revisionOf(host: Host, project: Project): Promise<Revision> {
  try {
    const commit = await new Git(host, project.root).commit("HEAD");
    if (commit === null) return { commit: null, dirty: null };
    const { changes } = await changesSince(host, project, { kind: "uncommitted" });
    return { commit, dirty: changes.length > 0 };
  } catch (error) {
    if (error instanceof TractestError) return { commit: null, dirty: null };
    throw error;
  }
}
