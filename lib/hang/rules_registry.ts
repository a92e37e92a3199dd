import { type Finding, findingOf } from "./finding.ts";
import { type HangScene, isAsleep, type SeenConnection, threadsOf } from "./scene.ts";
import { say } from "./evidence_sentences.ts";

/**
 * A connection to the registry without an answer: its holder is asleep, or is outside of the tree.
 */
export function waitingForRegistry(scene: HangScene): Finding | null {
  return findingOf(
    scene.connections.filter((connection) =>
      connection.isRegistry && isUnanswered(scene, connection)
    ).map((connection) => say.waitsForAnswer(scene, connection)),
  );
}

function isUnanswered(scene: HangScene, connection: SeenConnection): boolean {
  if (!isWaitedFor(scene, connection)) return false;
  const holders = connection.holders.map((pid) => scene.processes.get(pid));
  const isForeign = holders.every((holder) => !holder?.inTree);
  // Inside a tree an accepted connection with nothing to read is the ordinary state.
  const isIdle = connection.state === "accepted" && connection.unread === 0;
  return isForeign ||
    (!isIdle && holders.every((holder) => holder !== undefined && isAsleep(holder)));
}

/** Whether a sleeping thread of the tree waits for a connection. */
function isWaitedFor(scene: HangScene, { pid, fd }: SeenConnection): boolean {
  const client = scene.processes.get(pid);
  return client !== undefined && client.inTree &&
    threadsOf(scene, client).some(({ thread, activity }) => {
      if (thread.ran !== false) return false;
      return activity.fd === fd
        ? ["read", "connect", "write"].includes(activity.does)
        : activity.does === "poll" && client.watched.includes(fd);
    });
}
