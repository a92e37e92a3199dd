import type { Host } from "../host.ts";
import { type ProgramName, PROGRAMS } from "../../tables/programs.ts";

/** The output of a probe, or a sentence that says why there is none. */
export type Probed = { readonly text: string; readonly failure: null } | {
  readonly text: null;
  readonly failure: string;
};

/** How to run a probe. */
export interface ProbeOptions {
  readonly why: string;
  /** Exit codes that mean success; 0 by default. */
  readonly codes?: readonly number[];
  /** Milliseconds; the host's default if not given. */
  readonly timeoutMs?: number;
  /** Variables in addition to PATH and LC_ALL. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program that changes nothing and returns its output as text; invalid UTF-8 becomes U+FFFD.
 * Never throws for how the program ends.
 */
export async function probe(
  host: Host,
  program: ProgramName,
  args: readonly string[],
  options: ProbeOptions,
): Promise<Probed> {
  const { outcome, code, stdout, stderr } = await host.programs.run(program, args, {
    why: options.why,
    timeoutMs: options.timeoutMs,
    ...(options.env ? { env: options.env } : {}),
  });
  if (outcome === "missing") return failed(missingTool(program));
  if (outcome === "timed-out") return failed(`"${program}" timed out`);
  if (!(options.codes ?? [0]).includes(code)) {
    const [message] = decode(stderr).split("\n");
    return failed(`"${program}" failed with exit code ${code}${message ? `: ${message}` : ""}`);
  }
  return { text: decode(stdout), failure: null };
}

/** `"ss" is not installed in any standard directory (package iproute2)`. */
export function missingTool(program: ProgramName): string {
  const packages = PROGRAMS.find((row) => row.name === program)?.packages ?? program;
  return `"${program}" is not installed in any standard directory (package ${packages})`;
}

function failed(failure: string): Probed {
  return { text: null, failure };
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
