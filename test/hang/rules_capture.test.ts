import {
  countTracebacks,
  signatureOf,
  type SignatureScene,
  withConfirmation,
} from "../../lib/hang/rules_capture.ts";
import { decideConfirmation } from "../../lib/hang/rules_confirm.ts";
import type { HangScene, SeenProcess } from "../../lib/hang/scene.ts";
import { assert, assertEquals } from "../assert.ts";
import { CALL, child, ends, PIPE, process, pytest, scene, thread, writer } from "./scenes.ts";

const EMPTY_OUTPUT = { texts: [""], unread: [] };
const REMOTE = "| tractor._exceptions.RemoteActorError: x\n" +
  "  + Exception Group Traceback (most recent call last):\n";

const waits = pytest([thread(8, CALL.wait4, [7, 0, 0])]);
/** What started pytest and holds the read end of its output. */
const runner = (call: number, args: readonly number[]) =>
  process(9, { inTree: false, threads: [thread(9, call, args)] });
const atRunner = {
  pipes: new Map([[PIPE, [
    { pid: 7, reads: false, writes: true },
    { pid: 9, reads: true, writes: false },
  ]]]),
};
const blocked = { ...writer(), ppid: 8 };

const PROFILE: SignatureScene["profile"] = "tractor";

/** The answers to the four points, in their order. */
function answers(
  processes: readonly SeenProcess[],
  more: Partial<SignatureScene> = {},
  facts: Partial<HangScene> = {},
): string[] {
  const known = {
    profile: PROFILE,
    command: ["pytest"],
    captured: true,
    backend: null,
    output: EMPTY_OUTPUT,
  };
  return signatureOf(scene(processes, facts), { ...known, ...more }).map(({ answer }) => answer);
}

Deno.test("each point of the signature of full capture pipes is checked", () => {
  assertEquals(answers([waits, child()]), ["no", "no", "unknown", "no"]);
  const forked = { backend: "subint_forkserver" };
  const outside = runner(CALL.wait4, [8]);
  assertEquals(answers([waits, blocked, outside], forked, atRunner), [
    ...["yes", "no", "unknown", "yes"],
  ]);
  // A pipe that pytest itself reads is not that of its output.
  assertEquals(answers([waits, blocked], forked, ends)[3], "no");
  assertEquals(answers([waits, child()], { captured: false })[2], "no");
});

Deno.test("a fork-based backend is known by the command, a fork server or a forked title", () => {
  assertEquals(answers([waits, child({ title: "python -m pytest" })])[0], "yes");
  assertEquals(answers([waits, child({ title: "subint-forkserver[2]" })])[0], "yes");
  assertEquals(answers([waits, child()], { backend: "trio" })[0], "no");
  assertEquals(answers([waits, child()], { command: null, captured: null })[0], "unknown");
});

Deno.test("tracebacks are counted in the output, and unknown where some can't be read", () => {
  const of = (texts: readonly string[], unread: readonly string[]) =>
    answers([waits, child()], { output: { texts, unread } })[1];
  assertEquals(of([REMOTE], ["a pipe"]), "yes");
  assertEquals(of([""], ["a pipe"]), "unknown");
  assertEquals(of([], ["a terminal"]), "unknown");
  const mentioned = 'except RemoteActorError:\n"RemoteActorError" is a word\n';
  const counts = countTracebacks(`${REMOTE}${mentioned}RemoteActorError('x')\n`);
  assertEquals(counts, { remote: 2, groups: 1 });
});

Deno.test("actors whose reader may read later, or that can't be inspected, are unknown", () => {
  const sleepy = runner(CALL.clock_nanosleep, [0, 0, 0]);
  assertEquals(answers([waits, blocked, sleepy], {}, atRunner)[3], "unknown");
  const hidden = child({ threads: [thread(7, 0, [], { syscall: null })] });
  assertEquals(answers([waits, hidden])[3], "unknown");
});

Deno.test("the signature names nothing of tractor's in a plain project", () => {
  const facts = { profile: "plain", captured: true, backend: null, output: EMPTY_OUTPUT } as const;
  for (const command of [null, ["pytest"]]) {
    const points = signatureOf(scene([waits, child()]), { ...facts, command });
    assertEquals(points.map(({ answer }) => answer), ["no", "no", "unknown", "no"]);
    const evidence = points.map((point) => point.evidence).join("\n");
    assert(!/actor|spawn-backend/i.test(evidence), evidence);
  }
});

Deno.test("a rerun with -s confirms or refutes its point of the signature", () => {
  const points = signatureOf(scene([waits]), {
    profile: PROFILE,
    command: null,
    captured: null,
    backend: null,
    output: { texts: [], unread: [] },
  });
  const confirmation = decideConfirmation({ id: "t", seconds: 60, command: null }, {
    exitCode: 0,
    seconds: 5,
    counts: { passed: 1, failed: 0, errors: 0 },
  });
  const answer = (confirmed: boolean | null) =>
    withConfirmation(points, { ...confirmation, confirmed })[2]!.answer;
  assertEquals([confirmation.confirmed, answer(true), answer(null)], [true, "yes", "unknown"]);
});
