import { isInside } from "../base/paths.ts";
import type { Package } from "../project/package.ts";
import type { Interpreter } from "../system/programs/python.ts";
import { join } from "@std/path";
import { CONFIGURATION_FILES } from "../project/project_files.ts";
import {
  type FileMark,
  fingerprint,
  matters,
  readRemembered,
  type Remembered,
  writeRemembered,
} from "./fingerprint.ts";
import { ignoreTractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { cacheDirectory, usable } from "../project/directories.ts";
import type { Project } from "../project/project.ts";

/** Files that affect imports or collection, in addition to Python files. */
const ROOT_FILES = [...CONFIGURATION_FILES, "uv.lock", ".python-version"] as const;
/** With more files than this nothing is remembered: checking them would take too long. */
const FILE_LIMIT = 8_000;

/** Remembers the result of the last preflight of an interpreter until something changes. */
export class Memory {
  /** Without a file or a fingerprint, nothing can be remembered. */
  private constructor(
    private readonly host: Host,
    private readonly file: string | null,
    private readonly fingerprint: string | null,
  ) {}

  /** Takes the current fingerprint. If that fails, nothing is remembered. */
  static async open(scene: MemoryScene, interpreter: Interpreter): Promise<Memory> {
    const { host, project, targets, searched } = scene;
    try {
      const [directory, mark] = await Promise.all([
        cacheDirectory(host).then((own) => usable(host, own, "preflight")),
        takeFingerprint(scene, interpreter),
      ]);
      const key = await fingerprint([], [project.root, ...interpreter.argv]);
      // One file for all targets: one for each would mean many files.
      const kind = searched !== undefined ? "-search" : targets === null ? "" : "-targets";
      const name = `${key.slice(0, 32)}${kind}.json`;
      return new Memory(host, directory === null ? null : join(directory, name), mark);
    } catch (error) {
      ignoreTractestError(error);
      return new Memory(host, null, null);
    }
  }

  /** The result that was remembered for exactly this state; null without one. */
  async recall(): Promise<Remembered | null> {
    if (this.file === null || this.fingerprint === null) return null;
    try {
      const remembered = readRemembered(await this.host.files.readText(this.file));
      if (remembered?.fingerprint !== this.fingerprint) return null;
      const importedMark = await this.#markOf(remembered.imported);
      return remembered.importedMark === importedMark ? remembered : null;
    } catch {
      return null;
    }
  }

  /** Remembers a result for the state at which this was opened. */
  async keep(found: Omit<Remembered, "fingerprint" | "importedMark">): Promise<void> {
    if (this.file === null || this.fingerprint === null || found.imported.length > FILE_LIMIT) {
      return;
    }
    try {
      const importedMark = await this.#markOf(found.imported);
      const text = writeRemembered({ ...found, fingerprint: this.fingerprint, importedMark });
      await this.host.files.writeFile(this.file, text);
    } catch {
      // Then the next preflight takes longer, as with a full disk.
    }
  }

  /** Fingerprint of installed files: editing one in place changes no directory. */
  async #markOf(files: readonly string[]): Promise<string> {
    const marks: FileMark[] = [];
    for (const file of files) await mark(this.host, file, marks);
    return await fingerprint(marks, []);
  }
}

/** What a {@linkcode Memory} depends on. */
export interface MemoryScene {
  readonly host: Host;
  readonly project: Project;
  readonly inherited: ReadonlyMap<string, string>;
  /** What to collect, relative to the root; null: the whole suite. */
  readonly targets: readonly string[] | null;
  /** The package, if any, where it is only searched: then no content of the project matters. */
  readonly searched?: Package | null;
}

