import { listensText } from "../base/listens.ts";
import type { LeftBehind } from "./events.ts";

/** A process that outlived its test, in a report. Not escaped. */
export function describeLeft({ pid, title, seconds, ended, listens = [] }: LeftBehind): string {
  const since = seconds === null
    ? "there when pytest had ended"
    : `still there ${seconds.toFixed(1)} s after the test`;
  const where = ended ? " inside" : "";
  const end = ended ? "; it ended with the isolation" : "";
  return `pid ${pid}${where} ${title}${listensText(listens)}, ${since}${end}`;
}
