import type { HangReport } from "../../pytest/hang_event.ts";
import type { ExamineRequest } from "../../hang/examine.ts";
import type { ProcessIdentity } from "../../processes/process.ts";
import type { Host } from "../../system/host.ts";
import type { RunScene } from "./engine_request.ts";
import type { Session } from "./session.ts";

/** Finds out what a session that is about to be ended is waiting for, and logs it. */
export async function recordHang(
  host: Host,
  scene: RunScene,
  session: Session,
): Promise<HangReport> {
  const { readStacks } = await import("../../hang/stacks.ts");
  // What the session does now may not have been read yet.
  await scene.log.drain();
  const report = await examineSession(host, scene, session, session.members, {
    isEnding: true,
    readStacks: (seen) => readStacks(host, scene.root, seen),
  });
  const { verdict, evidence, processes, stacks } = report;
  const about = { session: session.request.name, id: report.running?.[0]?.id ?? null };
  await scene.log.append({ event: "hang", ...about, verdict, evidence, processes, stacks });
  return report;
}

/**
 * What a session waits for.
 *
 * @param members its processes, pytest first
 */
export async function examineSession(
  host: Host,
  { root, profile, registries }: RunScene,
  session: Session,
  members: readonly Pick<ProcessIdentity, "pid">[],
  more: Pick<ExamineRequest, "isEnding" | "readStacks"> = { readStacks: null },
): Promise<HangReport> {
  const { examineInTime } = await import("../../hang/examine.ts");
  return await examineInTime(host, {
    // The processes around an isolated pytest only wait for its end.
    root: members[0]?.pid ?? session.pid,
    also: members.map(({ pid }) => pid),
    profile,
    registries,
    checkout: root,
    running: session.facts.runningFor(host.clock.now() / 1000),
    session: session.facts,
    startedIn: new Map(),
    asked: { stacks: false, confirm: false },
    command: session.request.argv,
    ...more,
  });
}
