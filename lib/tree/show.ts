import { unicodeWidth } from "@std/cli";
import { duration } from "../base/durations.ts";
import { escapeText } from "../base/escape.ts";
import { listensText } from "../base/listens.ts";
import { cutAtEnd } from "../terminal/cut.ts";
import type { Paint } from "../terminal/printer.ts";
import { fold } from "../terminal/wrap.ts";
import type { Tree } from "./gather.ts";
import type { TreeNode } from "./rules.ts";

const COLOURS = { leaked: "red", unknown: "yellow", runner: "bold", "in-use": "green" } as const;

/**
 * The tree as lines: numbers first, then titles, which a narrow terminal cuts.
 *
 * @param width columns of the terminal; null: lines are not cut
 */
export function treeLines({ nodes, unknowns }: Tree, width: number | null, paint: Paint): string[] {
  const notes = unknowns.map((text) => `unknown: ${escapeText(text)}`)
    .flatMap((text) => width === null ? [text] : fold(text, width));
  if (nodes.length === 0) return ["no process of this repository is running", ...notes];
  const row = width === null || width >= WIDE ? wideRow : narrowRow;
  const head = row(["pid", "state", "age", "CPU", "memory", "verdict"]);
  const lines = nodes.map((node) => {
    const { process: { pid, state, age, cpu, memory }, verdict } = node;
    const size = `${Math.round(memory / 1e6)} MB`;
    const plain = row([String(pid), state, duration(age), duration(cpu), size, verdict]);
    const rest = (title: string) => `${branch(node)}${escapeText(title)}${factsText(node)}`;
    const numbers = plain.replace(verdict, paint(COLOURS[verdict], verdict));
    const room = width === null ? Infinity : Math.max(8, width - 1 - unicodeWidth(plain));
    const whole = rest(node.title);
    if (unicodeWidth(whole) <= room) return numbers + whole;
    return numbers + cutAtEnd(rest(node.title.replace(DIRECTORIES, "")), room);
  });
  return [paint("dim", `${head}command`), ...lines, ...notes];
}

/** The directories of a program: where room is short, its arguments say more. */
const DIRECTORIES = /^\/(?:[^\s/]+\/)+(?=[^\s/])/;

/** The least columns of a terminal for all numbers; with less there are only pid and age. */
const WIDE = 70;

function wideRow([pid, state, age, cpu, memory, verdict]: readonly string[]): string {
  return `${pid!.padStart(7)} ${state!.padEnd(5)} ${age!.padStart(6)} ${cpu!.padStart(6)} ` +
    `${memory!.padStart(7)} ${verdict!.padEnd(7)}  `;
}

function narrowRow([pid, , age, , , verdict]: readonly string[]): string {
  return `${pid!.padStart(7)} ${age!.padStart(6)} ${verdict!.padEnd(7)}  `;
}

/** The lines of the tree in front of a title. */
function branch({ isLast }: TreeNode): string {
  return isLast.map((last, index) =>
    index === isLast.length - 1 ? (last ? "└─ " : "├─ ") : last ? "   " : "│  "
  ).join("");
}

function factsText({ test, listens }: TreeNode): string {
  return (test === null ? "" : `  [${escapeText(test)}]`) + escapeText(listensText(listens));
}

/** The schema of {@linkcode treeDocument}. */
export const TREE_SCHEMA = "tractest.tree/1";

/** The JSON document of the tree. */
export function treeDocument({ nodes, unknowns }: Tree): Readonly<Record<string, unknown>> {
  return { processes: nodes.map(nodeFacts), unknowns };
}

/** A process of the tree for `--json`. */
function nodeFacts({ process, title, verdict, evidence, test, listens }: TreeNode): unknown {
  const { pid, ppid, state, age, cpu, memory } = process;
  return { pid, ppid, state, age, cpu, memory, title, verdict, evidence, test, listens };
}
