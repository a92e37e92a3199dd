import { ignoreTractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { sendSignal } from "../system/programs/kill.ts";
import { inForeground } from "../system/programs/ps.ts";
import { ENDING_SIGNAL_NAMES } from "../tables/exit_codes.ts";

/** Functions called by {@linkcode Keyboard}. */
export interface KeyboardOptions {
  readonly onKey: (key: string) => void;
  /** The program is about to be stopped by Ctrl-Z: the screen belongs to another program then. */
  readonly onStop: () => void;
  /** The program continues. */
  readonly onContinue: () => void;
}

/**
 * Reads single keys during a run. Restores the terminal before another program gets it: when the
 * run ends or is interrupted, and while Ctrl-Z has stopped it.
 */
export class Keyboard {
  readonly #off: (() => void)[] = [];
  #release: (() => void) | null = null;
  #over = false;

  constructor(private readonly host: Host, private readonly options: KeyboardOptions) {
    // The first signal restores the terminal: a second one may end tractest at once.
    for (const signal of ENDING_SIGNAL_NAMES) {
      this.#off.push(host.onSignal(signal, () => this.close()));
    }
    this.#off.push(host.onSignal("SIGTSTP", () => void this.#stop().catch(ignoreTractestError)));
    const onContinue = () => void this.#continue().catch(ignoreTractestError);
    this.#off.push(host.onSignal("SIGCONT", onContinue));
    this.#take().catch(ignoreTractestError);
  }

  /** Restores the terminal. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    for (const off of this.#off) off();
    this.#giveBack();
  }

  async #take(): Promise<void> {
    if (!await inForeground(this.host) || this.#over || this.#release) return;
    this.#release = this.host.terminal.readKeys(this.options.onKey);
  }

  #giveBack(): void {
    this.#release?.();
    this.#release = null;
  }

  async #stop(): Promise<void> {
    this.options.onStop();
    this.#giveBack();
    // SIGTSTP would call this handler again.
    await sendSignal(this.host, { pid: this.host.pid, inode: null }, "SIGSTOP");
  }

  async #continue(): Promise<void> {
    await this.#take();
    if (!this.#over) this.options.onContinue();
  }
}
