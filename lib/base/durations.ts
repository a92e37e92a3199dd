/** Whole seconds for a live view: `9 s`, `1:05`, `1:00:05`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : withMinutes(whole);
}

/** A duration with its milliseconds or decimals: `85 ms`, `9.53 s`, `1:05`, `1:00:05`. */
export function clock(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 60 ? secondsText(seconds) : withMinutes(Math.round(seconds));
}

/** A duration for a sentence: `3.2 s`, `34 s`, `12 min 5 s`, `3 h 2 min`, `4 days`. */
export function inWords(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 172_800) return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
  return `${Math.floor(whole / 86_400)} days`;
}

/** `3.40 s`, `12.3 s`. */
export function secondsText(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

function withMinutes(whole: number): string {
  const two = (value: number) => String(value % 60).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole)}` : `${minutes}:${two(whole)}`;
}
