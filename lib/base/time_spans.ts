/** Seconds that a timer can count: longer ones end at once. */
export const MOST_SECONDS = 1_000_000;

/**
 * How a time is written, as the source of a regular expression: seconds (`90`, `0.5`, `90s`), or
 * hours, minutes and seconds (`5m`, `1h30m`). What it matches is never above
 * {@linkcode MOST_SECONDS}.
 */
export const TIME_SPAN =
  "^(\\d{1,6}(\\.\\d+)?s?|1000000s?|(?=\\d)(\\d{1,2}h)?(\\d{1,4}m)?(\\d{1,4}s)?)$";

const EXPRESSION = new RegExp(TIME_SPAN);

/** The seconds of a time as people write it: `90`, `5m`, `1h30m`; null for anything else. */
export function parseTimeSpan(text: string): number | null {
  if (!EXPRESSION.test(text)) return null;
  const of = (unit: string) => Number(new RegExp(`(\\d+)${unit}`).exec(text)?.[1] ?? 0);
  if (!/[hm]/.test(text)) return Number(text.replace("s", ""));
  return of("h") * 3600 + of("m") * 60 + of("s");
}
