import { linesWithText } from "../base/last_lines.ts";
import type { Project } from "../project/project.ts";
import { isTractorItself, type Package } from "../project/package.ts";
import {
  type CheckAnswer,
  type ImportFacts,
  type Interpreter,
  parseCheck,
} from "../system/programs/python.ts";
import { missingTool } from "../system/programs/probe.ts";
import type { Host, ProgramResult } from "../system/host.ts";
import type { CheckResult } from "./rules.ts";
import { errorsOf, type Fit, fitOf } from "./import_check.ts";
import { join } from "@std/path";
import { installFor, isUvInstalled } from "../project/install_commands.ts";

/** Number of lines shown from the output of a failed program. */
export const EVIDENCE_LINES = 15;

/** The result of importing and collecting with one interpreter. */
export interface Verified {
  /** Null where nothing is imported, and nothing is wrong. */
  readonly import: CheckResult | null;
  /** Null where nothing was collected. */
  readonly collection: CheckResult | null;
  /** Whether the interpreter belongs to this checkout; null when nothing could be imported. */
  readonly fits: boolean | null;
  /** The evidence for that. */
  readonly fit: string;
  /** Whether the tests run against an installed copy. */
  readonly isCopy: boolean;
  /** `3.13.0`; null if Python did not start. */
  readonly pythonVersion: string | null;
}

/** The project whose package is imported and whose tests are collected, and how. */
export interface VerifyScene {
  readonly host: Host;
  readonly project: Project;
  readonly inherited: ReadonlyMap<string, string>;
  /** Whether to check again even if nothing has changed. */
  readonly fresh: boolean;
  /** Whether to import and collect; otherwise the package is only searched. */
  readonly collects: boolean;
  /** What to collect, as pytest takes it; null: the whole suite. */
  readonly targets: readonly string[] | null;
  /** Shows progress while `work` runs. */
  readonly during: <T>(what: string, work: Promise<T>) => Promise<T>;
}

/** Reads what a Python answered that searched some packages. */
export function parse(
  { stdout, stderr }: ProgramResult,
  packages: readonly string[],
): CheckAnswer {
  const answer = parseCheck(new TextDecoder().decode(stdout), new TextDecoder().decode(stderr));
  // Where nothing is searched, nothing is missing.
  const facts = answer.facts && packages.length === 0
    ? { ...answer.facts, files: [] }
    : answer.facts;
  return { ...answer, facts };
}

/** Whether the files that were found belong to this checkout. */
export async function fit(
  { host, project }: Pick<VerifyScene, "host" | "project">,
  own: Package | null,
  packages: readonly string[],
  { files, byDirectoryOnly }: ImportFacts,
): Promise<Fit> {
  const isTractor = await isTractorItself(host, project);
  if (!own || !files) return fitOf({ own: null, byDirectoryOnly }, isTractor);
  const file = files[packages.indexOf(own.importName)]!;
  const directory = join(project.root, own.directory);
  // A namespace package has no file.
  if (file === "") {
    return { fits: true, detail: `${own.importName} is a namespace package`, isCopy: false };
  }
  const [realFile, realDirectory] = await Promise.all([
    host.files.realPath(file),
    host.files.realPath(directory),
  ]);
  return fitOf({
    own: { name: own.importName, directory: realDirectory ?? directory, file: realFile ?? file },
    byDirectoryOnly,
  }, isTractor);
}

/** How a program ended, and the end of its output. */
export function evidenceOf({ outcome }: ProgramResult, printed: string, limitMs: number): string {
  if (outcome === "missing") return missingTool("env");
  const late = outcome === "timed-out" ? [`it did not end within ${limitMs / 1000} s`] : [];
  return [...late, ...linesWithText(errorsOf(printed)).slice(-EVIDENCE_LINES)].join("\n");
}

/** The command that fills the venv with what the project needs. */
export async function syncFix(
  scene: Pick<VerifyScene, "host" | "project">,
  interpreter: Interpreter,
): Promise<string> {
  return await isUvInstalled(scene.host, scene.project.root)
    ? "tractest run --sync"
    : await installFor(scene.host, scene.project.root, interpreter, ["-e", "."]);
}
