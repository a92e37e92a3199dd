import type { HangReport } from "../../pytest/hang_event.ts";
import type { Host } from "../../system/host.ts";
import type { RunScene } from "./engine_request.ts";
import type { Session } from "./session.ts";

/** Finds out what a session that hangs is waiting for, and logs it. */
export async function recordHang(
  host: Host,
  { root, registries, log }: RunScene,
  session: Session,
): Promise<HangReport> {
  const now = host.clock.now() / 1000;
  const [{ examineInTime }, { readStacks }] = await Promise.all([
    import("../../hang/examine.ts"),
    import("../../hang/stacks.ts"),
  ]);
  const report = await examineInTime(host, {
    // The processes around an isolated pytest only wait for its end.
    root: session.members[0]?.pid ?? session.pid,
    also: session.members.map((identity) => identity.pid),
    registries,
    checkout: root,
    running: [...session.facts.running].map(([id, since]) => ({
      id,
      seconds: Math.max(0, now - since),
    })),
    session: session.facts,
    startedIn: new Map(),
    asked: { stacks: false, confirm: false },
    command: session.request.argv,
    readStacks: (scene) => readStacks(host, root, scene),
  });
  const { verdict, evidence, running, processes, stacks } = report;
  await log.append({
    event: "hang",
    session: session.request.name,
    id: running?.[0]?.id ?? null,
    verdict,
    evidence,
    processes,
    stacks,
  });
  return report;
}
