import type { Isolation } from "../../isolation/isolate.ts";
import type { OutputMode } from "./engine_request.ts";
import type { SessionPurpose } from "../../pytest/events.ts";
import type { LedgerEntry } from "../../leaks/rules_ledger.ts";
import type { RunLedger } from "../../leaks/ledger.ts";

/** A session to start. */
export interface SessionRequest {
  /** Unique in its run. */
  readonly name: string;
  readonly purpose: SessionPurpose;
  /** The command, as a person would type it; its first words are the interpreter's. */
  readonly argv: readonly string[];
  /** Variables in addition to those that every session has. */
  readonly environment: Readonly<Record<string, string>>;
  /** The directory of the queue that its tests come from; null: it runs what it collects. */
  readonly queue: string | null;
  /** Whether other sessions may run at the same time. */
  readonly hasOthers: boolean;
  readonly output: OutputMode;
  /** Gives it its own namespaces; null: it shares those of tractest. */
  readonly isolation: Isolation | null;
  /** A debugger in it needs the terminal. */
  readonly keepsTerminal: boolean;
  /** Records the processes of the session. */
  readonly ledger: RunLedger;
  /** Gets the process that was started; null if it could not be identified. */
  readonly onStart: (child: LedgerEntry | null) => Promise<void>;
}

/** A {@linkcode SessionRequest} whose ledger is still being opened. */
export type SessionOrder = Omit<SessionRequest, "ledger"> & { readonly ledger: Promise<RunLedger> };
