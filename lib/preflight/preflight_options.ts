import type { FirstScan } from "../leaks/first_scan.ts";
import type { RunLock } from "../background/project_lock.ts";

/** How to run a preflight. */
export interface PreflightOptions {
  /** Whether questions may be asked, if there is a terminal. */
  readonly ask: boolean;
  /** Whether each check is shown on standard error as soon as it is done. */
  readonly show: boolean;
  /** Whether checks that are ok or skipped are not shown. */
  readonly brief?: boolean;
  /** Whether leaks, registry holders and stale sockets are checked. */
  readonly leaks: boolean;
  /** A search for them that was started already. */
  readonly firstScan?: FirstScan | undefined;
  /** Whether leaked actors fail although they would not stop a run. */
  readonly diagnosis?: boolean;
  /** Whether the run has a registry and sockets of its own, so that leaks are only warnings. */
  readonly isolated?: boolean;
  /** Whether imports and collection are checked even if nothing has changed. */
  readonly fresh?: boolean;
  /** Whether to import and collect, which pytest itself is about to do; true by default. */
  readonly collects?: boolean;
  /** What to collect, as pytest takes it; the whole suite by default. */
  readonly targets?: readonly string[];
  /** `--python`: a Python or a venv. */
  readonly python?: string | null;
  /** `--sync`: create the venv, or sync it with the lock file. */
  readonly sync?: boolean;
  /** `--uv-run`: start Python through `uv run`. */
  readonly uvRun?: boolean;
  /** `--yes`: every question is answered by its first choice. */
  readonly yes?: boolean;
  /** `--clean`: clean up what earlier runs left behind. */
  readonly clean?: boolean;
  /** Seconds between SIGINT and SIGKILL in that clean-up. */
  readonly graceSeconds?: number;
  /** Asks a question without holding the project lock. */
  readonly whileAsking?: RunLock["whileAsking"];
}
