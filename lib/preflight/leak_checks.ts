import type { JudgedProcess, LeakReport, RegistryReport } from "../leaks/leak_report.ts";
import type { CheckResult } from "./rules.ts";

const CLEAN_UP = "tractest zombies --kill";
const ISOLATE = "tractest run --isolate";
/** Processes and sockets that a row names, at most. */
const SHOWN = 5;

/** The rows of a look for leaks. */
export function leakChecks(report: LeakReport): CheckResult[] {
  return [registryCheck(report), actorsCheck(report), socketsCheck(report)];
}

/** The same before a run: leaked actors alone leave the registry free, and stop nothing. */
export function leakChecksOfRun(report: LeakReport): CheckResult[] {
  return leakChecks(report).map((check) =>
    check.id === "actors" && check.status === "fail" ? { ...check, status: "warn" } : check
  );
}

function registryCheck({ registries, liveRun, unknowns }: LeakReport): CheckResult {
  const bound = registries.filter((registry) => registry.bound === true);
  if (bound.length > 0 && liveRun) {
    return row(
      "registry",
      "fail",
      `${
        bound.map((one) => one.address).join(", ")
      } is held by a live run of this project: pid ${liveRun.pid} (${liveRun.title})`,
      {
        fix: "wait for it to end: tractest run --wait",
      },
    );
  }
  if (bound.length > 0) {
    return row("registry", "fail", bound.map(holdersOf).join("\n"), { fix: registryFix(bound) });
  }
  if (registries.length === 0) {
    return row("registry", "skipped", "none is configured: registries = []");
  }
  if (registries.some((registry) => registry.bound === null)) return unknown("registry", unknowns);
  return row("registry", "ok", `${registries.map((registry) => registry.address).join(", ")} free`);
}

/**
 * A registry that somebody else's program holds is not ours to end: a run can have one of its own
 * instead.
 */
function registryFix(bound: readonly RegistryReport[]): string {
  const holders = bound.flatMap((registry) => registry.holders);
  if (holders.length > 0 && holders.every((holder) => holder.verdict === "leaked")) return CLEAN_UP;
  const doubtful = holders.find((holder) => holder.ours === true && holder.verdict === "unknown");
  const end = doubtful
    ? `if nobody needs it: ${CLEAN_UP} --pid ${doubtful.pid}`
    : `or end its holder yourself: ss -tlnp 'sport = :${bound[0]!.address.split(":").at(-1)}'`;
  return [...holders.some((holder) => holder.verdict === "leaked") ? [CLEAN_UP] : [], ISOLATE, end]
    .join("\n");
}

function holdersOf({ address, holders }: RegistryReport): string {
  if (holders.length === 0) {
    return `${address} is held by a process you can't see (another user or container)`;
  }
  return holders.map((holder) => `${address} is held by ${describe(holder)}`).join("\n");
}

function actorsCheck({ actors, clean, unknowns }: LeakReport): CheckResult {
  const leaked = actors.filter((actor) => actor.verdict === "leaked");
  if (leaked.length > 0) {
    return row("actors", "fail", some(leaked.map(describe), "leaked"), { fix: CLEAN_UP });
  }
  const doubtful = actors.filter((actor) => actor.verdict === "unknown");
  if (doubtful.length > 0) {
    return row("actors", "unknown", some(doubtful.map(describe), "can't be judged"), {
      fix: "tractest zombies",
    });
  }
  if (clean === null && unknowns.length > 0) return unknown("actors", unknowns);
  const busy = actors.filter((actor) => actor.verdict === "in-use").length;
  return row("actors", "ok", busy > 0 ? `none leaked, ${busy} in use` : "none");
}

function socketsCheck({ sockets, clean, unknowns }: LeakReport): CheckResult {
  const stale = sockets.filter((socket) => socket.verdict === "stale").map((socket) => socket.path);
  if (stale.length > 0) return row("sockets", "fail", some(stale, "stale"), { fix: CLEAN_UP });
  const doubtful = sockets.filter((socket) => socket.verdict === "unknown").map((socket) =>
    socket.path
  );
  if (doubtful.length > 0) {
    return row("sockets", "unknown", some(doubtful, "can't be judged"), {
      fix: "tractest zombies",
    });
  }
  if (clean === null && unknowns.length > 0) return unknown("sockets", unknowns);
  return row("sockets", "ok", sockets.length > 0 ? `${sockets.length} live, none stale` : "none");
}

function unknown(id: string, unknowns: readonly string[]): CheckResult {
  return row(
    id,
    "unknown",
    unknowns.length > 0 ? [...new Set(unknowns)].join("\n") : "could not be looked at",
    { fix: "tractest zombies -v" },
  );
}

function describe({ pid, title, verdict, evidence }: JudgedProcess): string {
  return `pid ${pid} (${title}), ${verdict}${
    evidence.length > 0 ? `: ${evidence.join("; ")}` : ""
  }`;
}

function some(texts: readonly string[], what: string): string {
  const more = texts.length > SHOWN ? [`and ${texts.length - SHOWN} more`] : [];
  return [`${texts.length} ${what}`, ...texts.slice(0, SHOWN), ...more].join("\n");
}

function row(
  id: string,
  status: CheckResult["status"],
  detail: string,
  { fix = null }: { fix?: string | null } = {},
): CheckResult {
  return { id, status, detail, fix };
}
