import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import { GRACE_SECONDS } from "../tables/defaults.ts";

/** The options of `zombies`. */
export const ZOMBIES_OPTIONS = {
  ...WITH_JSON,
  yes: SHARED.yes,
  "dry-run": SHARED["dry-run"],
  kill: {
    kind: "flag",
    doc: "end leaked processes (SIGINT, then SIGKILL) and remove stale sockets",
  },
  hook: {
    kind: "flag",
    doc: "for git hooks: silent when clean; exit 0 for processes of others or if unknown",
  },
  pid: {
    kind: "text",
    metavar: "PID",
    doc: "examine this process too; with --kill end only this one",
  },
  shm: {
    kind: "flag",
    doc: "also list shared memory that a run left; with --kill remove segments not in use",
  },
  parent: {
    kind: "text",
    metavar: "PID",
    doc: "only descendants of this process, now or when a run recorded it; no sockets",
  },
  registry: {
    kind: "texts",
    metavar: "HOST:PORT",
    doc: "tractor: check this registry address instead of the configured ones; may be repeated",
  },
  grace: {
    kind: "seconds",
    default: GRACE_SECONDS,
    // A slip in the number must not hang a hook.
    most: 3600,
    doc: "time between SIGINT and SIGKILL",
  },
} as const satisfies OptionTable;

/** Their values. */
export type ZombiesOptions = OptionsOf<typeof ZOMBIES_OPTIONS>;
