import type { ProcessIdentity, Refusal } from "../core/leaks_types.ts";
import type { Host } from "../host/host.ts";
import type { Printer } from "../ui/printer.ts";

/** How processes ended, see {@linkcode endTree}. */
export interface EndedTree {
  readonly killed: readonly { readonly pid: number; readonly by: "SIGINT" | "SIGKILL" }[];
  /** Those that were not signalled, or that are still there, and why. */
  readonly refused: readonly Refusal[];
  /** Whether any of them is still there. */
  readonly survivors: boolean;
}

/** The processes of a tree: the root and all below it. */
export function treeOf(_host: Host, _rootPid: number, _earlier: readonly ProcessIdentity[] = []): Promise<ProcessIdentity[]> {
  return Promise.resolve([]);
}

/** Ends exactly these processes. */
export function endTree(
  _host: Host,
  _printer: Printer,
  _identities: readonly ProcessIdentity[],
  _options: { readonly graceSeconds: number },
): Promise<EndedTree> {
  return Promise.resolve({ killed: [], refused: [], survivors: false });
}
