import type { FileFacts } from "../system/programs/stat.ts";
import type { Refusal } from "../processes/process.ts";
import { basename, dirname, join, resolve } from "@std/path";
import { type BoundSockets, isBound, refuseDirectory, refuseFile } from "./rules_sockets.ts";
import type { SocketReport } from "./leak_report.ts";
import type { Host } from "../system/host.ts";
import { listUnixSocketsElsewhere, type SocketsElsewhere } from "../system/programs/net_unix.ts";
import type { Project } from "../project/project.ts";

/** A directory in which actors may leave sockets. */
interface SocketDirectory {
  readonly path: string;
  readonly names: RegExp;
  /** For everybody, and sticky: `/tmp`. */
  readonly shared: boolean;
}

/** Files that are named like sockets of actors, and the places that could not be searched. */
export interface SocketFiles {
  readonly paths: readonly string[];
  readonly refused: readonly Refusal[];
}

/**
 * Lists what may be a socket of an actor: in `/tmp`, in tractor's runtime directory, and where the
 * configuration says.
 */
export async function listSocketFiles(host: Host, project: Project): Promise<SocketFiles> {
  const { directories, refused } = directoriesOf(host, project);
  const listed = await Promise.all(directories.map((directory) => listDirectory(host, directory)));
  return {
    paths: [...new Set(listed.flatMap((one) => one.paths))],
    refused: [...refused, ...listed.flatMap((one) => one.refused)],
  };
}

/**
 * The configured directories, and in its profile where tractor puts its sockets: now in the
 * runtime directory, before in `/tmp`.
 */
function directoriesOf(
  host: Host,
  project: Project,
): { directories: SocketDirectory[]; refused: Refusal[] } {
  const configured = project.configuration.socketDirectories.map((path) => ({
    path: resolve(project.root, path),
    names: /\.sock$/,
    shared: true,
  }));
  if (project.profile === "plain") return { directories: configured, refused: [] };
  const uid = host.uid();
  const given = host.env("XDG_RUNTIME_DIR");
  const refused: Refusal[] = given && !given.startsWith("/")
    ? [{ path: given, reason: "XDG_RUNTIME_DIR is not absolute; skipped" }]
    : [];
  // What tractor falls back to when the variable is unset: a hook or a timer may lack it although a
  // shell has it.
  const runtime = new Set([
    ...(given?.startsWith("/") ? [given] : []),
    `/run/user/${uid}`,
    ...(given ? [] : [`/tmp/runtime-${uid}`]),
  ]);
  const any = /\.sock$/;
  return {
    directories: [
      { path: "/tmp", names: /^registry@.*\.sock$/s, shared: true },
      ...[...runtime].map((path) => ({ path: join(path, "tractor"), names: any, shared: false })),
      ...configured,
    ],
    refused,
  };
}

async function listDirectory(
  host: Host,
  { path, names, shared }: SocketDirectory,
): Promise<SocketFiles> {
  try {
    const entries = await host.files.readDirectory(path);
    const found = (entries ?? []).filter((entry) => names.test(entry.name));
    if (found.length === 0) return { paths: [], refused: [] };
    const directory = await host.files.lstat(path);
    const reason = directory ? refuseDirectory(directory, host.uid() ?? -1, shared) : null;
    if (reason) return { paths: [], refused: [{ path, reason }] };
    return { paths: found.map((entry) => join(path, entry.name)), refused: [] };
  } catch (error) {
    return {
      paths: [],
      refused: [{ path, reason: error instanceof Error ? error.message : String(error) }],
    };
  }
}

/**
 * The verdict on each file, with those that are left alone whoever listens. Connects only where
 * no process has the socket bound.
 */
