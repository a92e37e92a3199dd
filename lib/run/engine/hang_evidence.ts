import type { HangReport } from "../../pytest/hang_event.ts";
import type { Host } from "../../system/host.ts";
import type { RunScene } from "./engine_request.ts";
import type { Session } from "./session.ts";

/** Finds out what a session that hangs is waiting for, and logs it. */
export async function recordHang(
  host: Host,
  { root, profile, registries, log }: RunScene,
  session: Session,
): Promise<HangReport> {
  const now = host.clock.now() / 1000;
  const [{ examineInTime }, { readStacks }] = await Promise.all([
    import("../../hang/examine.ts"),
    import("../../hang/stacks.ts"),
  ]);
  const running = session.facts.runningFor(now);
  const report = await examineInTime(host, {
    // The processes around an isolated pytest only wait for its end.
    root: session.members[0]?.pid ?? session.pid,
    also: session.members.map((identity) => identity.pid),
    profile,
    registries,
    checkout: root,
    running,
    session: session.facts,
    startedIn: new Map(),
    asked: { stacks: false, confirm: false },
    isEnding: true,
    command: session.request.argv,
    readStacks: (scene) => readStacks(host, root, scene),
  });
  const { verdict, evidence, processes, stacks } = report;
  const about = { session: session.request.name, id: report.running?.[0]?.id ?? null };
  await log.append({ event: "hang", ...about, verdict, evidence, processes, stacks });
  return report;
}
