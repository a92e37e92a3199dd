import { plural } from "../base/plural.ts";
import { type CheckResult, checkResult } from "./rules.ts";
import { outsideRow } from "../system/permission_flags.ts";
import type { Host } from "../system/host.ts";
import type { PermissionRow } from "../tables/permissions.ts";
import {
  cacheDirectory,
  NOT_CREATABLE,
  type OwnDirectory,
  stateDirectory,
} from "../project/directories.ts";

/** Marks a directory that `doctor --fix` can create. */
export const NOT_CREATED = "(not created yet)";

/** Checks tractest's own directories. */
export async function directoriesCheck(host: Host): Promise<CheckResult> {
  const directories = await Promise.all([stateDirectory(host), cacheDirectory(host)]);
  const problems = new Set<string>();
  const fixes = new Set<string>();
  for (const directory of directories) {
    const { path } = directory;
    const problem = directory.problem ?? await whyNotWritable(host, directory);
    if (problem === null) continue;
    problems.add(path === null ? problem : `${path}: ${problem}`);
    fixes.add(fixFor(directory));
  }
  const id = "state-directories";
  if (problems.size > 0) {
    const effect = "tests run anyway, but nothing is recorded or cached";
    return checkResult(id, "fail", [...problems, effect].join("\n"), [...fixes].join("\n"));
  }
  const lines = directories.map(({ path, exists }) => exists ? path : `${path} ${NOT_CREATED}`);
  return checkResult(id, "ok", lines.join("\n"));
}

/** Tries to create a file: permission bits don't show a read-only or full disk. */
async function whyNotWritable(host: Host, { path, exists }: OwnDirectory): Promise<string | null> {
  if (!exists || path === null) return null;
  const file = `${path}/.doctor-${host.pid}`;
  try {
    await host.files.createFile(file, "");
    await host.files.remove(file);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function fixFor({ path, problem }: OwnDirectory): string {
  if (path === null) return "set HOME, or XDG_STATE_HOME and XDG_CACHE_HOME";
  if (problem?.startsWith(NOT_CREATABLE)) return "set XDG_STATE_HOME and XDG_CACHE_HOME";
  if (problem === null) return `ls -ld '${path}'; df '${path}'`;
  return problem.startsWith("others") ? `chmod 700 '${path}'` : `ls -ld '${path}' and move it away`;
}

/** Checks that this program has no permission beyond the row to which it is restricted. */
export function binaryCheck(host: Host, row: PermissionRow): CheckResult {
  const { kind, runtime } = host.build();
  const granted = outsideRow(row).filter((capability) => !host.permissions.isRefused(capability));
  const id = "binary";
  const [first] = granted;
  if (first === undefined) {
    return checkResult(id, "ok", `${kind}, ${runtime}, no permission outside of "${row.row}"`);
  }
  const example = `${first.kind} ${first.value}`;
  const detail =
    `${kind}, ${runtime}: ${plural(granted.length, "permission")} granted outside of ` +
    `"${row.row}", such as ${example}`;
  return kind === "source"
    ? checkResult(id, "warn", detail, "use the binary that scripts/build makes")
    : checkResult(id, "fail", detail, `tractest permissions --row '${row.row}'`);
}