export async function judgeSocketFiles(
  host: Host,
  paths: readonly string[],
  bound: BoundSockets,
): Promise<SocketReport[]> {
  const elsewhere = once(() => listUnixSocketsElsewhere(host));
  const reports = await Promise.all(paths.map(async (path) => {
    // A name that is no UTF-8 can't be asked for by what stands for it.
    if (path.includes("\ufffd")) {
      return { path, verdict: "unknown" as const, evidence: ["unprintable name, skipped"] };
    }
    const file = await host.files.lstat(path);
    return file ? { path, ...await judge(host, path, file, bound, elsewhere) } : null;
  }));
  return reports.filter((report) => report !== null);
}

/** Whether a path is no socket of this user: reported and kept, but no obstacle. */
export function isNoneOfOurs({ evidence }: SocketReport): boolean {
  return evidence.some((reason) => /^belongs to uid |, no socket$/.test(reason));
}

/** Asked for only where a socket is about to be called stale, and then once. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | null = null;
  return () => asked ??= ask();
}

async function judge(
  host: Host,
  path: string,
  file: FileFacts,
  bound: BoundSockets,
  elsewhere: () => Promise<SocketsElsewhere>,
): Promise<Omit<SocketReport, "path">> {
  const reason = refuseFile(file, host.uid() ?? -1);
  if (reason) return { verdict: "unknown", evidence: [reason] };
  const held = isBound(path, file, bound);
  if (held) return { verdict: "live", evidence: ["a process has it bound"] };
  if (held === null) {
    return { verdict: "unknown", evidence: [bound.failure ?? 'a row of "ss" can\'t be read'] };
  }
  switch (await host.files.connectUnix(path)) {
    case "accepted":
      return {
        verdict: "live",
        evidence: ["it accepts connections, though no process here has it bound (a container?)"],
      };
    case "refused":
      return await judgeUnheard(path, elsewhere);
    default:
      return { verdict: "unknown", evidence: ["a connect is neither accepted nor refused"] };
  }
}

/** No process of this network has it bound; one of another may, before it listens. */
async function judgeUnheard(
  path: string,
  elsewhere: () => Promise<SocketsElsewhere>,
): Promise<Omit<SocketReport, "path">> {
  const { names, failure } = await elsewhere();
  if (failure !== null) return { verdict: "unknown", evidence: [failure] };
  if (names.has(basename(path))) {
    return {
      verdict: "live",
      evidence: ["a process of another network namespace has a socket of that name bound"],
    };
  }
  return { verdict: "stale", evidence: ["no process has it bound, a connect is refused"] };
}

/** What was removed, and what was not, and why. */
export interface RemovedSockets {
  readonly removed: readonly string[];
  readonly refused: readonly Refusal[];
}

/**
 * Removes sockets that are stale, each judged once more right before: the same file, still
 * refusing.
 */
export async function removeSockets(
  host: Host,
  paths: readonly string[],
  bound: () => Promise<BoundSockets>,
): Promise<RemovedSockets> {
  const before = new Map(
    await Promise.all(paths.map(async (path) => [path, await host.files.lstat(path)] as const)),
  );
  const listed = paths.length > 0 ? await bound() : null;
  const removed: string[] = [];
  const refused: Refusal[] = [];
  const elsewhere = once(() => listUnixSocketsElsewhere(host));
  for (const path of paths) {
    const first = before.get(path);
    if (!first || !listed) continue;
    const { verdict, evidence } = await judge(host, path, first, listed, elsewhere);
    const directory = await host.files.lstat(dirname(path));
    const unsafe = directory ? refuseDirectory(directory, host.uid() ?? -1, true) : null;
    if (unsafe) refused.push({ path: dirname(path), reason: unsafe });
    const now = await host.files.lstat(path);
    if (!now || unsafe) continue;
    if (now.kind !== "socket" || now.inode !== first.inode || now.device !== first.device) {
      refused.push({ path, reason: "was replaced in the meantime; kept" });
    } else if (verdict !== "stale") {
      refused.push({ path, reason: `${evidence.join("; ")}; kept` });
    } else {
      try {
        if (await host.files.remove(path)) removed.push(path);
      } catch (error) {
        refused.push({ path, reason: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  return { removed, refused };
}
