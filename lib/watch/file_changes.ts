import { join } from "@std/path";
import type { Change } from "../affected/affected_targets.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { Digests, gitLock, listFiles, watchedDirectories } from "./gather.ts";
import { changesBetween, isScratch } from "./rules.ts";

/** Milliseconds without another event after which changes are read: an editor writes in steps. */
const QUIET_MS = 150;
/** The most milliseconds between an event and reading: a file may be written all the time. */
const MOST_MS = 1_000;
/** The most milliseconds to wait for a git that is changing the work tree. */
const GIT_MS = 10_000;
/** Milliseconds between two readings of all files, where the system can't report changes. */
const POLL_MS = 1_000;

/** The files that decide what git ignores. */
const GITIGNORE = /(?:^|\/)\.gitignore$/;

/** How changes are found and reported. */
export interface FileChangesOptions {
  /** Files changed; called for one set of changes after another. */
  readonly onChanges: (changes: readonly Change[]) => void;
  /** The system can't report changes: from now on all files are read every second. */
  readonly onPolling: (why: TractestError) => void;
  /** Read all files every second from the start. */
  readonly poll: boolean;
}

/** Watches the files of a project that git does not ignore, and reports whose content changed. */
export class FileChanges {
  readonly #digests: Digests;
  readonly #over = new AbortController();
  #contents = new Map<string, string>();
  #directories: readonly string[] = [];
  #stop: (() => void) | null = null;
  #polls = false;
  /** Paths with an event since the last reading. */
  #touched = new Set<string>();
  /** All files are to be read. */
  #all = false;
  /** Existing files with events that are not watched. */
  readonly #ignored = new Set<string>();
  #lock: string | null = null;
  #waiting: Promise<void> | null = null;
  #wake = new AbortController();

  private constructor(
    private readonly host: Host,
    private readonly root: string,
    private readonly options: FileChangesOptions,
  ) {
    this.#digests = new Digests(host, root);
  }

  /** Reads all files and starts watching. */
  static async begin(
    host: Host,
    root: string,
    options: FileChangesOptions,
  ): Promise<FileChanges> {
    const changes = new FileChanges(host, root, options);
    changes.#lock = await gitLock(host, root);
    if (options.poll) changes.#poll();
    await changes.#readAll();
    return changes;
  }

  /** How many files are watched. */
  get count(): number {
    return this.#contents.size;
  }

  /** Resolves when everything that changed until now has been reported. */
  async settle(): Promise<void> {
    if (this.#polls) this.#all = true;
    if (this.#polls || this.#stop !== null) this.#schedule();
    await this.#waiting;
  }

  /** Stops watching. */
  close(): void {
    this.#over.abort();
    this.#wake.abort();
    this.#stop?.();
    this.#stop = null;
  }

  #onPath(path: string | null): void {
    // An event of the root itself, too, says no more than that something may have changed.
    if (path === null || !path.startsWith(`${this.root}/`)) this.#all = true;
    else {
      const file = path.slice(this.root.length + 1);
      if (isScratch(file) || this.#ignored.has(file)) return;
      this.#touched.add(file);
    }
    this.#schedule();
  }

  /** Reads the changes once there are no more events. */
  #schedule(): void {
    this.#wake.abort();
    this.#waiting ??= this.#readWhenQuiet().finally(() => {
      this.#waiting = null;
      if ((this.#touched.size > 0 || this.#all) && !this.#over.signal.aborted) this.#schedule();
    });
  }

  async #readWhenQuiet(): Promise<void> {
    const { clock, files } = this.host;
    const began = clock.monotonic();
    for (let isQuiet = false; !isQuiet;) {
      const waited = clock.monotonic() - began;
      const wake = this.#wake = new AbortController();
      await clock.sleep(Math.min(QUIET_MS, Math.max(1, MOST_MS - waited)), wake.signal);
      if (this.#over.signal.aborted) return;
      isQuiet = !wake.signal.aborted || clock.monotonic() - began >= MOST_MS;
    }
    while (
      this.#lock !== null && clock.monotonic() - began < GIT_MS &&
      await files.stat(this.#lock).catch(() => null) !== null
    ) await clock.sleep(QUIET_MS, this.#over.signal);
    if (!this.#over.signal.aborted) await this.#read();
  }

  async #read(): Promise<void> {
    const touched = this.#touched;
    const all = this.#all;
    [this.#touched, this.#all] = [new Set(), false];
    const before = this.#contents;
    const isRelisted = (path: string) => !before.has(path) || GITIGNORE.test(path);
    if (all || [...touched].some(isRelisted)) await this.#readAll(touched);
    else {
      this.#contents = new Map(before);
      for (const path of touched) await this.#readFile(path, true);
    }
    const changes = changesBetween(before, this.#contents);
    if (changes.length > 0 && !this.#over.signal.aborted) this.options.onChanges(changes);
  }

  async #readFile(path: string, touched: boolean): Promise<void> {
    const digest = await this.#digests.of(path, touched);
    if (digest === null) this.#contents.delete(path);
    else this.#contents.set(path, digest);
  }

  /** Lists and reads all files, and watches the directories that they are in. */
  async #readAll(touched: ReadonlySet<string> = new Set()): Promise<void> {
    const { host, root } = this;
    if ([...touched].some((path) => GITIGNORE.test(path))) this.#ignored.clear();
    let listed = await listFiles(host, root);
    for (let tries = 2; !await this.#watch(listed, touched, tries); tries--) {
      // What was made before they were watched had no event.
      listed = await listFiles(host, root);
    }
    const directories = this.#directories;
    const before = this.#contents;
    this.#contents = new Map();
    for (const path of listed) await this.#readFile(path, touched.has(path));
    for (const path of new Set([...before.keys(), ...touched])) {
      if (this.#contents.has(path) || directories.includes(path)) continue;
      if (await host.files.stat(join(root, path)).catch(() => null) === null) continue;
      // Git ignores it now: nothing about it has changed.
      this.#ignored.add(path);
      if (before.has(path)) before.delete(path);
    }
  }

  /** Watches the directories of these files. Returns whether they were watched already. */
  async #watch(
    listed: readonly string[],
    touched: ReadonlySet<string>,
    tries: number,
  ): Promise<boolean> {
    const directories = await watchedDirectories(this.host, this.root, listed);
    const isSame = directories.join("\0") === this.#directories.join("\0") &&
      (tries < 2 || !directories.some((directory) => touched.has(directory)));
    if (isSame) return true;
    this.#directories = directories;
    if (this.#polls) return true;
    const before = this.#stop;
    try {
      const paths = directories.map((path) => join(this.root, path));
      this.#stop = this.host.files.watch(paths, (path) => this.#onPath(path));
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      this.#stop = null;
      // One of the directories may have been removed just now.
      if (tries > 0) this.#directories = [];
      else {
        this.#poll();
        this.options.onPolling(error);
      }
    }
    before?.();
    return false;
  }

  #poll(): void {
    if (this.#polls) return;
    this.#polls = true;
    void (async () => {
      for (;;) {
        await this.host.clock.sleep(POLL_MS, this.#over.signal);
        if (this.#over.signal.aborted) return;
        this.#all = true;
        this.#schedule();
        await this.#waiting;
      }
    })();
  }
}
