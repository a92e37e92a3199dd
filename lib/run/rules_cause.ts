import type { Failure } from "../pytest/failure.ts";
import { decisiveErrors, decisiveLine } from "../pytest/decisive.ts";

/** The line of a failure that says most: the original error, else the first of its message. */
export function reasonOf({ message }: Pick<Failure, "message">): string {
  const lines = message.split("\n");
  return decisiveLine(lines) ?? lines.find((line) => line.trim() !== "")?.trim() ?? "";
}

/**
 * Groups failures that have the same cause by all that they say: the same class of error, the same
 * reason but for numbers and addresses, and, for assertions, which are alike in many tests, the
 * same place. Groups and their failures keep their order.
 */
export function groupByCause<Each extends Failure>(failures: readonly Each[]): Each[][] {
  const groups = new Map<string, Each[]>();
  for (const failure of failures) {
    const key = causeOf(failure) ?? `alone ${groups.size}`;
    groups.set(key, [...groups.get(key) ?? [], failure]);
  }
  return [...groups.values()];
}

function causeOf(failure: Failure): string | null {
  const reason = reasonOf(failure);
  const [error = ""] = decisiveErrors(failure);
  if (reason === "" || error === "") return null;
  const isPlain = error === "AssertionError" || error === "Failed" || reason === error;
  const place = isPlain ? failure.where ?? failure.id : "";
  return JSON.stringify([error, plainReason(reason), place]);
}

/** A reason without what differs from one process to the next. */
function plainReason(reason: string): string {
  return reason.replace(/0x[0-9a-fA-F]+|\d+/g, "0").replace(/ {2,}/g, " ");
}
