/**
 * Replaces `@cliffy/prompt` where JSR can't be reached, based on `@clack/core`. It draws the
 * prompts itself because styled prompt libraries choose colours by environment variables that
 * scoped permissions deny.
 *
 * Like the original, Ctrl-C ends the process with 130, and an injected value answers the next
 * prompt without a terminal.
 */

import { isCancel, SelectPrompt, TextPrompt } from "@clack/core";

let injected: unknown;

/** A choice from a list. */
export class Select {
  /** Asks; resolves to the `value` of the chosen option. */
  static async prompt<T>(
    options: { message: string; options: Array<{ name?: string; value: T }>; default?: T },
  ): Promise<T> {
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
        return [
          question(options.message),
          ...this.options.map((option) =>
            option === chosen ? blue(`❯ ${option.label}`) : `  ${option.label}`
          ),
        ].join(
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
    const byDefault = options.default === undefined ? "" : options.default ? "y" : "n";
    if (injected !== undefined) {
      const answer = meaning(String(takeInjected()));
      if (answer === undefined) throw new Error("Invalid answer.");
      show(options.message, answer);
      return answer === "Yes";
    }
    // @clack/core cannot draw fewer lines than it drew before: the line of the error stays, empty.
    let hasErrorLine = false;
    // A line of text, not a single key: the Enter after a "y" must not answer the next question.
    const prompt = new TextPrompt({
      defaultValue: byDefault,
      validate: (text) => meaning(text || byDefault) ? undefined : "Invalid answer.",
      render() {
        const isError = this.state === "error";
        hasErrorLine ||= isError;
        const end = hasErrorLine ? `\n${isError ? this.error : ""}` : "";
        if (this.state === "submit") {
          return answered(options.message, meaning(String(this.value))!) + end;
        }
        const choices = options.default === undefined ? "y/n" : options.default ? "Y/n" : "y/N";
        return `${question(options.message)} (${choices}) ${blue("›")} ${this.userInput}${end}`;
      },
    });
    return meaning(String(valueOf(await prompt.prompt()))) === "Yes";
  }

  /** Answers the next prompt: `y`, `yes`, `n` or `no`. */
  static inject(value: string): void {
    injected = value;
  }
}

/** What an answer to a yes or no question means; undefined if it is not valid. */
function meaning(answer: string): "Yes" | "No" | undefined {
  return /^y(es)?$/i.test(answer) ? "Yes" : /^no?$/i.test(answer) ? "No" : undefined;
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
const answered = (message: string, answer: string) =>
  `${question(message)} ${blue("›")} \x1b[32m${answer}\x1b[39m`;
const blue = (text: string) => `\x1b[94m${text}\x1b[39m`;
