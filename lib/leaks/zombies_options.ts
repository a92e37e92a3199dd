import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import { GRACE_SECONDS } from "../tables/defaults.ts";

/** The options of `zombies`. */
export const ZOMBIES_OPTIONS = {
  ...WITH_JSON,
  yes: SHARED.yes,
  "dry-run": SHARED["dry-run"],
  kill: { kind: "flag", doc: "end leaked actors (SIGINT, then SIGKILL) and remove stale sockets" },
  hook: {
    kind: "flag",
    doc: "for git hooks: silent when clean, exit 0 for what is not ours or can't be seen",
  },
  pid: { kind: "text", metavar: "PID", doc: "look at this process too; with --kill end it alone" },
  shm: {
    kind: "flag",
    doc:
      "also segments of shared memory that a run left; with --kill remove those that nobody maps",
  },
  parent: {
    kind: "text",
    metavar: "PID",
    doc: "only what is below this process, or was when a run recorded it; no sockets",
  },
  registry: {
    kind: "texts",
    metavar: "HOST:PORT",
    doc: "look at this registry address instead of the configured ones",
  },
  grace: {
    kind: "seconds",
    default: GRACE_SECONDS,
    // A slip in the number must not hang a hook.
    most: 3600,
    doc: "seconds between SIGINT and SIGKILL",
  },
} as const satisfies OptionTable;

/** Their values. */
export type ZombiesOptions = OptionsOf<typeof ZOMBIES_OPTIONS>;
