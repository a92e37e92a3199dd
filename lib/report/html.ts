import { escapeText, withoutAnsi } from "../base/escape.ts";

/**
 * Text that is HTML already: made by {@linkcode html}, or written by hand without anything put into
 * it.
 */
export class Html {
  constructor(readonly text: string) {}
}

/**
 * What may stand in a template: HTML as it is, anything else as escaped text, lists one after
 * another, null and false as nothing.
 */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

/**
 * HTML from a template; what is put into it is text unless it is {@linkcode Html}. Attributes have
 * to stand in double quotes.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(
    strings.map((literal, index) => literal + (index < parts.length ? textOf(parts[index]) : ""))
      .join(""),
  );
}

function textOf(part: Part): string {
  if (part === null || part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("");
  return escapeHtml(String(part));
}

/**
 * Lines stay lines; what else is no plain text (controls, bidirectional marks) is shown as an
 * escape, colours are left out.
 */
function escapeHtml(text: string): string {
  const shown = withoutAnsi(text).split("\n").map((line) =>
    line.split("\t").map(escapeText).join("\t")
  ).join("\n");
  return shown.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
