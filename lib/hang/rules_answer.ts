import { isTimed } from "./activity.ts";
import { type Finding, findingOf } from "./finding.ts";
import { PATIENCE_SECONDS } from "./rules_blocked_write.ts";
import { awaitedFrom } from "./rules_connection.ts";
import {
  type ActiveThread,
  type HangScene,
  isAsleep,
  type SeenConnection,
  type SeenProcess,
  threadsOf,
} from "./scene.ts";
import { say } from "./evidence_sentences.ts";

/**
 * A connection that gets no answer, where the tree's root waits at it, or waits for a process that
 * does: in another place of the tree an idle connection is the ordinary state.
 */
export function waitingForAnswer(scene: HangScene): Finding | null {
  const root = scene.processes.get(scene.root);
  if (root === undefined) return null;
  const awaited = [
    { process: root, waits: [] as string[] },
    ...awaitedFrom(scene, root).map(({ child, waits }) => ({ process: child, waits: [waits] })),
  ];
  const found = awaited.flatMap(({ process, waits }) => {
    const chain = unansweredFrom(scene, process, new Set([process.pid]));
    return chain.length === 0 ? [] : [{ chain, waits }];
  });
  const chain = found.flatMap((one) => one.chain);
  const evidence = found.flatMap((one) => [
    ...one.chain.flatMap((connection) => [
      say.waitsForAnswer(scene, connection),
      ...notAccepted(scene, connection),
    ]),
    ...one.waits,
  ]);
  const holders = chain.flatMap((connection) => connection.holders)
    .filter((pid) => pid !== scene.root && scene.processes.get(pid)?.inTree);
  return findingOf([...new Set(evidence)], { pids: [...new Set(holders)] });
}

/** The connections at which a process waits, and at which those wait that should answer. */
function unansweredFrom(
  scene: HangScene,
  process: SeenProcess,
  known: ReadonlySet<number>,
): SeenConnection[] {
  const own = scene.connections.filter((connection) =>
    connection.pid === process.pid && !connection.isRegistry && isUnanswered(scene, connection)
  );
  const holders = own.flatMap((connection) => connection.holders.filter((pid) => !known.has(pid)));
  return [
    ...own,
    ...holders.flatMap((pid) =>
      unansweredFrom(scene, scene.processes.get(pid)!, new Set([...known, ...holders]))
    ),
  ];
}

function isUnanswered(scene: HangScene, connection: SeenConnection): boolean {
  const client = scene.processes.get(connection.pid)!;
  const waiting = waiters(scene, client).filter((one) => isAt(one, client, connection));
  if (waiting.length === 0) return false;
  const holders = connection.holders.map((pid) => scene.processes.get(pid));
  const areAsleep = holders.every((holder) => holder !== undefined && isAsleep(holder));
  switch (connection.state) {
    case "connecting":
      // A distant host may only be slow.
      return holders.length > 0
        ? areAsleep
        : (client.asleepSeconds ?? PATIENCE_SECONDS) >= PATIENCE_SECONDS;
    case "unaccepted":
      return holders.length > 0 && areAsleep;
    case "accepted":
      return areAsleep && holders.length > 0 && holders.every((holder) => holder!.inTree) &&
        (connection.unread > 0 ||
          (waiting.some(({ activity, thread }) =>
            activity.does === "read" && thread.tid === client.pid
          ) &&
            holders.every((holder) => isIdle(scene, holder!))));
  }
}

/** The threads by which a process waits: others too where the main thread waits for these. */
function waiters(scene: HangScene, process: SeenProcess): ActiveThread[] {
  const threads = threadsOf(scene, process).filter(({ thread }) => thread.ran === false);
  const main = threads.filter(({ thread }) => thread.tid === process.pid);
  return main.some(({ activity }) => activity.does === "lock") ? threads : main;
}

function isAt(
  { activity }: ActiveThread,
  process: SeenProcess,
  connection: SeenConnection,
): boolean {
  const { fd, state } = connection;
  if (activity.does !== "poll") {
    return activity.fd === fd && ["read", "connect", "write"].includes(activity.does);
  }
  // What `poll` and `select` wait for is in the memory of the process.
  return process.watched.includes(fd) ||
    (state !== "accepted" && !activity.name.startsWith("epoll"));
}

/** Whether a process will not wake up soon by itself. */
function isIdle(scene: HangScene, process: SeenProcess): boolean {
  return (process.asleepSeconds ?? 0) >= PATIENCE_SECONDS ||
    threadsOf(scene, process).every(({ activity }) => !isTimed(activity));
}

/** What listens at the other end and does not accept. */
function notAccepted(scene: HangScene, { state, holders, address }: SeenConnection): string[] {
  if (state === "accepted") return [];
  const port = (text: string) => text.slice(text.lastIndexOf(":"));
  return scene.listeners.filter((one) =>
    one.waiting > 0 && holders.includes(one.pid) && port(one.address) === port(address)
  ).map((one) => say.doesNotAccept(scene, one));
}
