import type { HangReport } from "../pytest/hang_event.ts";
import { Forest } from "../processes/forest.ts";
import { join } from "@std/path";
import type { Judged } from "../leaks/rules.ts";
import type { SessionProgress, StartedIn } from "./scene.ts";
import { isHere, type LedgerEntry } from "../leaks/rules_ledger.ts";
import { RunModel } from "../pytest/run_model.ts";
import type { Host } from "../system/host.ts";
import { readLedger, surroundingsOf } from "../leaks/ledger.ts";
import { ProcessSurvey } from "../leaks/survey.ts";
import { type ProcessFiles, readProcessFiles, readVariable } from "../system/programs/proc.ts";
import type { ProcessList } from "../system/programs/ps.ts";
import { stateDirectory } from "../project/directories.ts";
import type { Project } from "../project/project.ts";
import { eventsOf, readEvents } from "../background/read_events.ts";

/** Finds the running pytests of this project, without those below another one. */
export async function findLiveRuns(
  host: Host,
  project: Project,
  list: ProcessList,
): Promise<{ readonly pids: readonly number[]; readonly unknowns: readonly string[] }> {
  const survey = new ProcessSurvey(host, project);
  await survey.candidates(list);
  const own = survey.ownPids;
  const forest = new Forest(list.processes);
  const line = (pid: number) => [pid, ...forest.ancestorsOf(pid)];
  const [{ entries }, here] = await Promise.all([
    readLedger(host, project.root),
    surroundingsOf(host),
  ]);
  // An isolated pytest shows another network and other pids, but its run has recorded it, or at
  // least what is above it.
  const idOf = ({ pid, startTicks }: { pid: number; startTicks: number | null }) =>
    `${pid} ${startTicks}`;
  const recorded = new Set(entries.filter((entry) => isHere(entry, here)).map(idOf));
  const isBelow = (pid: number, others: readonly number[]) =>
    forest.ancestorsOf(pid).some((above) => others.includes(above));
  const pids: number[] = [];
  let rest = list.processes.filter(({ pid, args, state }) =>
    /pytest|py\.test/.test(args) && state !== "Z" && !own.has(pid)
  ).map(({ pid }) => pid);
  // From the top: what is below a pytest is part of it.
  while (rest.length > 0) {
    const top = rest.filter((pid) => !isBelow(pid, rest));
    await survey.readDetails(top);
    const judged = await survey.judge([...new Set(top.flatMap(line))]);
    const known = new Set(judged.filter((one) => recorded.has(idOf(one))).map(({ pid }) => pid));
    const isOurs = ({ pid, ours }: Judged) =>
      ours === true || line(pid).some((above) => known.has(above));
    const found = judged.filter((one) => top.includes(one.pid) && one.kind.isPytest && isOurs(one));
    pids.push(...found.map(({ pid }) => pid));
    rest = rest.filter((pid) => !top.includes(pid) && !isBelow(pid, pids));
  }
  return { pids, unknowns: survey.failures };
}

/** What is known of the run that a process belongs to. */
export interface RunOfProcess {
  /** Null: not recorded. */
  readonly running: HangReport["running"];
  /** The command of its pytest; null when unknown. */
  readonly command: readonly string[] | null;
  /** Further processes that the run recorded and that are still the same. */
  readonly also: readonly number[];
  /** The progress of its session; null: not recorded. */
  readonly session: SessionProgress | null;
  /** The tests in which children were started, as far as they have inherited that. */
  readonly startedIn: ReadonlyMap<number, StartedIn>;
}

/**
 * Finds what is known of the run of a process: from the record that `tractest run` keeps, and from
 * what children have inherited from pytest.
 *
 * @param root the project's root; null outside of any, where nothing is recorded
 * @param above the ancestors of the process, nearest first: what surrounds an isolated pytest is
 *   recorded before pytest itself
 * @param children the processes below it
 */
