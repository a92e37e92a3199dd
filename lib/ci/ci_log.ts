import { relative, resolve } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import type { Printer } from "../terminal/printer.ts";
import type { ProviderName } from "./providers.ts";
import {
  type Annotation,
  annotationLine,
  commandsStopped,
  groupBegin,
  groupEnd,
  type LogGroup,
  MOST_ANNOTATIONS,
  withoutCommands,
} from "./rules_log.ts";
import { type RunSummary, summaryMarkdown } from "./rules_summary.ts";

/** The checks before a run, as a group of a log. */
const CHECKS = { title: "checks before the tests", name: "checks", collapsed: true };

/** Bytes that GitHub takes as the summary of one step. */
const MOST_SUMMARY = 1 << 20;

/** How the log of a service is written. */
export interface CiLogOptions {
  /** Where the output of pytest goes. */
  readonly stream: "stdout" | "stderr";
  /** Whether a coding agent reads it: no group around checks, short messages. */
  readonly brief: boolean;
}

/** Characters of a message for a coding agent. */
const BRIEF_MESSAGE = 200;

/** Structures the log of a service that runs the tests, and reports to it. */
export class CiLog {
  /** From now on nothing that the printer prints is a command of the service. */
  constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    private readonly provider: ProviderName,
    private readonly options: CiLogOptions,
  ) {
    printer.guard = (text) => withoutCommands(provider, text);
  }

  /** Does the work in a group of the log; for a coding agent checks print too little for one. */
  async checks<T>(work: () => Promise<T>): Promise<T> {
    return this.options.brief ? await work() : await this.#group(CHECKS, work);
  }

  async #group<T>(group: LogGroup, work: () => Promise<T>): Promise<T> {
    const { provider } = this;
    this.#write(groupBegin(provider, group, this.#seconds()));
    try {
      return await work();
    } finally {
      this.#write(groupEnd(provider, group, this.#seconds()));
    }
  }

  /** Runs tests in a group of the log; what they print is no command of the service. */
  async tests<T>(work: () => Promise<T>, title = "pytest"): Promise<T> {
    const name = title.replace(/\W+/g, "_");
    return await this.#group({ title, name, collapsed: false }, async () => {
      const stopped = commandsStopped(this.provider, crypto.randomUUID());
      this.#write(stopped?.begin ?? null);
      try {
        return await work();
      } finally {
        // What tests printed last may lack an end of line.
        if (stopped !== null) this.#write(`\n${stopped.end}`);
      }
    });
  }

  /**
   * Shows them at their files, as many as the service shows.
   *
   * @param root what their files are relative to
   */
  annotate(root: string, annotations: readonly Annotation[]): void {
    for (const level of ["error", "warning"] as const) {
      const all = annotations.filter((one) => one.level === level);
      const more = all.length - MOST_ANNOTATIONS;
      for (const annotation of all.slice(0, more > 0 ? MOST_ANNOTATIONS - 1 : undefined)) {
        const file = annotation.file === null ? null : this.#place(root, annotation.file);
        const message = this.options.brief
          ? annotation.message.split("\n", 1)[0]!.slice(0, BRIEF_MESSAGE)
          : annotation.message;
        this.#write(annotationLine(this.provider, { ...annotation, message, file }));
      }
      if (more <= 0) continue;
      this.#write(annotationLine(this.provider, {
        level,
        file: null,
        line: null,
        title: `and ${more + 1} more`,
        message: "the log and the summary have all of them",
      }));
    }
  }

  /** Shows an error of the whole run. */
  annotateRun(title: string, message: string): void {
    this.#write(
      annotationLine(this.provider, { level: "error", file: null, line: null, title, message }),
    );
  }

  /** Opens the group before it, where something failed. */
  openGroup(): void {
    if (this.provider === "buildkite") this.#write("^^^ +++");
  }

  /** Appends to the summary of the job. An error here fails no test: it is a warning. */
  async summarize(summary: RunSummary): Promise<void> {
    const path = this.host.env("GITHUB_STEP_SUMMARY");
    if (this.provider !== "github" || !path) return;
    const text = summaryMarkdown(summary);
    try {
      const written = (await this.host.files.stat(path))?.size ?? 0;
      if (written + new TextEncoder().encode(text).length > MOST_SUMMARY) {
        return this.printer.warn("no summary of this run: GitHub takes 1 MiB for one step");
      }
      await this.host.files.appendFile(path, text);
    } catch (error) {
      if (!(error instanceof TractestError)) throw error;
      this.printer.warn(`no summary of this run: ${escapeText(error.message)}`);
    }
  }

  /** GitHub takes paths in the repository, Azure absolute ones. */
  #place(root: string, file: string): string {
    const path = resolve(root, file);
    const workspace = this.host.env("GITHUB_WORKSPACE");
    if (this.provider !== "github") return path;
    const inside = relative(workspace || root, path);
    return inside.startsWith("..") ? path : inside;
  }

  #seconds(): number {
    return this.host.clock.now() / 1000;
  }

  #write(line: string | null): void {
    if (line !== null) this.host.terminal[this.options.stream].write(`${line}\n`);
  }
}
