import { resolve } from "@std/path";
import { TractestError, UsageError } from "../errors.ts";
import { EXIT } from "../tables/exit_codes.ts";
import type { EnvironmentName } from "../tables/environment.ts";
import { buildKind } from "./build_kind.ts";
import { reason } from "./failures.ts";
import type { Build, Clock, Files, Host, Permissions, Programs, Signal, Terminal } from "./host.ts";
import { RealClock } from "./real_clock.ts";
import { RealFiles } from "./real_files.ts";
import { RealPrograms } from "./real_programs.ts";
import { RealTerminal } from "./real_terminal.ts";
import { isRefused, restrictPermissions } from "./restrict.ts";

/** The {@linkcode Host} that is the real operating system. */
export class RealHost implements Host {
  readonly clock: Clock = new RealClock();
  readonly #realFiles = new RealFiles(this.clock);
  readonly #realPrograms = new RealPrograms(this.clock);
  readonly files: Files = this.#realFiles;
  readonly programs: Programs = this.#realPrograms;
  readonly terminal: Terminal = new RealTerminal();
  readonly permissions: Permissions = { restrict: restrictPermissions, isRefused };
  readonly platform: Host["platform"] = Deno.build.os === "linux" || Deno.build.os === "darwin"
    ? Deno.build.os
    : "other";
  readonly pid: number = Deno.pid;
  readonly processors: number = navigator.hardwareConcurrency;
  /** What the user typed after the program's name. */
  readonly words: readonly string[];
  readonly #executable: string | undefined;

  /**
   * @param args the program's arguments; the scripts that start a bundle put `--self=PATH`, with
   * their own path, in front
   */
  constructor(args: readonly string[] = []) {
    const self =
      ["self-contained", "launcher"].includes(buildKind()) && args[0]?.startsWith("--self=")
        ? args[0].slice("--self=".length)
        : undefined;
    this.words = self === undefined ? args : args.slice(1);
    // Resolved before `-C DIR` changes the working directory.
    this.#executable = self?.includes("/") ? resolve(self) : undefined;
  }

  get cwd(): string {
    try {
      return Deno.cwd();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        throw new TractestError(
          "directory-gone",
          "The working directory is gone: it was removed, or moved away",
          EXIT.preflight,
          "cd to a directory that is there, and try again",
        );
      }
      if (!(error instanceof Deno.errors.InvalidData)) throw error;
      throw new TractestError(
        "directory",
        "The path of the working directory is not UTF-8",
        EXIT.preflight,
        "rename the directory, or use a checkout elsewhere",
      );
    }
  }

  changeDirectory(directory: string): void {
    try {
      Deno.chdir(directory);
    } catch (error) {
      throw new UsageError(
        `Cannot enter "${directory}": ${reason(error)}`,
        "-C takes an existing directory",
      );
    }
  }

  build(): Build {
    const kind = buildKind();
    return {
      kind,
      runtime: `deno ${Deno.version.deno}`,
      executable: kind === "compiled" ? Deno.execPath() : this.#executable,
    };
  }

  env(name: EnvironmentName): string | undefined {
    return Deno.env.get(name);
  }

  uid(): number | null {
    return Deno.uid();
  }

  onSignal(signal: Signal, handler: () => void): () => void {
    Deno.addSignalListener(signal, handler);
    return () => Deno.removeSignalListener(signal, handler);
  }

  async abandon(): Promise<void> {
    await this.#realPrograms.abandon();
    await this.#realFiles.removeTemporary();
  }
}
