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

/** Bytes that GitHub takes as the summary of one step. */
const MOST_SUMMARY = 1 << 20;

/** Structures the log of a service that runs the tests, and reports to it. */
export class CiLog {
  /**
   * From now on nothing that the printer prints is a command of the service.
   *
   * @param stream where the output of pytest goes
   */
  constructor(
    private readonly host: Host,
    private readonly printer: Printer,
    private readonly provider: ProviderName,
    private readonly stream: "stdout" | "stderr",
  ) {
    printer.guard = (text) => withoutCommands(provider, text);
  }

  /** Does the work in a group of the log. */
  async group<T>(group: LogGroup, work: () => Promise<T>): Promise<T> {
    const { provider } = this;
    this.#write(groupBegin(provider, group, this.#seconds()));
    try {
      return await work();
    } finally {
      this.#write(groupEnd(provider, group, this.#seconds()));
    }
  }

  /** Runs tests in a group of the log; what they print is no command of the service. */
  async tests<T>(work: () => Promise<T>): Promise<T> {
    return await this.group({ title: "pytest", name: "pytest", collapsed: false }, async () => {
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
        this.#write(annotationLine(this.provider, { ...annotation, file }));
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
    if (line !== null) this.host.terminal[this.stream].write(`${line}\n`);
  }
}
