/**
 * Stands in for `@cliffy/prompt` where JSR cannot be reached, over `@clack/core`. Drawn here, since every styled prompt
 * library asks for environment variables to choose its colours, which scoped permissions refuse.
 *
 * Like the original, Ctrl-C ends the process with 130, and an injected value answers the next prompt without a terminal.
 */

import { ConfirmPrompt, isCancel, SelectPrompt } from "@clack/core";

let injected: unknown;

/** A choice from a list. */
export class Select {
  /** Asks; resolves to the `value` of the chosen option. */
  static async prompt<T>(options: { message: string; options: Array<{ name?: string; value: T }>; default?: T }): Promise<T> {
    const label = (option: { name?: string; value: T }) => option.name ?? String(option.value);
    if (injected !== undefined) {
      const value = takeInjected();
      const option = options.options.find((candidate) => candidate.value === value);
      if (!option) throw new Error("Invalid answer.");
      show(options.message, label(option));
      return option.value;
    }
    const prompt = new SelectPrompt({
      options: options.options.map((option) => ({ value: option.value, label: label(option) })),
      initialValue: options.default,
      render() {
        const chosen = this.options[this.cursor]!;
        if (this.state === "submit") return answered(options.message, chosen.label);
        return [question(options.message), ...this.options.map((option) => option === chosen ? blue(`❯ ${option.label}`) : `  ${option.label}`)].join(
          "\n",
        );
      },
    });
    return valueOf(await prompt.prompt()) as T;
  }

  /** Answers the next prompt with the `value` of one of its options. */
  static inject(value: unknown): void {
    injected = value;
  }
}

/** A yes or no. */
export class Confirm {
  /** Asks; resolves to whether the answer was yes. */
  static async prompt(options: { message: string; default?: boolean }): Promise<boolean> {
    if (injected !== undefined) {
      const answer = String(takeInjected()).toLowerCase();
      if (!["y", "yes", "n", "no"].includes(answer)) throw new Error("Invalid answer.");
      show(options.message, answer.startsWith("y") ? "Yes" : "No");
      return answer.startsWith("y");
    }
    const prompt = new ConfirmPrompt({
      active: "Yes",
      inactive: "No",
      initialValue: options.default ?? false,
      render() {
        const yes = Boolean(this.value);
        if (this.state === "submit") return answered(options.message, yes ? "Yes" : "No");
        return `${question(options.message)} (${this.value === undefined ? "y/n" : yes ? "Y/n" : "y/N"}) `;
      },
    });
    return Boolean(valueOf(await prompt.prompt()));
  }

  /** Answers the next prompt: `y`, `yes`, `n` or `no`. */
  static inject(value: string): void {
    injected = value;
  }
}

function takeInjected(): unknown {
  const value = injected;
  injected = undefined;
  return value;
}

function valueOf(answer: unknown): unknown {
  if (isCancel(answer)) Deno.exit(130);
  return answer;
}

function show(message: string, answer: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${answered(message, answer)}\n`));
}

const question = (message: string) => `\x1b[33m?\x1b[39m \x1b[1m${message}\x1b[22m`;
const answered = (message: string, answer: string) => `${question(message)} ${blue("›")} \x1b[32m${answer}\x1b[39m`;
const blue = (text: string) => `\x1b[94m${text}\x1b[39m`;
