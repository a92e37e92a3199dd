import { escapeText, shellCommand } from "../../base/escape.ts";
import { plural } from "../../base/plural.ts";
import { shownId } from "../../terminal/wrap.ts";
import type { TestResult } from "../../pytest/results.ts";
import type { RunLimits } from "./engine_request.ts";

/** Ids that a message names. */
const NAMED_IDS = 3;

/** A reason not to try a test again alone. */
export type NotRetried = "fixture" | "offline";

/** Why tests that failed while others ran are not tried again alone. */
const NOT_RETRIED = {
  fixture: "a fixture that other tests share may have failed",
  offline: "an isolated pytest reaches no other machine: tractest help isolation",
} as const satisfies Readonly<Record<NotRetried, string>>;

/** Messages of the engine; they begin with a line break if pytest may be inside a line. */
export const say = {
  diskFailed: (message: string): string => `no more tests are run: ${escapeText(message)}`,

  /** @param tried the one that ran again, alone; null if none did */
  tooManyToRetry(failures: number, tried: Pick<TestResult, "id" | "outcome"> | null): string {
    const many = `${failures} failures are too many to be flaky`;
    if (tried === null) return `${many}: none of them runs again`;
    const id = escapeText(tried.id);
    if (tried.outcome !== "passed") {
      return `${many}: only ${id} ran again, alone, and did not pass (${tried.outcome})`;
    }
    const bisect = escapeText(shellCommand(["tractest", "bisect", tried.id]));
    return `${many}, but ${id} passed when it ran again alone: the order of the tests, or the ` +
      "pytests at the same time, may be the cause of all. To compare, run without --jobs; to " +
      `find an earlier test that is the cause: ${bisect}`;
  },

  notRetried(ids: readonly string[], why: NotRetried): string {
    const named = ids.slice(0, NAMED_IDS).map(escapeText).join(", ");
    const more = ids.length > NAMED_IDS ? ` and ${ids.length - NAMED_IDS} more` : "";
    return `not retried alone: ${named}${more} (${NOT_RETRIED[why]})`;
  },

  failsAlone(id: string, others: number): string {
    return `not retried alone: ${others} more tests with the cause of ${escapeText(id)}, ` +
      "which failed alone, too";
  },

  resumes(ended: string, unfinished: number): string {
    const others = plural(unfinished, "test");
    return `\npytest ended with ${shownId(ended)}; another one runs the other ${others}`;
  },

  hungAtExit: (seconds: number): string =>
    `pytest has finished but did not exit within ${seconds} s: ending it`,

  waitsForQuiet: ({ run, quiet }: Pick<RunLimits, "run" | "quiet">): string =>
    `\ntime limit of ${run} s reached, but tests still finish: the run continues until none has ` +
    `finished for ${quiet} s; --timeout sets a hard limit`,

  reachedLimit({ run, quiet }: Pick<RunLimits, "run" | "quiet">, grace: number): string {
    const idle = quiet > 0 ? `, and nothing has finished for ${quiet} s` : "";
    const steps = `sending SIGINT to pytest (KeyboardInterrupt), SIGKILL after ${grace} s`;
    return `time limit of ${run} s reached${idle}: ${steps}`;
  },

  endsAll: (signal: string): string => `\n${signal} again: killing what still runs`,

  stillFinishing: (): string =>
    "\npytest is still finishing its report; interrupt again to kill it now",
} as const;
