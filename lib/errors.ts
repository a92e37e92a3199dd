import { EXIT, type ExitCode } from "./tables/exit_codes.ts";

/**
 * An error that a user is meant to read: what was wrong, what to do about it, and the code to exit
 * with. `code` is a stable word for `--json` readers; `hint` is a command to paste or a sentence
 * that says what to do.
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

/** Bad input: exit code 64. */
export class UsageError extends TractestError {
  override readonly name = "UsageError";
  constructor(message: string, hint?: string) {
    super("usage", message, EXIT.usage, hint);
  }
}

/** A program that is needed is not installed at any standard place: exit code 69. */
export class ToolMissingError extends TractestError {
  override readonly name = "ToolMissingError";
  constructor(readonly program: string, packageHint: string) {
    super(
      "tool-missing",
      `"${program}" is not installed at any standard place`,
      EXIT.toolMissing,
      packageHint,
    );
  }
}

/**
 * Part of this program cannot be loaded: what was unpacked is damaged, or was removed while it ran.
 * Exit code 69. `scripts/start.js` throws it, by this name.
 */
export const DAMAGED_PROGRAM = "DamagedProgramError";

/** The environment, not the tests, stands in the way: exit code 80. */
export class PreflightError extends TractestError {
  override readonly name = "PreflightError";
  constructor(code: string, message: string, hint?: string) {
    super(code, message, EXIT.preflight, hint);
  }
}

/**
 * Why a database did not do what it was asked for: another process holds it, its content is
 * damaged, it may not be written, or the disk refuses.
 */
export type DatabaseTrouble = "busy" | "damaged" | "read-only" | "disk" | "other";

/** A database that did not do what it was asked for. */
export class DatabaseError extends TractestError {
  override readonly name = "DatabaseError";
  constructor(readonly trouble: DatabaseTrouble, message: string) {
    super("database", message, EXIT.preflight);
  }
}

/** For what is done by the way: passes over what the system refused, and nothing else. */
export function passOver(error: unknown): void {
  if (!(error instanceof TractestError)) throw error;
}
