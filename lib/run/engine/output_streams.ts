import type { Host, Output } from "../../system/host.ts";
import type { OutputMode } from "./engine_request.ts";

/** Where the output of a pytest goes, as redirections of the shell. */
export interface OutputStreams {
  /** Empty: where the output of tractest goes. */
  readonly redirect: string;
  /** The log is copied to this; null: to nothing. */
  readonly copyTo: Output | null;
  /** If this stream is a file or a device such as `/dev/null`, no log is needed. */
  readonly direct?: { readonly stream: 1 | 2; readonly redirect: string };
}

const LOG = '>>"$log"';

/**
 * Decides where pytest's standard output and error go: each to ours, but to a pipe only through the
 * log, which is copied there.
 */
export function outputStreams(host: Host, mode: OutputMode): OutputStreams {
  const { stdout, stderr } = host.terminal;
  const onTerminal = stdout.isTerminal && stderr.isTerminal;
  if (mode === "inherited" || (mode === "shown" && onTerminal)) {
    return { redirect: "", copyTo: null };
  }
  if (mode === "log") return { redirect: `${LOG} 2>&1`, copyTo: null };
  if (mode === "stderr") {
    if (stderr.isTerminal) return { redirect: ">&2", copyTo: null };
    const direct = { stream: 2, redirect: ">&2" } as const;
    return { redirect: `${LOG} 2>&1`, copyTo: stderr, direct };
  }
  if (stdout.isTerminal) {
    return { redirect: `2${LOG}`, copyTo: stderr, direct: { stream: 2, redirect: "" } };
  }
  if (stderr.isTerminal) {
    return { redirect: LOG, copyTo: stdout, direct: { stream: 1, redirect: "" } };
  }
  const direct = { stream: 1, redirect: "2>&1" } as const;
  return { redirect: `${LOG} 2>&1`, copyTo: stdout, direct };
}

/** The words before a command that redirect its output, to `logFile` if need be. */
export function redirecting(streams: OutputStreams, logFile: string): string[] {
  if (streams.redirect === "") return [];
  return ["/bin/sh", "-c", `log=$1; shift; ${shellScript(streams)}`, "sh", logFile];
}

function shellScript({ redirect, direct }: OutputStreams): string {
  const start = `exec "$@" ${redirect}`;
  if (direct === undefined) return start;
  const path = `/dev/fd/${direct.stream}`;
  return `if [ -f ${path} ] || [ -c ${path} ]; then exec "$@" ${direct.redirect}; fi; ${start}`;
}
