import { join } from "@std/path";
import { runIdsIn } from "../background/run_directory.ts";
import { RUN_FILE } from "../background/run_directory.ts";
import { readRunFile } from "../background/rules_run_file.ts";
import type { Source } from "../command_line/options.ts";
import type { VerbDescription } from "../command_line/verb_description.ts";
import { runsDirectory } from "../project/directories.ts";
import { findProject, findRoot } from "../project/project.ts";
import { dotted, minorOfConfig } from "../project/rules_venv.ts";
import type { Host } from "../system/host.ts";
import { revisions } from "./revisions.ts";
import type { Candidate } from "./rules_wanted.ts";
import { testCandidates } from "./tests.ts";

/** What a source is asked for. */
export interface Asked {
  readonly part: string;
  /** Names, in the order of help. */
  readonly commands: readonly string[];
  /** Those of them whose summaries are known. */
  readonly verbs: readonly VerbDescription[];
}

/** Each reads files only; without a project, or with an unreadable one, some throw. */
const SOURCES: Readonly<Record<Source, (host: Host, asked: Asked) => Promise<Candidate[]>>> = {
  commands: (_host, { commands, verbs }) => {
    const summaries = new Map(verbs.map(({ name, summary }) => [name, summary]));
    return Promise.resolve(commands.map((value) => ({ value, about: summaries.get(value) ?? "" })));
  },
  minors: async (host) =>
    [...new Set((await venvs(host)).map(({ minor }) => dotted(minor)))]
      .map((value) => ({ value, about: "Python of a venv" })),
  profiles: async (host) => {
    const profiles = (await findRoot(host)).tractest?.profile;
    return Object.keys(typeof profiles === "object" ? profiles ?? {} : {})
      .map((value) => ({ value, about: "[tool.tractest.profile]" }));
  },
  revisions: async (host) => {
    const { top } = await findRoot(host);
    return top === null ? [] : await revisions(host, top);
  },
  runs,
  targets: async (host) =>
    Object.entries((await findProject(host)).configuration.targets)
      .map(([value, files]) => ({ value, about: `named target: ${files.join(", ")}` })),
  tests: (host, { part }) => testCandidates(host, part),
  venvs: async (host) =>
    (await venvs(host)).map(({ name, minor }) => ({
      value: `${name}/`,
      about: `venv with Python ${dotted(minor)}`,
    })),
};

/** What a source has; nothing where it can't be read. */
export async function candidatesOf(host: Host, source: Source, asked: Asked): Promise<Candidate[]> {
  try {
    return await SOURCES[source](host, asked);
  } catch {
    return [];
  }
}

/** The runs of this project, or of all where there is no project; the newest first. */
async function runs(host: Host): Promise<Candidate[]> {
  const directory = await runsDirectory(host);
  if (directory === null) return [];
  const root = (await findRoot(host).catch(() => null))?.root;
  const found = await Promise.all((await runIdsIn(host, directory)).map(async (id) => {
    const text = await host.files.readText(join(directory, id, RUN_FILE)).catch(() => null);
    const record = readRunFile(text);
    if (record === null || (root !== undefined && record.root !== root)) return [];
    const how = record.end === null ? "no end on record" : `exit code ${record.end.exitCode}`;
    return [{ value: id, about: `${how}: ${record.command}` }];
  }));
  const known = found.flat();
  return known.length === 0 ? [] : [...known, { value: "last", about: "the newest run" }];
}

/** The venvs in the working directory, which options name by their paths. */
async function venvs(host: Host): Promise<{ name: string; minor: string }[]> {
  const entries = await host.files.readDirectory(host.cwd) ?? [];
  const found = await Promise.all(entries.map(async ({ name, kind }) => {
    if (kind !== "directory" && kind !== "symlink") return [];
    const file = join(host.cwd, name, "pyvenv.cfg");
    const minor = minorOfConfig(await host.files.readText(file).catch(() => null));
    return minor === "" ? [] : [{ name, minor }];
  }));
  return found.flat().sort((one, other) => one.name < other.name ? -1 : 1);
}
