import { escapeText } from "../base/escape.ts";
import type { Paint } from "../terminal/printer.ts";
import { shownId } from "../terminal/wrap.ts";
import type { Note } from "./live.ts";

/** Characters of one sentence of evidence. */
const WIDEST = 300;

/** A test that reached its time limit: why pytest is about to report a KeyboardInterrupt. */
export function terminatingLine(
  { id, limit }: { readonly id: string; readonly limit: number },
  paint: Paint,
): string {
  const why = "its time limit; pytest gets SIGINT (KeyboardInterrupt)";
  return `${paint("yellow", "TERMINATING")} ${overTime(limit)} ${shownId(id)}: ${why}`;
}

/** A slow test as lines: how long it runs, its record, and what it waits for. */
export function slowLines(note: Note & { readonly kind: "slow" }, paint: Paint): string[] {
  const { id, seconds, longest, verdict, evidence } = note;
  const what = id === null ? "collecting the tests" : shownId(id);
  const before = longest === null
    ? ""
    : ` (before: ${Number(Math.max(longest, 0.01).toFixed(2))} s at most)`;
  const label = verdict === null || verdict === "no-verdict" ? "" : `${verdict}: `;
  const details = evidence.map((line, index) =>
    `    ${escapeText(`${index === 0 ? label : ""}${line}`.slice(0, WIDEST))}`
  );
  return [
    `${paint("yellow", "SLOW")} ${overTime(seconds)} ${what}${before}`,
    ...details,
    ...(verdict === null ? [] : ["    more, while it runs: tractest hang"]),
  ];
}

function overTime(seconds: number): string {
  return `[> ${Number(seconds.toFixed(1))}s]`;
}
