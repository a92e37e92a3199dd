import type { ProcessFiles } from "../system/programs/proc.ts";
import type { ProcessRow } from "../system/programs/ps.ts";

/**
 * Identifies a process within one boot and one pid namespace: a pid is reused, a pid with its start
 * is not.
 */
export interface ProcessIdentity extends Pick<ProcessRow, "pid" | "uid"> {
  /** Clock ticks from boot to its start; null if unreadable: such a process is never signalled. */
  readonly startTicks: number | null;
}

/** A process: its identity, what `ps` shows, and those details that were read. */
export interface Process extends ProcessRow, ProcessIdentity, Partial<ProcessDetails> {}

/** What it takes to signal or record a process: its identity, and the words for messages. */
export type NamedProcess = ProcessIdentity & Pick<Process, "args">;

/** A process of which the details were read. */
export type DetailedProcess = Process & ProcessDetails;

/**
 * Details of a process, which are read on demand. Null: could not be read. The fields of
 * `ProcessFiles` that few ask for may be left out.
 */
export interface ProcessDetails
  extends
    Pick<ProcessFiles, "comm" | "argv" | "mapped">,
    Partial<Pick<ProcessFiles, "session" | "group" | "isForkedCopy">> {
  readonly cwd: string | null;
  readonly place: Place;
  /** Whether it sees the same files and the same pids as this program. */
  readonly sameNamespaces: boolean | null;
}

/** Where a process has its working directory, seen from one project. */
export type Place =
  /** In the checkout: same device and inode, and no other checkout nested between. */
  | "checkout"
  /** Below the directory in which pytest makes its temporary directories. */
  | "pytest-temporary"
  /** In a directory with a project of its own. */
  | "other-project"
  | "elsewhere"
  /** It was in one of the first two, and was deleted. */
  | "gone"
  | "unknown";

/** The boot and the pid namespace within which pids and start ticks mean something. */
export interface Surroundings {
  readonly bootId: string;
  /** As the link says it: `pid:[4026531836]`. */
  readonly pidNamespace: string;
}

/** Identifies a process in a file that other boots and other pid namespaces may read. */
export interface RecordedIdentity extends Surroundings {
  readonly pid: number;
  readonly startTicks: number;
}

/** Something that is left alone, and why. */
export interface Refusal {
  readonly pid?: number;
  readonly path?: string;
  readonly reason: string;
}

/** The process behind files of `/proc`; its `args` are what messages call it by, not escaped. */
export function processOf(files: ProcessFiles): Process {
  return { ...files, args: titleOf(files) };
}

/** The command line of a process, or the title that it gave itself, as one text; not escaped. */
export function titleOf({ argv, comm }: Pick<ProcessFiles, "argv" | "comm">): string {
  return argv?.join(" ") ?? comm;
}
