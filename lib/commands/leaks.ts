import type { CleanupReport, LeakReport } from "../core/leaks_types.ts";
import type { Host } from "../host/host.ts";
import type { Printer } from "../ui/printer.ts";
import type { Project } from "./project.ts";

export type { CleanupReport, LeakReport } from "../core/leaks_types.ts";

/** Looks for leaked actors, registry holders and stale sockets of a project. Changes nothing. */
export function findLeaks(_host: Host, _project: Project, _options: { readonly registries?: readonly string[] } = {}): Promise<LeakReport> {
  return Promise.resolve({ clean: null, registries: [], actors: [], sockets: [], refused: [], liveRun: null, unknowns: ["not looked yet"] });
}

/** Ends what {@linkcode findLeaks} found leaked and removes what it found stale, then looks again. */
export function endLeaks(
  _host: Host,
  _printer: Printer,
  _project: Project,
  report: LeakReport,
  _options: { readonly graceSeconds: number; readonly dryRun: boolean },
): Promise<CleanupReport> {
  return Promise.resolve({ killed: [], removed: [], refused: [], after: report, ok: null, survivors: false });
}
