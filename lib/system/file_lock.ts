/** Milliseconds within which a free lock is granted. */
const GRANTED_MS = 100;

/** A requested lock. */
interface PendingLock {
  readonly file: Deno.FsFile;
  readonly granted: Promise<void>;
  isGranted: boolean;
  /** Whether a caller is waiting for it now. */
  isWanted: boolean;
}

const pending = new Map<string, PendingLock>();

/**
 * Opens a file and locks it exclusively; null while another process holds the lock. Closing the
 * file releases the lock, and so does the end of this process.
 *
 * Older versions of Deno (such as 2.6) have only `lock`, which waits, and no `tryLock`. There, a
 * lock that is not granted within `GRANTED_MS` counts as held by another process. The next call
 * continues to wait for the same request, and a lock granted between calls is released at once.
 */
export async function openLocked(path: string): Promise<Deno.FsFile | null> {
  const earlier = pending.get(path);
  if (earlier) return await waitFor(path, earlier);
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  if ("tryLock" in file) {
    if (await file.tryLock(true)) return file;
    file.close();
    return null;
  }
  return await waitFor(path, request(path, file));
}

function request(path: string, file: Deno.FsFile): PendingLock {
  const drop = () => {
    pending.delete(path);
    file.close();
  };
  const granted = file.lock(true).then(() => {
    entry.isGranted = true;
    if (!entry.isWanted) drop();
  }, (error) => {
    drop();
    throw error;
  });
  // It may fail between two calls.
  granted.catch(() => {});
  const entry: PendingLock = { file, granted, isGranted: false, isWanted: true };
  pending.set(path, entry);
  return entry;
}

async function waitFor(path: string, entry: PendingLock): Promise<Deno.FsFile | null> {
  entry.isWanted = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<void>((resolve) => timer = setTimeout(resolve, GRANTED_MS));
  await Promise.race([entry.granted, limit]).finally(() => clearTimeout(timer));
  if (!entry.isGranted) {
    entry.isWanted = false;
    return null;
  }
  pending.delete(path);
  return entry.file;
}
