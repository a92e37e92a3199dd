import { CONFIGURATION_FILES } from "../project/project_files.ts";
import { join } from "@std/path";
import type { KnownRun } from "../background/known_runs.ts";
import { ignoreTractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { inheritedEnvironment, parseEnvironment } from "../system/programs/env.ts";
import { readEnvironments } from "../system/programs/environ.ts";
import { nodeName } from "../system/programs/uname.ts";
import { joinEnds, KEPT_BYTES, type Part, sectionsOf } from "./parts.ts";
import { type PrivateFacts, privateFacts, readAccounts, SHOWN_VARIABLES } from "./rules_private.ts";

/** What must be replaced, and what of the environment is shown. */
export interface Surroundings {
  readonly facts: PrivateFacts;
  readonly environment: ReadonlyMap<string, string>;
}

/** A line of `.env`: `export NAME="value"`. */
const DOTENV = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/gm;

/**
 * Gathers what is private: names of users and of the machine, and the variables of this program, of
 * processes of the repository and of its `.env`. Their values only serve to replace them.
 *
 * @param pids the processes of the tree
 * @param root the project's root; null outside of any
 */
export async function gatherSurroundings(
  host: Host,
  pids: readonly number[],
  root: string | null,
): Promise<Surroundings> {
  const [environment, node, accounts, hostName, hosts, resolver, dotenv, others] = await Promise
    .all([
      inheritedEnvironment(host),
      nodeName(host),
      readQuietly(host, "/etc/passwd"),
      readQuietly(host, "/etc/hostname"),
      readQuietly(host, "/etc/hosts"),
      readQuietly(host, "/etc/resolv.conf"),
      root === null ? "" : readQuietly(host, join(root, ".env")),
      pids.length === 0
        ? []
        : readEnvironments(host, pids, "values of variables, which must not be shown"),
    ]);
  const home = environment.get("HOME") ?? "";
  const ofFile = [...dotenv.matchAll(DOTENV)].map(([, name, value]) =>
    [name!, value!.replace(/^(["'])(.*)\1$/s, "$2")] as const
  );
  return {
    environment,
    facts: privateFacts({
      uid: host.uid(),
      accounts: readAccounts(accounts),
      environment,
      realHome: home === "" ? null : await realPathOf(host, home),
      hostNames: [node ?? "", hostName],
      hosts,
      resolver,
      variables: [
        ...environment,
        ...others.flatMap((text) => [...parseEnvironment(text)]),
        ...ofFile,
      ],
    }),
  };
}

async function realPathOf(host: Host, path: string): Promise<string | null> {
  return await host.files.realPath(path).catch(ignoreTractestError) ?? null;
}

async function readQuietly(host: Host, path: string): Promise<string> {
  return await host.files.readText(path).catch(ignoreTractestError) ?? "";
}

/** Variables whose values are shown, and the names of the others. */
export function environmentPart(environment: ReadonlyMap<string, string>): Part {
  const names = [...environment.keys()].sort();
  const values = names.filter((name) => SHOWN_VARIABLES.has(name));
  return {
    name: "environment.json",
    about: "variables that matter to a run with their values, and the names of all others",
    content: {
      kind: "json",
      value: {
        values: Object.fromEntries(values.map((name) => [name, environment.get(name)])),
        otherNames: names.filter((name) => !SHOWN_VARIABLES.has(name)),
      },
    },
  };
}

/** The sections of the project's files that configure pytest and tractest, as they are written. */
export async function configurationParts(host: Host, root: string): Promise<Part[]> {
  const texts: string[] = [];
  for (const name of CONFIGURATION_FILES) {
    const sections = sectionsOf(await readQuietly(host, join(root, name)));
    if (sections !== "") texts.push(`# ${name}\n${sections}\n`);
  }
  if (texts.length === 0) return [];
  const about = "what configures pytest and tractest, as the project's files have it";
  const content = { kind: "text", text: texts.join("\n") } as const;
  return [{ name: "configuration.txt", about, content }];
}

/** Files of a run that a bundle takes, and what they are. */
const RUN_FILES: readonly (readonly [pattern: RegExp, about: string])[] = [
  [/^run\.json$/, "how the run was started, and how it ended"],
  [/^refused\.json$/, "why a background run could not begin"],
  [/^events\.jsonl$/, "its events: tests, failures with tracebacks and output, hangs, leaks"],
  [/^output[\w-]*\.log$/, "what pytest and tests printed"],
];

/** The files of a run. */
export async function runParts(host: Host, { directory, record }: KnownRun): Promise<Part[]> {
  const entries = await host.files.readDirectory(directory).catch(ignoreTractestError) ?? [];
  const parts: Part[] = [];
  for (const name of entries.filter(({ kind }) => kind === "file").map(({ name }) => name).sort()) {
    const about = RUN_FILES.find(([pattern]) => pattern.test(name))?.[1];
    if (about === undefined) continue;
    const all = await readEnds(host, join(directory, name));
    const kind = name.endsWith(".log") ? "text" : "lines";
    // A last line that is not complete could hold half of a secret.
    const text = kind === "lines" ? all.slice(0, all.lastIndexOf("\n") + 1) : all;
    if (text === "") continue;
    const shown = `${about} (run ${record.runId})`;
    parts.push({ name: `run/${name}`, about: shown, content: { kind, text } });
  }
  return parts;
}

/** The text of a file, of a long one its beginning and its end. */
async function readEnds(host: Host, path: string): Promise<string> {
  const size = (await host.files.stat(path).catch(ignoreTractestError))?.size ?? 0;
  const { head, tail } = KEPT_BYTES;
  const read = async (offset: number, limit: number) =>
    new TextDecoder().decode(
      await host.files.readFrom(path, offset, limit).catch(ignoreTractestError) ?? undefined,
    );
  if (size <= head + tail) return await read(0, head + tail);
  return joinEnds(await read(0, head), await read(size - tail, tail), size - head - tail);
}
