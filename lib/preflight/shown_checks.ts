import type { Context } from "../command_line/context.ts";
import { Progress } from "../terminal/progress.ts";
import type { PreflightOptions } from "./preflight_options.ts";
import type { CheckResult } from "./rules.ts";
import { showCheck } from "./show.ts";

const ID_WIDTH = Math.max(...["collection", "worktree"].map((id) => id.length));

/** The checks of a preflight, each shown as soon as it is done, around progress and questions. */
export class ShownChecks {
  readonly #checks: CheckResult[] = [];
  readonly #progress: Progress;

  constructor(
    readonly context: Context,
    readonly options: Pick<PreflightOptions, "show" | "brief" | "yes" | "whileAsking">,
  ) {
    this.#progress = new Progress(context.host, context.printer);
  }

  /** Every check that counts. */
  get checks(): readonly CheckResult[] {
    return this.#checks;
  }

  /** Shows a check, which counts. */
  show(check: CheckResult): void {
    this.add(check);
    this.print(check);
  }

  /** Counts a check that is shown already. */
  add(check: CheckResult): void {
    this.#checks.push(check);
  }

  /** Shows a check that does not count yet. */
  print(check: CheckResult): void {
    const isFine = check.status === "ok" || check.status === "skipped";
    if (!this.options.show || (this.options.brief && isFine)) return;
    this.clear();
    const { printer } = this.context;
    showCheck(check, printer, { shown: "stderr", width: ID_WIDTH, silent: false });
  }

  /** Removes the progress line, before something else is shown. */
  clear(): void {
    this.#progress.clear();
  }

  /** Shows progress while `work` runs. */
  during<T>(what: string, work: Promise<T>): Promise<T> {
    return this.#progress.during(what, work);
  }

  /** Asks a question; while the user thinks, other runs of the project may go on. */
  asking<T>(ask: () => Promise<T>): Promise<T> {
    return this.options.yes || !this.options.whileAsking ? ask() : this.options.whileAsking(ask);
  }
}
