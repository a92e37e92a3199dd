import { TractestError } from "../errors.ts";
import type { Host } from "../system/host.ts";
import { Git } from "../system/programs/git.ts";
import { changesSince } from "../affected/changes.ts";
import type { Project } from "../project/project.ts";

/** The revision that a run tests. Null: no repository, or unknown. */
export interface Revision {
  readonly commit: string | null;
  /** Whether something differs from that commit. */
  readonly dirty: boolean | null;
}

/** Reads the revision from git. An error of git is no error: a run does not depend on it. */
export async function revisionOf(host: Host, project: Project): Promise<Revision> {
  try {
    const commit = await new Git(host, project.root).commit("HEAD");
    if (commit === null) return { commit: null, dirty: null };
    const { changes } = await changesSince(host, project, { kind: "uncommitted" });
    return { commit, dirty: changes.length > 0 };
  } catch (error) {
    if (error instanceof TractestError) return { commit: null, dirty: null };
    throw error;
  }
}
