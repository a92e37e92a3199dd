import { shellCommand } from "../base/escape.ts";
import { type Reason, reasonText, type Verdict } from "../pytest/run_exit_code.ts";
import type { RunFindings } from "./run_findings.ts";

/**
 * The exit code of a run and its reasons for a JSON document.
 *
 * @param see the command that shows what a reason is about; null: there is none
 */
export function verdictFacts(
  { code, pytestCode, ending, reasons }: Verdict,
  see: (reason: Reason) => string | null = () => null,
): Readonly<Record<string, unknown>> {
  return {
    exitCode: code,
    pytestExitCode: pytestCode,
    ending,
    reasons: reasons.map((reason) => {
      const { kind, code, session } = reason;
      return { kind, code, text: reasonText([reason]), session, see: see(reason) };
    }),
  };
}

/** The command that shows the output of the session of a reason; null where it is not kept. */
export function seeOutput(
  { prepared: { state }, kept }: Pick<RunFindings, "prepared" | "kept">,
  { session }: Reason,
): string | null {
  if (session === null || kept === null) return null;
  const words = kept === "sessions" ? ["--session", session] : [];
  return shellCommand(["tractest", "logs", state.runId, ...words]);
}
