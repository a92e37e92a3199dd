import type { LeftBehind } from "./events.ts";

/** What a report says of one process that outlived its test. Not escaped. */
export function describeLeft({ pid, title, seconds, ended }: LeftBehind): string {
  const since = seconds === null
    ? "there when pytest had ended"
    : `still there ${seconds.toFixed(1)} s after the test`;
  return `pid ${pid}${ended ? " inside" : ""} ${title}, ${since}${
    ended ? "; it ended with the isolation" : ""
  }`;
}
