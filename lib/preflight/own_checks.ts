import type { CheckResult } from "./rules.ts";
import { outsideRow } from "../system/permission_flags.ts";
import type { Host } from "../system/host.ts";
import type { PermissionRow } from "../tables/permissions.ts";
import { cacheDirectory, type OwnDirectory, stateDirectory } from "../project/directories.ts";

/** The row of tractest's own directories. */
export async function directoriesCheck(host: Host): Promise<CheckResult> {
  const directories = await Promise.all([stateDirectory(host), cacheDirectory(host)]);
  const problems: string[] = [];
  const fixes: string[] = [];
  for (const directory of directories) {
    const problem = directory.problem ?? await whyNotWritable(host, directory);
    if (problem === null) continue;
    problems.push(directory.path === null ? problem : `${directory.path}: ${problem}`);
    fixes.push(
      directory.path === null
        ? "set HOME, or XDG_STATE_HOME and XDG_CACHE_HOME"
        : fixFor(directory),
    );
  }
  const id = "state-directories";
  if (problems.length > 0) {
    const detail = [
      ...new Set(problems),
      "without them nothing is remembered; tests run all the same",
    ].join("\n");
    return { id, status: "fail", detail, fix: [...new Set(fixes)].join("\n") };
  }
  return {
    id,
    status: "ok",
    detail: directories.map(({ path, exists }) => `${path}${exists ? "" : " (not made yet)"}`).join(
      "\n",
    ),
    fix: null,
  };
}

/** Writes a file for a moment: permission bits don't show a read-only or full disk. */
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
  if (problem === null) return `ls -ld '${path}'; df '${path}'`;
  return problem.startsWith("others") ? `chmod 700 '${path}'` : `ls -ld '${path}' and move it away`;
}

/**
 * The row of the program itself: what it was built as, and that it has no permission beyond the row
 * that it dropped to.
 */
export function binaryCheck(host: Host, row: PermissionRow): CheckResult {
  const { kind, runtime } = host.build();
  const granted = outsideRow(row).filter((capability) => !host.permissions.isRefused(capability));
  const id = "binary";
  if (granted.length === 0) {
    return {
      id,
      status: "ok",
      detail: `${kind}, ${runtime}, no permission outside of "${row.row}"`,
      fix: null,
    };
  }
  const detail =
    `${kind}, ${runtime}: ${granted.length} permissions outside of "${row.row}" are granted, such as ${
      granted[0]!.kind
    } ${granted[0]!.value}`;
  if (kind === "source") {
    return {
      id,
      status: "warn",
      detail,
      fix: "scripts/build makes a program that has only those of the table",
    };
  }
  return { id, status: "fail", detail, fix: `tractest permissions --row '${row.row}'` };
}
