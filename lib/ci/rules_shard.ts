import { UsageError } from "../errors.ts";
import type { EnvironmentName } from "../tables/environment.ts";
import { SHARD_SOURCES, type ShardSource } from "./shard_sources.ts";

/** Reads a variable of the environment. */
export type ReadVariable = (name: EnvironmentName) => string | undefined;

/** A part of the suite, as `--shard K/N` takes it, and where it comes from. */
export interface AutoShard {
  /** `2/3` */
  readonly text: string;
  /** `GitLab's CI_NODE_INDEX=2, CI_NODE_TOTAL=3` */
  readonly because: string;
}

/**
 * The part that `--shard auto` means on this machine; null if the option names its part itself. On
 * `auto/N` the variables must agree with N: another number of parts would leave out tests.
 *
 * @throws {UsageError} if the variables name no part
 */
export function autoShard(typed: string, read: ReadVariable): AutoShard | null {
  const match = /^auto(?:\/(\d{1,5}))?$/.exec(typed);
  if (match === null) return null;
  const wanted = match[1] === undefined ? null : Number(match[1]);
  const source = SHARD_SOURCES.find(({ index }) => given(read, index) !== undefined);
  if (source === undefined) {
    const names = SHARD_SOURCES.map(({ title, index }) => `${title} (${index})`).join(", ");
    throw new UsageError(
      '"--shard auto" found no variable that says which machine this is',
      `give the part: --shard K/N; auto reads those of ${names}`,
    );
  }
  return shardOf(source, wanted, typed, read);
}

function shardOf(
  source: ShardSource,
  wanted: number | null,
  typed: string,
  read: ReadVariable,
): AutoShard {
  const { title, index: name, count, base, last, step } = source;
  const names = [name, ...[count, typeof base === "string" ? base : null, last, step]]
    .filter((one): one is EnvironmentName => one != null && given(read, one) !== undefined);
  const values = names.map((one) => `${one}=${read(one)}`).join(", ");
  const fail = (problem: string, hint = "give the part: --shard K/N") =>
    new UsageError(`"--shard ${typed}": ${problem} (${title}: ${values})`, hint);
  const number = (one: EnvironmentName | 0 | 1 | undefined, otherwise: number) => {
    if (typeof one === "number") return one;
    const text = one && given(read, one);
    if (text === undefined) return otherwise;
    return /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  };
  const total = count === null ? wanted ?? NaN : number(count, wanted ?? NaN);
  if (count === null && wanted === null) {
    throw fail(`${title} does not say how many machines there are`, "give it: --shard auto/N");
  }
  const [first, stride] = [number(base, 0), number(step, 1)];
  const index = (number(name, NaN) - first) / stride + 1;
  if (![index, total].every(Number.isInteger) || index < 1 || index > total) {
    throw fail("these variables name no part");
  }
  if (wanted !== null && wanted !== total) throw fail(`there are ${total} machines`);
  if (last !== undefined && (number(last, NaN) - first) / stride + 1 !== total) {
    throw fail("the numbers of the machines have gaps", "number them without gaps: --array=1-N");
  }
  return { text: `${index}/${total}`, because: `${title}'s ${values}` };
}

function given(read: ReadVariable, name: EnvironmentName): string | undefined {
  const text = read(name)?.trim();
  return text === "" ? undefined : text;
}