export async function runOfProcess(
  host: Host,
  root: string | null,
  pid: number,
  above: readonly number[],
  children: readonly number[],
): Promise<RunOfProcess> {
  const [{ entries }, here, files, startedIn] = await Promise.all([
    root === null ? { entries: [] } : readLedger(host, root),
    surroundingsOf(host),
    readProcessFiles(host, [pid, ...above], { mapped: false, why: "which run it belongs to" }),
    inheritedTests(host, children),
  ]);
  const own = nearestEntry(
    [pid, ...above],
    files.rows,
    entries.filter((entry) => isHere(entry, here)),
  );
  const command = files.rows.get(pid)?.argv ?? null;
  if (own === null) return { running: null, command, also: [], session: null, startedIn };
  const same = entries.filter((entry) =>
    entry.runId === own.runId && entry.session === own.session && entry.role === "process" &&
    // What surrounds an isolated pytest is no part of what it waits for.
    !above.includes(entry.pid) && isHere(entry, here)
  );
  const living = await readProcessFiles(host, same.map((entry) => entry.pid), {
    mapped: false,
    why: "which processes of the run live",
  });
  const also = same.filter((entry) =>
    living.rows.get(entry.pid)?.startTicks === entry.startTicks &&
    living.rows.get(entry.pid)!.state !== "Z"
  );
  const recorded = await recordedSession(host, own, pid);
  return { ...recorded, command, also: also.map((entry) => entry.pid), startedIn };
}

/**
 * The entry of the first recorded process of these; null without any, or if a tractest comes first,
 * which may have begun another run.
 */
function nearestEntry(
  line: readonly number[],
  rows: ReadonlyMap<number, ProcessFiles>,
  entries: readonly LedgerEntry[],
): LedgerEntry | null {
  for (const pid of line) {
    const same = entries.filter((entry) =>
      entry.pid === pid && entry.startTicks === rows.get(pid)?.startTicks
    );
    if (same.some(({ role }) => role === "runner")) return null;
    // The run that started it knows more than one around that run.
    const entry = same.find(({ role }) => role === "root") ?? same[0];
    if (entry !== undefined) return entry;
  }
  return null;
}

/** The running tests and the progress of a session, from the events of its run. */
async function recordedSession(
  host: Host,
  { runId, session: name }: LedgerEntry,
  pid: number,
): Promise<Pick<RunOfProcess, "running" | "session">> {
  const nothing = { running: null, session: null };
  const state = await stateDirectory(host);
  if (state.problem !== null || !/^[\w-]+$/.test(runId)) return nothing;
  const run = new RunModel();
  const events = eventsOf(join(state.path, "runs", runId));
  if (!await readEvents(host, events, (event) => void run.apply(event))) return nothing;
  // An isolated pytest knows itself by another pid, so that the name of the session decides.
  const all = [...run.sessions.values()].filter((one) => one.name !== "");
  const session = all.find((one) => one.name === name) ?? all.findLast((one) => one.pid === pid);
  if (session === undefined) return nothing;
  const now = host.clock.now() / 1000;
  // A test that pytest abandoned has no end, but does not run any more after the session.
  const running = session.exitStatus !== null ? [] : session.runningFor(now);
  return { running, session };
}

/** pytest keeps the running test in its environment, and a child inherits that. */
async function inheritedTests(
  host: Host,
  children: readonly number[],
): Promise<ReadonlyMap<number, StartedIn>> {
  const found = await readVariable(host, children.slice(0, MOST_CHILDREN), "PYTEST_CURRENT_TEST");
  return new Map([...found].flatMap(([pid, value]) => {
    const [, id, phase] = /^(.*) \((setup|call|teardown)\)$/s.exec(value) ?? [];
    return id === undefined ? [] : [[pid, { id, phase: phase! }] as const];
  }));
}

/** Children whose environment is read, at most. */
const MOST_CHILDREN = 50;
