import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { EXIT } from "../tables/exit_codes.ts";
import type { Printer } from "./printer.ts";

/** There is no terminal to ask at. Callers name the option that answers the question. */
export class CannotAskError extends TractestError {
  override readonly name = "CannotAskError";
  constructor(question: string) {
    super("cannot-ask", `Cannot ask without a terminal: ${question}`, EXIT.preflight);
  }
}

/** One of the answers of {@linkcode select}. */
export interface Choice<T extends string> {
  readonly value: T;
  readonly name: string;
}

/** Whether questions can be asked: all streams are a terminal, and no JSON is printed. */
export function canAsk(host: Host, printer: Printer): boolean {
  const { stdinIsTerminal, stdout, stderr } = host.terminal;
  return stdinIsTerminal && stdout.isTerminal && stderr.isTerminal && !printer.json &&
    host.env("TERM") !== "dumb";
}

/**
 * Asks a yes-or-no question. Ctrl-C ends the program with 130.
 *
 * @param yes whether `--yes` was given, so that nothing is asked
 * @throws {CannotAskError} without a terminal
 */
export async function confirm(
  host: Host,
  printer: Printer,
  message: string,
  { otherwise = false, yes = false }: { otherwise?: boolean; yes?: boolean } = {},
): Promise<boolean> {
  if (yes) return true;
  if (!canAsk(host, printer)) throw new CannotAskError(message);
  const { Confirm } = await import("@cliffy/prompt");
  return await Confirm.prompt({ message, default: otherwise });
}

/**
 * Asks for one of several answers; the first is the default. Ctrl-C ends the program with 130.
 *
 * @throws {CannotAskError} without a terminal
 */
export async function select<T extends string>(
  host: Host,
  printer: Printer,
  message: string,
  choices: readonly Choice<T>[],
): Promise<T> {
  if (!canAsk(host, printer)) throw new CannotAskError(message);
  const { Select } = await import("@cliffy/prompt");
  const options = choices.map(({ value, name }) => ({ value, name }));
  return await Select.prompt<T>({ message, options, default: choices[0]?.value }) as T;
}
