import { EXIT, type ExitCode } from "./tables/exit_codes.ts";

/**
 * An error meant for users: what went wrong, what to do about it, and the exit code. `code` is a
 * stable word for readers of `--json`; `hint` is a command to paste, or a sentence.
 */
export class TractestError extends Error {
  override readonly name: string = "TractestError";
  constructor(
    readonly code: string,
    message: string,
    readonly exitCode: ExitCode,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** The command line is wrong: exit code 64. */
export class UsageError extends TractestError {
  override readonly name = "UsageError";
  constructor(message: string, hint?: string) {
    super("usage", message, EXIT.usage, hint);
  }
}

/** A required program is not installed: exit code 69. */
export class ToolMissingError extends TractestError {
  override readonly name = "ToolMissingError";
  constructor(readonly program: string, packageHint: string) {
    super(
      "tool-missing",
      `"${program}" is not installed in any standard directory`,
      EXIT.toolMissing,
      packageHint,
    );
  }
}

/**
 * The name of the error that `scripts/start.js` throws when a part of this program cannot be
 * loaded: the unpacked files are damaged, or were removed while it ran. Exit code 69.
 */
export const DAMAGED_PROGRAM = "DamagedProgramError";

/** The environment does not allow a run of the tests: exit code 80. */
export class PreflightError extends TractestError {
  override readonly name = "PreflightError";
  constructor(code: string, message: string, hint?: string) {
    super(code, message, EXIT.preflight, hint);
  }
}

/** Why a database failed; "busy": another process holds a lock on it. */
export type DatabaseTrouble = "busy" | "damaged" | "read-only" | "disk" | "other";

/** An operation on a database failed. */
export class DatabaseError extends TractestError {
  override readonly name = "DatabaseError";
  constructor(readonly trouble: DatabaseTrouble, message: string) {
    super("database", message, EXIT.preflight);
  }
}

/** For optional work: ignores a {@linkcode TractestError} and rethrows anything else. */
export function ignoreTractestError(error: unknown): void {
  if (!(error instanceof TractestError)) throw error;
}

/** The same for work with a result: null. */
export function nullForTractestError(error: unknown): null {
  ignoreTractestError(error);
  return null;
}
