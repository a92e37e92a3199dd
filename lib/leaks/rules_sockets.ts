import type { FileFacts } from "../system/programs/stat.ts";

/** The sockets that are bound to names, as the system lists them. */
export interface BoundSockets {
  readonly rows: readonly { readonly name: string; readonly inode: number | null }[];
  readonly rejected: number;
  readonly failure: string | null;
}

/**
 * Why a directory's sockets are left alone; null if it is safe to search it and to remove one's own
 * sockets there. `shared`: it may be a sticky directory for all users.
 */
export function refuseDirectory(directory: FileFacts, uid: number, shared: boolean): string | null {
  if (directory.kind === "symlink") return "is a symbolic link";
  if (directory.kind !== "directory") return "is no directory";
  const sticky = (directory.mode & 0o1000) !== 0;
  if (shared && sticky) {
    return directory.uid === 0 || directory.uid === uid ? null : `belongs to uid ${directory.uid}`;
  }
  if (directory.uid !== uid) return `belongs to uid ${directory.uid}`;
  return (directory.mode & 0o022) !== 0 && !sticky ? "others may write there" : null;
}

/**
 * Why a file that is named like a socket is left alone, whether or not a process listens; null for
 * one's own socket.
 */
export function refuseFile(file: FileFacts, uid: number): string | null {
  if (file.kind !== "socket") {
    return `is a ${file.kind === "other" ? "special file" : file.kind}, no socket`;
  }
  if (file.uid !== uid) return `belongs to uid ${file.uid}; not touched`;
  return null;
}

/**
 * Whether the list shows a process that has bound the socket; null if the list is incomplete. The
 * inode decides where it is listed: another socket may have got the name.
 */
export function isBound(path: string, file: FileFacts, bound: BoundSockets): boolean | null {
  const holder = bound.rows.some((row) =>
    row.inode === null ? row.name === path : row.inode === file.inode
  );
  if (holder) return true;
  return bound.failure !== null || bound.rejected > 0 ? null : false;
}
