import { join } from "@std/path";
import { isInside } from "../base/paths.ts";
import type { Mark } from "../base/cookie.ts";
import type { DetailedProcess } from "../processes/process.ts";
import type { Host } from "../system/host.ts";
import { readProcessFiles } from "../system/programs/proc.ts";
import { surroundingsOf } from "./ledger.ts";
import { type LedgerEntry, type Recorded, recordedProcesses } from "./rules_ledger.ts";
import { type Origins, withMarks } from "./rules_started.ts";

/** What origins are found from. */
export interface OriginScene {
  /** The root of the project whose ledger this is. */
  readonly root: string;
  readonly entries: readonly LedgerEntry[];
  /** The run or test that the environment of a process names. */
  readonly marks: ReadonlyMap<number, Mark>;
  readonly details: ReadonlyMap<number, DetailedProcess>;
}

const NOTHING: Origins = { over: new Map(), live: new Map(), abandoned: new Map() };

/** What runs recorded of the processes whose details were read, and what their environments say. */
export async function findOrigins(host: Host, scene: OriginScene): Promise<Origins> {
  const { entries, details } = scene;
  const known = entries.filter((entry) => details.get(entry.pid)?.startTicks === entry.startTicks);
  const marks = new Map([...scene.marks].filter(([pid]) => details.has(pid)));
  if (known.length + marks.size === 0) return NOTHING;
  const runs = new Set([...known, ...marks.values()].map((one) => one.runId));
  const heads = entries.filter(({ role, runId }) => role !== "process" && runs.has(runId));
  const [here, files] = await Promise.all([
    surroundingsOf(host),
    readProcessFiles(host, [...new Set(heads.map((entry) => entry.pid))], {
      mapped: false,
      why: "whether the runs that recorded these are over",
    }),
  ]);
  // Unless it is known whether a run is over, what it recorded is neither left over nor in use.
  if (here === null || files.failure !== null) {
    const pids = [...known.map((entry) => entry.pid), ...marks.keys()];
    return { ...NOTHING, live: new Map(pids.map((pid) => [pid, null])) };
  }
  const living = new Map<number, { uid: number; startTicks: number | null }>(
    [...details, ...files.rows].filter(([, row]) => row.state !== "Z"),
  );
  const titles = new Map([...details].map(([pid, { args }]) => [pid, args]));
  const own = host.pid;
  const recorded = recordedProcesses(entries, living, here, own);
  const found = withMarks(recorded, marks, titles, { entries, living, here, own });
  const over = await Promise.all(
    [...found.over].filter(([pid]) => details.get(pid)?.sameNamespaces === true)
      .map(async ([pid, origin]) => [pid, await located(host, scene.root, origin)] as const),
  );
  return { ...found, over: new Map(over) };
}

/** Adds to a process that a plain pytest started whether this project has that test's file. */
async function located(host: Host, root: string, origin: Recorded): Promise<Recorded> {
  const [file] = origin.mark === "test" ? origin.id?.split("::", 1) ?? [] : [];
  if (file === undefined) return origin;
  const path = join(root, file);
  const isFileHere = isInside(path, root) &&
    (await host.files.stat(path).catch(() => null))?.kind === "file";
  return { ...origin, isFileHere };
}
