import { relative, resolve } from "@std/path";
import { timeStamp } from "../background/rules_run_file.ts";
import { escapeText } from "../base/escape.ts";
import type { Context } from "../command_line/context.ts";
import { type OptionsOf, type OptionTable, SHARED, WITH_JSON } from "../command_line/options.ts";
import type { Verb } from "../command_line/verb.ts";
import { interruptible } from "../commands/interruptible.ts";
import { TractestError, UsageError } from "../errors.ts";
import { outputPath, writeToStdout } from "../run/output_file.ts";
import type { Host } from "../system/host.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { VERSION } from "../tables/release.ts";
import { canAsk, CannotAskError, confirm } from "../terminal/prompt.ts";
import { checkOperands, gatherParts } from "./command_parts.ts";
import { archiveOf, type Bundle, readyBundle } from "./bundle.ts";
import type { Printer } from "../terminal/printer.ts";
import { fileRows, remarks, replacedRows, replacedText, sizeText } from "./show.ts";

/** The options of `bundle`. */
export const OPTIONS = {
  ...WITH_JSON,
  yes: SHARED.yes,
  "dry-run": SHARED["dry-run"],
  output: {
    kind: "file",
    doc: "the archive (default: tractest-bundle-TIME.tar.gz); - for standard output",
  },
} as const satisfies OptionTable;

/** Their values. */
export type BundleOptions = OptionsOf<typeof OPTIONS>;

const SCHEMA = "tractest.bundle/1";

/** `tractest bundle [RUN]`: one archive for a bug report, shown before it is written. */
export function bundle(context: Context<BundleOptions>): Promise<ExitCode> {
  return interruptible(context, () => makeBundle(context));
}

async function makeBundle(context: Context<BundleOptions>): Promise<ExitCode> {
  const { host, printer, line: { options, operands } } = context;
  checkOperands(operands);
  const name = `tractest-bundle-${timeStamp(host.clock.now())}`;
  const toStdout = options.output === "-";
  const typed = options.output ?? `${name}.tar.gz`;
  if (toStdout) checkStdout(context);
  const path = toStdout ? null : await newFile(host, typed);
  if (path !== null && !options.yes && !options.dryRun && !canAsk(host, printer)) {
    throw cannotAsk(typed);
  }
  const made = readyBundle(await gatherParts(context), {
    version: VERSION,
    made: new Date(host.clock.now()).toISOString().slice(0, 19) + "Z",
  });
  const archive = await archiveOf(made, name, host.clock.now() / 1000);
  if (path === null) {
    showContents(printer, made, "stderr");
    if (!options.dryRun) writeToStdout(host, archive);
    return EXIT.ok;
  }
  showContents(printer, made, "stdout");
  const shown = escapeText(relative(host.cwd, path));
  const size = sizeText(archive.length);
  if (options.dryRun) {
    printer.note(`would write ${shown} (${size})`);
    if (printer.json) printer.document(SCHEMA, document(made, { path, written: false, archive }));
    return EXIT.ok;
  }
  if (!await confirm(host, printer, `Write ${shown} (${size})?`, { yes: options.yes })) {
    printer.note("nothing was written");
    return EXIT.ok;
  }
  if (!await host.files.createFile(path, archive)) throw exists(typed);
  printer.note(`wrote ${shown} (${size}); it is sent nowhere`);
  if (printer.json) printer.document(SCHEMA, document(made, { path, written: true, archive }));
  return EXIT.ok;
}

function showContents(printer: Printer, made: Bundle, stream: "stdout" | "stderr"): void {
  const say = (text: string) => stream === "stdout" ? printer.line(text) : printer.note(text);
  const replaced = replacedRows(made.files);
  printer.rows(fileRows(made.files), { stream });
  say(replacedText(replaced));
  printer.rows(replaced, { stream });
  for (const text of remarks(made)) say(text);
}

function document(
  { files, unknowns }: Bundle,
  { path, written, archive }: {
    readonly path: string;
    readonly written: boolean;
    readonly archive: Uint8Array;
  },
): Record<string, unknown> {
  return {
    path,
    written,
    bytes: archive.length,
    files: files.map(({ name, about, bytes, replaced }) => ({ name, about, bytes, replaced })),
    unknowns,
  };
}

function checkStdout({ host, printer }: Context): void {
  if (printer.json) {
    throw new UsageError("--json and --output - both want standard output", "leave one out");
  }
  if (host.terminal.stdout.isTerminal) {
    throw new UsageError(
      "--output - would write an archive to the terminal",
      "tractest bundle --output - | tar -xzO | less",
    );
  }
}

/** @throws {UsageError} if something is there, or it can't be written */
async function newFile(host: Host, typed: string): Promise<string> {
  if (await host.files.lstat(resolve(host.cwd, typed)) !== null) throw exists(typed);
  return await outputPath(host, typed, { kind: "a bundle", isOne: () => false });
}

function exists(typed: string): UsageError {
  return new UsageError(`"${typed}" exists already`, "name another file, or remove it");
}

function cannotAsk(typed: string): TractestError {
  const { code, message, exitCode } = new CannotAskError(`Write "${typed}"?`);
  const hint = "--yes writes it; --dry-run lists what it would hold";
  return new TractestError(code, message, exitCode, hint);
}

/** `tractest bundle`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "bundle",
  group: "clean-up",
  summary: "one archive for a bug report, without private details: tree, hang, run, doctor",
  usage: "tractest bundle [RUN] [OPTIONS]",
  options: OPTIONS,
  operands: { words: [], paths: null, sources: ["runs"] },
  examples: [
    ["tractest bundle", "list what it holds and what was replaced, ask, write"],
    ["tractest bundle --dry-run", "only list it"],
    ["tractest bundle --output - | tar -xzO | less", "read all of it, write nothing"],
  ],
  exits: [0, 80],
  row: "bundle",
  run: bundle,
};
