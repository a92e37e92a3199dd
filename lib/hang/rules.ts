import type { HangVerdict } from "../pytest/hang_event.ts";
import type { Finding } from "./finding.ts";
import { blockedWrite, writersTo } from "./rules_blocked_write.ts";
import { forkBackendNote, outputElsewhere } from "./rules_capture.ts";
import { closedWait } from "./rules_closed_wait.ts";
import { waitingForAnswer } from "./rules_answer.ts";
import { waitingForConnection } from "./rules_connection.ts";
import { exitWaitsForChild } from "./rules_exit.ts";
import { observationsOf } from "./rules_observations.ts";
import { childNotReaped } from "./rules_reaping.ts";
import { waitingForRegistry } from "./rules_registry.ts";
import { childIgnoresSigint } from "./rules_sigint.ts";
import { stopped } from "./rules_stopped.ts";
import { terminalWanted } from "./rules_terminal.ts";
import type { HangScene } from "./scene.ts";

/** The rule of each verdict, in order of precedence: what explains the others comes first. */
const RULES: readonly {
  readonly verdict: Exclude<HangVerdict, "no-verdict">;
  readonly find: (scene: HangScene) => Finding | null;
}[] = [
  { verdict: "terminal-wanted", find: terminalWanted },
  { verdict: "stopped", find: stopped },
  { verdict: "blocked-write", find: blockedWrite },
  { verdict: "waiting-for-registry", find: waitingForRegistry },
  { verdict: "exit-waits-for-child", find: exitWaitsForChild },
  { verdict: "child-ignores-sigint", find: childIgnoresSigint },
  { verdict: "waiting-for-answer", find: waitingForAnswer },
  { verdict: "waiting-for-connection", find: waitingForConnection },
  { verdict: "child-not-reaped", find: childNotReaped },
  { verdict: "closed-wait", find: closedWait },
];

/** What was found about a tree. */
export interface Judgement {
  readonly verdict: HangVerdict;
  readonly evidence: readonly string[];
  /** The blocked pipe may be that of pytest's capture. */
  readonly isOutput: boolean;
  /** No output of the tree goes into a pipe from outside: capture is not involved. */
  readonly isPipeless: boolean;
  /** A writer sleeps whose reader may read later: time decides. */
  readonly isOpen: boolean;
  /** Processes that something can be done about, by verdict. */
  readonly pids: readonly number[];
}

/**
 * What a stuck tree waits for. A verdict rests on what held at both snapshots, with the thread
 * asleep in between; what can't be proven is no verdict, and its evidence is what was observed.
 */
export function judgeHang(scene: HangScene): Judgement {
  const [first, ...others] = RULES.flatMap(({ verdict, find }) => {
    const finding = find(scene);
    return finding === null ? [] : [{ verdict, ...finding }];
  });
  const elsewhere = outputElsewhere(scene);
  const isOutput = first?.isOutput ?? false;
  const about = first?.verdict !== "blocked-write"
    ? elsewhere
    : isOutput
    ? forkBackendNote(scene)
    : [];
  const also = others.flatMap(({ verdict, evidence }) =>
    evidence.map((line) => `also (${verdict}): ${line}`)
  );
  return {
    verdict: first?.verdict ?? "no-verdict",
    evidence: [...first?.evidence ?? observationsOf(scene), ...also, ...about],
    isOutput,
    isPipeless: elsewhere.length > 0,
    isOpen: writersTo(scene).some((writer) => writer.isPending),
    pids: first?.pids ?? [],
  };
}

/**
 * Whether another snapshot would change nothing. A proof stands by itself; without one it takes two
 * judgements in a row, since the first may have come too early, and no writer in doubt.
 */
export function isSettled(now: Judgement, before: Judgement | null): boolean {
  return now.verdict !== "no-verdict" || (before?.verdict === now.verdict && !now.isOpen);
}