/** The fingerprint of the current state; null if it can't be complete. */
async function takeFingerprint(
  { host, project, inherited, targets, searched }: MemoryScene,
  interpreter: Interpreter,
): Promise<string | null> {
  const venv = interpreter.venv;
  if (venv === null) return null;
  const isSearch = searched !== undefined;
  // uv may change the venv, and what such a path holds is not known.
  if (isSearch && (interpreter.argv.length > 1 || inherited.get("PYTHONPATH"))) return null;
  const marks: FileMark[] = [];
  const facts = [
    ...interpreter.argv,
    project.configuration.package ?? "",
    ...[...inherited].filter(([name]) => matters(name)).map(([name, value]) => `${name}=${value}`)
      .sort(),
    ...targets ?? [],
  ];
  const outside = await markVenv(host, venv, marks, isSearch ? CHANGES_PATH : CHANGES_PACKAGES);
  if (outside === null) return null;
  if (isSearch) {
    const configuration = await host.files.readText(join(venv, "pyvenv.cfg")) ?? "";
    // The packages of the system are not part of the mark.
    if (/^include-system-site-packages *= *true/mi.test(configuration)) return null;
    const places = await placesOf(host, [project.root, ...outside], searched);
    return await fingerprint(marks, [...facts, ...places]);
  }
  const walks = [project.root, ...outside.filter((path) => !isInside(path, project.root))];
  const whole = await Promise.all(walks.map((path) => markSources(host, path, marks)));
  const more = [...ROOT_FILES, ...targets ?? []];
  await Promise.all(more.map((name) => mark(host, join(project.root, name), marks)));
  return whole.every((each) => each) && marks.length <= FILE_LIMIT
    ? await fingerprint(marks, facts)
    : null;
}

/** Where a package can be found below some directories, and whether it is there. */
async function placesOf(
  host: Host,
  directories: readonly string[],
  searched: Package | null,
): Promise<string[]> {
  if (searched === null) return [];
  const { importName, directory } = searched;
  const names = [importName, join(importName, "__init__.py"), `${importName}.py`];
  const paths = directories.flatMap((one) => names.map((name) => join(one, name)));
  const kinds = await Promise.all(paths.map(async (path) => (await host.files.stat(path))?.kind));
  return [importName, directory, ...paths.map((path, index) => `${path}: ${kinds[index]}`)];
}

/** Entries of `site-packages` that change with the packages or their versions. */
const CHANGES_PACKAGES = /\.(dist-info|egg-link|pth)$/;
/** Those that decide where packages are found, among them the code of editable installs. */
const CHANGES_PATH = /\.(egg-link|pth)$|editable/;

/**
 * Marks the installed packages; returns the directories of editable installs, which `.pth` files
 * add to the path, or null if this is not a venv.
 */
async function markVenv(
  host: Host,
  venv: string,
  marks: FileMark[],
  relevant: RegExp,
): Promise<string[] | null> {
  const [configuration] = await Promise.all([
    mark(host, join(venv, "pyvenv.cfg"), marks),
    mark(host, join(venv, "bin/python"), marks),
  ]);
  if (!configuration) return null;
  const outside: string[] = [];
  for (const { name } of await host.files.readDirectory(join(venv, "lib")) ?? []) {
    const packages = join(venv, "lib", name, "site-packages");
    if (!name.startsWith("python") || !await mark(host, packages, marks)) continue;
    const entries = await host.files.readDirectory(packages) ?? [];
    await Promise.all(entries.map(async (entry) => {
      const path = join(packages, entry.name);
      if (relevant.test(entry.name)) await mark(host, path, marks);
      if (!entry.name.endsWith(".pth")) return;
      const lines = (await host.files.readText(path) ?? "").split("\n").map((line) => line.trim());
      outside.push(...lines.filter((line) => line.startsWith("/")));
    }));
  }
  return outside;
}

/**
 * Marks all Python files below a directory, except in venvs and hidden directories; false if there
 * are too many.
 */
async function markSources(host: Host, directory: string, marks: FileMark[]): Promise<boolean> {
  if (marks.length > FILE_LIMIT) return false;
  const entries = await host.files.readDirectory(directory) ?? [];
  if (entries.some((entry) => entry.name === "pyvenv.cfg")) return true;
  const results = await Promise.all(entries.map(async ({ name, kind }) => {
    const path = join(directory, name);
    if (kind === "directory") return isLeftOut(name) || await markSources(host, path, marks);
    if (name.endsWith(".py") || name.endsWith(".pth")) await mark(host, path, marks);
    return true;
  }));
  return results.every((result) => result);
}

function isLeftOut(name: string): boolean {
  return name.startsWith(".") || name === "__pycache__" || name === "node_modules";
}

async function mark(host: Host, path: string, marks: FileMark[]): Promise<boolean> {
  const status = await host.files.stat(path);
  if (!status) return false;
  // The size and time of a directory change with its entries, as they should here.
  marks.push({ path, size: status.size, modifiedMs: status.modifiedMs, inode: status.inode });
  return true;
}
