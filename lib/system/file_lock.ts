/** Milliseconds within which a lock that nobody holds is granted. */
const GRANTED_MS = 100;

/** A lock that was asked for and was not granted in time. */
interface Waiting {
  readonly file: Deno.FsFile;
  readonly granted: Promise<void>;
  isGranted: boolean;
  /** Whether a caller waits for it right now. */
  isWanted: boolean;
}

const waiting = new Map<string, Waiting>();

/**
 * Opens a file and locks it for this program alone; null when another holds the lock. The lock ends
 * with the file being closed, at the latest when this process ends.
 *
 * Older versions of Deno (2.6 is one) have no `tryLock`, only `lock`, which waits. There a lock
 * that is not granted within `GRANTED_MS` counts as somebody else's; the next call goes on waiting
 * for the same one, and a lock that comes while nobody wants it is given back at once.
 */
export async function openLocked(path: string): Promise<Deno.FsFile | null> {
  const earlier = waiting.get(path);
  if (earlier) return await waitFor(path, earlier);
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  if ("tryLock" in file) {
    if (await file.tryLock(true)) return file;
    file.close();
    return null;
  }
  return await waitFor(path, request(path, file));
}

function request(path: string, file: Deno.FsFile): Waiting {
  const drop = () => {
    waiting.delete(path);
    file.close();
  };
  const granted = file.lock(true).then(() => {
    entry.isGranted = true;
    if (!entry.isWanted) drop();
  }, (error) => {
    drop();
    throw error;
  });
  // It may fail when nobody waits for it any more.
  granted.catch(() => {});
  const entry: Waiting = { file, granted, isGranted: false, isWanted: true };
  waiting.set(path, entry);
  return entry;
}

async function waitFor(path: string, entry: Waiting): Promise<Deno.FsFile | null> {
  entry.isWanted = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<void>((resolve) => timer = setTimeout(resolve, GRANTED_MS));
  await Promise.race([entry.granted, limit]).finally(() => clearTimeout(timer));
  if (!entry.isGranted) {
    entry.isWanted = false;
    return null;
  }
  waiting.delete(path);
  return entry.file;
}
