import type { HookName } from "./git_hooks.ts";
import {
  type Block,
  type BlockSpec,
  isMarker,
  readBlock,
  renderBlock,
  whyNotShell,
} from "./block.ts";

/** Our lines in a hook file. */
export type HookContent =
  | { readonly kind: "none" }
  | { readonly kind: "block"; readonly block: Block }
  /** Our markers are not a pair, so the end of our lines is unknown. */
  | { readonly kind: "damaged"; readonly line: number };

/** How a hook file changes. */
export type HookChange =
  | { readonly kind: "write"; readonly content: Uint8Array; readonly created: boolean }
  | { readonly kind: "remove" }
  | { readonly kind: "nothing" }
  | {
    readonly kind: "refuse";
    readonly reason: string;
    readonly why: "not-shell" | "damaged" | "modified";
  };

const SHEBANG = "#!/bin/sh";
const NOTHING: HookChange = { kind: "nothing" };

/** Finds our lines in a hook file. */
export function readHook(content: Uint8Array, hook: HookName): HookContent {
  const found = locate(toBinary(content));
  if (found.kind !== "block") return found;
  const lines = new TextDecoder().decode(toBytes(found.text)).split("\n");
  const block = readBlock(lines);
  if (!block) return { kind: "damaged", line: found.line };
  return { kind: "block", block: { ...block, intact: block.intact && block.hook === hook } };
}

/**
 * The file with our block in it: a new one, a replaced one, or a block right below the first line.
 * All else in the file stays as it is, byte for byte.
 *
 * @param content null when there is no file
 * @param force replace also a block that was modified by hand
 */
export function installBlock(
  content: Uint8Array | null,
  spec: Omit<BlockSpec, "created">,
  force = false,
): HookChange {
  if (content === null) {
    const lines = renderBlock({ ...spec, created: true });
    return { kind: "write", content: toBytes(`${SHEBANG}\n${utf8(lines)}\n`), created: true };
  }
  const text = toBinary(content);
  const found = locate(text);
  const seen = readHook(content, spec.hook);
  if (seen.kind === "damaged") return damaged(seen.line);
  if (found.kind === "block" && seen.kind === "block") {
    if (!seen.block.intact && !force) return modified();
    const after = text.slice(0, found.start) +
      utf8(renderBlock({ ...spec, created: seen.block.created })) + text.slice(found.end);
    return after === text ? NOTHING : { kind: "write", content: toBytes(after), created: false };
  }
  const reason = whyNotShell(text);
  if (reason !== null) return { kind: "refuse", reason, why: "not-shell" };
  const block = utf8(renderBlock({ ...spec, created: false }));
  const firstLine = text.indexOf("\n") + 1;
  const after = !text.startsWith("#!")
    ? `${block}\n${text}`
    : firstLine > 0
    ? `${text.slice(0, firstLine)}${block}\n${text.slice(firstLine)}`
    : `${text}\n${block}`;
  return { kind: "write", content: toBytes(after), created: false };
}

/** Why our lines can't be put into a hook of somebody else; null if they can. */
export function whyNoBlock(content: Uint8Array): string | null {
  return whyNotShell(toBinary(content));
}

/**
 * The file without our block, byte for byte what it was before; no file when we made it and nothing
 * else is in it.
 *
 * @param force remove also a block that was modified by hand
 */
export function uninstallBlock(
  content: Uint8Array | null,
  hook: HookName,
  force = false,
): HookChange {
  if (content === null) return NOTHING;
  const seen = readHook(content, hook);
  if (seen.kind === "none") return NOTHING;
  if (seen.kind === "damaged") return damaged(seen.line);
  if (!seen.block.intact && !force) return modified();
  const text = toBinary(content);
  const found = locate(text);
  if (found.kind !== "block") return NOTHING;
  const { start, end } = found;
  // At the very end the block brought the newline in front of it; anywhere else the one behind.
  const rest = end === text.length
    ? text.slice(0, Math.max(0, start - 1))
    : text.slice(0, start) + text.slice(end + 1);
  return seen.block.created && (rest.trim() === "" || rest.trim() === SHEBANG)
    ? { kind: "remove" }
    : { kind: "write", content: toBytes(rest), created: false };
}

function damaged(line: number): HookChange {
  return {
    kind: "refuse",
    reason: `its tractest block is damaged (line ${line}): begin and end don't match`,
    why: "damaged",
  };
}

function modified(): HookChange {
  return { kind: "refuse", reason: "its tractest block was modified by hand", why: "modified" };
}

type Located =
  | { readonly kind: "none" }
  /**
   * `start` is the begin marker's first character, `end` is behind the end marker's last, before
   * its newline.
   */
  | {
    readonly kind: "block";
    readonly text: string;
    readonly start: number;
    readonly end: number;
    readonly line: number;
  }
  | { readonly kind: "damaged"; readonly line: number };

/** Finds the one block. Two blocks, or half of one, are damage. */
function locate(text: string): Located {
  const markers: { kind: "begin" | "end"; start: number; end: number; line: number }[] = [];
  let start = 0;
  text.split("\n").forEach((content, index) => {
    const kind = isMarker(content);
    if (kind) markers.push({ kind, start, end: start + content.length, line: index + 1 });
    start += content.length + 1;
  });
  const [begin, end, ...more] = markers;
  if (!begin) return { kind: "none" };
  if (begin.kind !== "begin" || end?.kind !== "end" || more.length > 0) {
    return { kind: "damaged", line: (more[0] ?? begin).line };
  }
  return {
    kind: "block",
    text: text.slice(begin.start, end.end),
    start: begin.start,
    end: end.end,
    line: begin.line,
  };
}

/** One character a byte: a script may hold any bytes, and gets back those it had. */
function toBinary(bytes: Uint8Array): string {
  let text = "";
  for (let offset = 0; offset < bytes.length; offset += 8192) {
    text += String.fromCharCode(...bytes.subarray(offset, offset + 8192));
  }
  return text;
}

function toBytes(binary: string): Uint8Array {
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Lines as UTF-8, one character a byte. */
function utf8(lines: readonly string[]): string {
  return toBinary(new TextEncoder().encode(lines.join("\n")));
}
