import type { Host } from "../host.ts";
import { type ProgramName, PROGRAMS } from "../../tables/programs.ts";

/** The output of a program that only looks, or a sentence that says why there is none. */
export type Probed = { readonly text: string; readonly failure: null } | {
  readonly text: null;
  readonly failure: string;
};

/** How to run a probe. */
export interface ProbeOptions {
  readonly why: string;
  /** Codes that mean that it did its work; 0 unless given. */
  readonly codes?: readonly number[];
  /** Milliseconds; the host's default unless given. */
  readonly timeoutMs?: number;
  /** Variables besides PATH and LC_ALL. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program that only looks and returns its output as text; bytes that are no UTF-8 become
 * U+FFFD. Never throws for what the program does.
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
    const [said] = decode(stderr).split("\n");
    return failed(`"${program}" failed with exit code ${code}${said ? `: ${said}` : ""}`);
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
