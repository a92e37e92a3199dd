import { type Awaited, awaitedBy, readFrom } from "./awaited.ts";
import { type Finding, findingOf } from "./finding.ts";
import { type HangScene, type Listener, type SeenProcess, threadsOf } from "./scene.ts";
import { say } from "./evidence_sentences.ts";

/**
 * A server to which nothing connects, where the tree's root waits for that server, or is it: in
 * another place of the tree an idle server is the ordinary state.
 */
export function waitingForConnection(scene: HangScene): Finding | null {
  const root = scene.processes.get(scene.root);
  if (root === undefined) return null;
  if (acceptsOnMainThread(scene, root)) {
    return findingOf(lonely(scene, root).map((one) => say.waitsForConnection(root, one)));
  }
  const servers = awaitedFrom(scene, root).map(({ waits, child }) => ({
    waits,
    child,
    listeners: lonely(scene, child),
  })).filter(({ listeners }) => listeners.length > 0);
  const evidence = servers.flatMap(({ waits, child, listeners }) => [
    ...listeners.map((one) => say.waitsForConnection(child, one)),
    waits,
  ]);
  return findingOf(evidence, { pids: servers.map(({ child }) => child.pid) });
}

function acceptsOnMainThread(scene: HangScene, process: SeenProcess): boolean {
  return threadsOf(scene, process).some(({ thread, activity }) =>
    thread.tid === process.pid && thread.ran === false && activity.does === "accept"
  );
}

/** The listeners of a process that waits for a connection, if none of them has any. */
function lonely(scene: HangScene, process: SeenProcess): readonly Listener[] {
  const own = scene.listeners.filter(({ pid }) => pid === process.pid);
  if (own.some(({ waiting, clients }) => waiting > 0 || clients > 0)) return [];
  return own.filter(({ fd }) =>
    threadsOf(scene, process).some(({ activity }) =>
      activity.does === "accept"
        ? activity.fd === fd
        // What `poll` and `select` wait for is in the memory of the process.
        : activity.does === "poll" &&
          (process.watched.includes(fd) || !activity.name.startsWith("epoll"))
    )
  );
}

/** Processes for which a process waits, and those for which these wait, with the sentence. */
export function awaitedFrom(
  scene: HangScene,
  process: SeenProcess,
  known: ReadonlySet<number> = new Set([process.pid]),
): { readonly waits: string; readonly child: SeenProcess }[] {
  return threadsOf(scene, process).flatMap(({ thread, activity }) => {
    if (thread.ran !== false) return [];
    const read = readFrom(scene, process, activity).map((one) => ({ ...one, isWait: false }));
    const awaited: Awaited[] = [
      ...awaitedBy(scene, process, activity).filter(({ isWait }) => isWait),
      ...read,
    ];
    return awaited.filter(({ child }) => !known.has(child.pid)).flatMap((one) => [
      { waits: say.waitsForChild(process, one, activity.name), child: one.child },
      ...awaitedFrom(scene, one.child, new Set([...known, one.child.pid])),
    ]);
  });
}
