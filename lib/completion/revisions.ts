import { join, resolve } from "@std/path";
import type { Host } from "../system/host.ts";
import type { Candidate } from "./rules_wanted.ts";

/** Where refs are, and what they are to a reader, in the order of completion. */
const KINDS = [
  { prefix: "refs/heads/", about: "branch" },
  { prefix: "refs/tags/", about: "tag" },
  { prefix: "refs/remotes/", about: "remote branch" },
] as const;

/** Directories below `refs` that are entered: nobody nests branches deeper. */
const DEEPEST = 8;

/**
 * The branches and tags of a work tree, by the files of git: starting a program would take longer
 * than all else.
 *
 * @param top the top of the work tree
 */
export async function revisions(host: Host, top: string): Promise<Candidate[]> {
  const directory = await commonDirectory(host, join(top, ".git"));
  const packed = await host.files.readText(join(directory, "packed-refs")).catch(() => null) ?? "";
  const names = new Set(
    packed.split("\n").flatMap((line) => {
      const [, name] = /^[0-9a-f]+ (refs\/\S+)$/.exec(line) ?? [];
      return name === undefined ? [] : [name];
    }),
  );
  for (const { prefix } of KINDS) {
    const below = join(directory, prefix);
    for (const file of await filesBelow(host, below, DEEPEST)) names.add(prefix + file);
  }
  const sorted = [...names].sort();
  return [
    { value: "HEAD", about: "the last commit" },
    ...KINDS.flatMap(({ prefix, about }) =>
      sorted.filter((name) => name.startsWith(prefix) && !name.endsWith("/HEAD"))
        .map((name) => ({ value: name.slice(prefix.length), about }))
    ),
  ];
}

/** The directory with the refs: that of the main work tree, if this is another one. */
async function commonDirectory(host: Host, git: string): Promise<string> {
  const link = await host.files.readText(git).catch(() => null);
  const [, path] = /^gitdir: (.+)$/m.exec(link ?? "") ?? [];
  const own = path === undefined ? git : resolve(git, "..", path);
  const common = await host.files.readText(join(own, "commondir")).catch(() => null);
  return common === null ? own : resolve(own, common.trim());
}

async function filesBelow(host: Host, directory: string, depth: number): Promise<string[]> {
  const entries = await host.files.readDirectory(directory).catch(() => null) ?? [];
  const files = await Promise.all(entries.map(async ({ name, kind }) => {
    if (kind !== "directory") return name.endsWith(".lock") ? [] : [name];
    if (depth === 0) return [];
    const below = await filesBelow(host, join(directory, name), depth - 1);
    return below.map((file) => `${name}/${file}`);
  }));
  return files.flat();
}
