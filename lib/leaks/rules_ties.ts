import type { DetailedProcess } from "../processes/process.ts";
import { RUNTIME_EXTENSIONS } from "./actor_signatures.ts";
import { pythonTarget } from "./rules_actor.ts";
import type { Recorded } from "./rules_ledger.ts";

/** A project. Paths absolute, symlinks resolved. */
export interface ProjectPaths {
  readonly root: string;
  /** Virtual environments of this project. */
  readonly venvs: readonly string[];
}

/** Whether a process belongs to a project (null: unknown), and the evidence. */
export type Ties = readonly [ours: boolean | null, evidence: string[]];

const FILE_HERE = "the test's file is in this project";

/** Whether a process belongs to a project, by where it works, what it maps and what recorded it. */
export function tiesOf(
  process: DetailedProcess,
  project: ProjectPaths,
  recorded: Recorded | undefined,
): Ties {
  const { cwd, place, sameNamespaces } = process;
  if (sameNamespaces === false) return [false, ["in another mount or pid namespace (a container)"]];
  const isOfTest = recorded?.mark === "test";
  if (place === "other-project" && (!recorded || isOfTest)) {
    return [false, [`works in another project: ${cwd}`]];
  }
  const ties = evidenceOf(process, project, recorded);
  if (isOfTest && ties.length === 1) {
    return wasIn(process, project) ? [null, ties] : [false, [`${ties[0]}, of another project`]];
  }
  // Many projects have a `tests/test_main.py`: this one may be of a checkout that was removed.
  if (ties.length === 2 && ties[0] === FILE_HERE && place === "gone" && !wasIn(process, project)) {
    return [null, [...ties, `worked in ${cwd}`]];
  }
  if (ties.length > 0) {
    return sameNamespaces === null
      ? [null, ["its namespaces can't be read", ...ties]]
      : [true, ties];
  }
  if (place === "gone") return [wasIn(process, project) ? null : false, [`worked in ${cwd}`]];
  if (process.mapped === null || place === "unknown") {
    return [null, ["neither its directory nor its files can be read"]];
  }
  return [false, [`works in ${cwd}, maps nothing of this project`]];
}

function evidenceOf(
  process: DetailedProcess,
  { venvs }: ProjectPaths,
  recorded: Recorded | undefined,
): string[] {
  const isOfTest = recorded?.mark === "test";
  const isFileHere = isOfTest && recorded.isFileHere && !usesOtherVenv(process, venvs);
  const venv = mappedVenv(process, venvs);
  const isStartedThere = venv === null && isStartedFrom(process, venvs);
  return [
    ...(recorded && !isOfTest ? [originOf(recorded)] : []),
    ...(isFileHere ? [FILE_HERE] : []),
    ...(process.place === "checkout" ? [`works in ${process.cwd}`] : []),
    ...(venv ? [`maps files of ${venv}`] : []),
    ...(isStartedThere ? [`started as ${process.argv![0]}`] : []),
    ...(isOfTest ? [originOf(recorded)] : []),
  ];
}

/** Which run or test a process came from, and how that is known. */
function originOf({ runId, test, id, mark }: Recorded): string {
  if (mark === "test") return `started by test ${id ?? "unknown"} (from its environment)`;
  if (mark === "run") {
    const starter = test === null ? "the pytest" : `test ${test}`;
    return `started by ${starter} of run ${runId} (from its environment)`;
  }
  return `recorded by run ${runId}${test === null ? "" : ` (test ${test})`}`;
}

/** Whether a process works in the checkout, or runs what is in it or in one of its venvs. */
export function isOfCheckout(process: DetailedProcess, { root, venvs }: ProjectPaths): boolean {
  const { argv, place } = process;
  return place === "checkout" || mappedVenv(process, venvs) !== null ||
    isStartedFrom(process, venvs) ||
    [argv?.[0], argv && pythonTarget(argv).value].some((path) => path?.startsWith(`${root}/`));
}

/** Whether the deleted directory of a process was in the checkout. */
function wasIn({ cwd }: DetailedProcess, { root }: ProjectPaths): boolean {
  const path = cwd?.replace(/ \(deleted\)$/, "") ?? "";
  return path === root || path.startsWith(`${root}/`);
}

/** The venv of which a process maps files; null for none of them. */
export function mappedVenv({ mapped }: DetailedProcess, venvs: readonly string[]): string | null {
  return venvs.find((venv) => mapped?.some((path) => path.startsWith(`${venv}/`))) ?? null;
}

function isStartedFrom({ argv }: DetailedProcess, venvs: readonly string[]): boolean {
  return venvs.some((venv) => argv?.[0]?.startsWith(`${venv}/`));
}

/** Whether a process uses what is installed for another project. */
function usesOtherVenv({ mapped }: DetailedProcess, venvs: readonly string[]): boolean {
  const prefixes = (mapped ?? []).map((path) =>
    /^(.*)\/lib(?:64)?\/[^/]+\/site-packages\//.exec(path)?.[1]
  );
  return prefixes.some((prefix) => prefix !== undefined && !venvs.includes(prefix));
}

/** Whether a process maps what every program on tractor maps. */
export function usesRuntime({ mapped }: DetailedProcess): boolean {
  return mapped?.some((path) => RUNTIME_EXTENSIONS.some((name) => path.includes(`/${name}/`))) ??
    false;
}
