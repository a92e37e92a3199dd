import { describeActivity, say } from "./evidence_sentences.ts";
import { type Activity, fileOf, isStoppedByTerminal, isTerminal } from "./activity.ts";
import { type Finding, findingOf } from "./finding.ts";
import { type ActiveThread, allThreads, type HangScene, type SeenProcess } from "./scene.ts";

/** A process that waits for terminal input, or was stopped for using it in the background. */
export function terminalWanted(scene: HangScene): Finding | null {
  return findingOf(allThreads(scene).flatMap((active) => evidenceFor(scene, active) ?? []));
}

function evidenceFor(scene: HangScene, active: ActiveThread): string | null {
  const { process, thread, activity } = active;
  const isAtTerminal = isTerminal(fileOf(process, activity.fd));
  if (thread.state === "T") {
    const isStopped = isAtTerminal && isStoppedByTerminal(thread, activity);
    return isStopped ? say.stoppedByTerminal(active) : null;
  }
  if (thread.ran !== false) return null;
  const prompt = promptOf(scene, process);
  if (activity.does === "read" && isAtTerminal) {
    return say.waitsForInput(process, describeActivity(process, activity), prompt);
  }
  if (!selectsInputAlone(activity) || !isTerminal(fileOf(process, 0))) return null;
  return say.waitsForInput(process, describeActivity(process, { ...activity, fd: 0 }), prompt);
}

/** Whether a `select` has room for descriptor 0 alone, as in Python's `input` with readline. */
function selectsInputAlone({ name, args }: Activity): boolean {
  return (name === "select" || name === "pselect6") && args[0] === 1;
}

/** Frames of debuggers that read commands. */
const DEBUGGER_FRAMES =
  /\b(interaction|_?cmdloop|set_trace)\b.*\b(bdb|cmd)\.py|\b(pdb|pdbpp|pdbp)\.py/;

function promptOf(scene: HangScene, { pid }: SeenProcess): string {
  const stack = scene.stacks.get(pid);
  if (stack === undefined) return "a debugger or another prompt";
  return DEBUGGER_FRAMES.test(stack) ? "a debugger is in its stack" : "no debugger in its stack";
}
