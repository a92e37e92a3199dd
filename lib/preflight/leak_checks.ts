import type { JudgedProcess, LeakReport, RegistryReport } from "../leaks/leak_report.ts";
import type { CheckId } from "./check_ids.ts";
import { type CheckResult, checkResult } from "./rules.ts";

const CLEAN_UP = "tractest zombies --kill";
const ISOLATE = "tractest run --isolate";
/** Maximum number of processes or sockets that a row lists. */
const LISTED = 5;

/**
 * The rows for a leak report.
 *
 * @param ids the checks that the project has
 */
export function leakChecks(report: LeakReport, ids: readonly CheckId[]): CheckResult[] {
  return [
    registryCheck(report),
    processesCheck(report, "actors"),
    processesCheck(report, "leaks"),
    socketsCheck(report),
  ].filter(({ id }) => ids.includes(id));
}

/** The same before a run, where leaked processes are a warning: they are not in its way. */
export function leakChecksOfRun(report: LeakReport, ids: readonly CheckId[]): CheckResult[] {
  return leakChecks(report, ids).map((check) =>
    ["actors", "leaks"].includes(check.id) && check.status === "fail"
      ? { ...check, status: "warn" }
      : check
  );
}

function registryCheck({ registries, liveRun, unknowns }: LeakReport): CheckResult {
  const id = "registry";
  const bound = registries.filter((registry) => registry.bound === true);
  if (bound.length > 0 && liveRun) {
    const addresses = bound.map((registry) => registry.address).join(", ");
    const run = `a live run of this project: pid ${liveRun.pid} (${liveRun.title})`;
    const fix = "wait for it to end: tractest run --wait";
    return checkResult(id, "fail", `${addresses} is held by ${run}`, fix);
  }
  if (bound.length > 0) {
    return checkResult(id, "fail", bound.map(holdersText).join("\n"), registryFix(bound));
  }
  if (registries.length === 0) {
    return checkResult(id, "skipped", "none is configured: registries = []");
  }
  if (registries.some((registry) => registry.bound === null)) return unknown(id, unknowns);
  return checkResult(id, "ok", `${registries.map(({ address }) => address).join(", ")} free`);
}

/** Only leaks are ended. If another program holds the registry, a run can have one of its own. */
function registryFix(bound: readonly RegistryReport[]): string {
  const holders = bound.flatMap((registry) => registry.holders);
  const leaked = holders.filter((holder) => holder.verdict === "leaked");
  if (holders.length > 0 && leaked.length === holders.length) return CLEAN_UP;
  const doubtful = holders.find((holder) => holder.ours === true && holder.verdict === "unknown");
  const port = bound[0]!.address.split(":").at(-1);
  const pids = new Set(holders.map(({ pid }) => pid));
  // Whatever is in use is somebody's: who it is, they see before they end it.
  const isInDoubt = holders.length > 0 && holders.every(({ verdict }) => verdict === "unknown");
  const by = isInDoubt ? `kill -INT ${[...pids].join(" ")}` : `ss -tlnp 'sport = :${port}'`;
  const end = doubtful
    ? `if it is not needed: ${CLEAN_UP} --pid ${doubtful.pid}`
    : `or end its holder yourself: ${by}`;
  return [...leaked.length > 0 ? [CLEAN_UP] : [], ISOLATE, end].join("\n");
}

function holdersText({ address, holders }: RegistryReport): string {
  if (holders.length === 0) {
    return `${address} is held by a process you can't see (another user or container)`;
  }
  return holders.map((holder) => `${address} is held by ${processText(holder)}`).join("\n");
}

function processesCheck(report: LeakReport, id: "actors" | "leaks"): CheckResult {
  const { actors } = report;
  const withVerdict = (verdict: JudgedProcess["verdict"]) =>
    actors.filter((actor) => actor.verdict === verdict).map(processText);
  const leaked = withVerdict("leaked");
  if (leaked.length > 0) return checkResult(id, "fail", listed(leaked, "leaked"), CLEAN_UP);
  const inUse = withVerdict("in-use").length;
  return undecided(id, withVerdict("unknown"), report) ??
    checkResult(id, "ok", inUse > 0 ? `none leaked, ${inUse} in use` : "none");
}

function socketsCheck(report: LeakReport): CheckResult {
  const { sockets } = report;
  const id = "sockets";
  const withVerdict = (verdict: LeakReport["sockets"][number]["verdict"]) =>
    sockets.filter((socket) => socket.verdict === verdict).map((socket) => socket.path);
  const stale = withVerdict("stale");
  if (stale.length > 0) return checkResult(id, "fail", listed(stale, "stale"), CLEAN_UP);
  return undecided(id, withVerdict("unknown"), report) ??
    checkResult(id, "ok", sockets.length > 0 ? `${sockets.length} live, none stale` : "none");
}

function undecided(
  id: CheckResult["id"],
  doubtful: readonly string[],
  { clean, unknowns }: LeakReport,
): CheckResult | null {
  if (doubtful.length > 0) {
    return checkResult(id, "unknown", listed(doubtful, "of unknown state"), "tractest zombies");
  }
  return clean === null && unknowns.length > 0 ? unknown(id, unknowns) : null;
}

function unknown(id: CheckResult["id"], unknowns: readonly string[]): CheckResult {
  const detail = [...new Set(unknowns)].join("\n") || "could not be checked";
  return checkResult(id, "unknown", detail, "tractest zombies -v");
}

function processText({ pid, title, verdict, evidence }: JudgedProcess): string {
  const reasons = evidence.length > 0 ? `: ${evidence.join("; ")}` : "";
  // The rows of a check end at a newline, which a script in a command line has.
  return `pid ${pid} (${title.replaceAll("\n", "\\n")}), ${verdict}${reasons}`;
}

function listed(texts: readonly string[], what: string): string {
  const more = texts.length > LISTED ? [`and ${texts.length - LISTED} more`] : [];
  return [`${texts.length} ${what}`, ...texts.slice(0, LISTED), ...more].join("\n");
}
