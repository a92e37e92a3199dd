import type { CiLog } from "../ci/ci_log.ts";
import { UNKNOWN_RUN } from "../background/unknown_run.ts";
import type { KnownSeconds } from "../history/durations_file.ts";
import type { Targets } from "../project/rules_targets.ts";
import type { Project } from "../project/project.ts";
import type { RunIntent } from "../pytest/pytest_command.ts";
import type { Chosen } from "./chosen.ts";
import type { SessionKind } from "./engine/engine_request.ts";
import type { EventsFile } from "./events_file.ts";
import type { KeptDurations } from "./kept_durations.ts";
import type { JunitFile } from "./junit_file.ts";
import type { Parallel } from "./rules_parallel.ts";
import type { OwnPlaces } from "./rules_unseen_options.ts";
import type { RunSettings } from "./settings.ts";
import type { VerdictStream } from "./show.ts";
import type { Ui } from "./ui.ts";

/** A run of the tests as it was typed, read and checked. */
export interface RunRequest {
  readonly project: Project;
  readonly intent: RunIntent;
  readonly settings: RunSettings;
  readonly parallel: Parallel;
  /** Whether some of the tests may run in a pytest of their own. */
  readonly maySplit: boolean;
  /** The file of `--durations-file`; null if none is written. */
  readonly kept: KeptDurations | null;
  /** How long tests take, as given for `--durations-from` or `--durations-file`. */
  readonly givenSeconds: KnownSeconds | null;
  readonly scope: Targets["scope"];
  /** What pytest will collect, without the names of tests; undefined: the whole suite. */
  readonly collected: readonly string[] | undefined;
  readonly junit: JunitFile | null;
  readonly events: EventsFile | null;
  /** What `--affected` runs first; null without it. */
  readonly chosen: Chosen | null;
  /** Where the verdict goes: standard error if standard output carries the events. */
  readonly stream: VerdictStream;
  /** The log of the service that runs the tests; null: none is known. */
  readonly ci: CiLog | null;
  /** What shows the run while it lasts. */
  readonly ui: Ui;
  /** How sessions are kept from sharing files that untyped options name. */
  readonly places: OwnPlaces;
  /** The command of a session, with additional words for pytest. */
  command(python: readonly string[], kind: SessionKind, words?: readonly string[]): string[];
}

/** The schema of the JSON document of a run. */
export const RUN_SCHEMA = "tractest.run/1";

/** The JSON document of a run that did not start. */
export const NOT_RUN = { exitCode: 0, ...UNKNOWN_RUN };
