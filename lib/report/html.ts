import { escapeText, withoutAnsi } from "../base/escape.ts";

/** Text that is HTML already: made by {@linkcode markup}, or a constant of this program. */
export class Html {
  constructor(readonly text: string) {}
}

/**
 * A value in a template: HTML stays as it is, anything else is escaped as text, the items of a list
 * follow each other, null and false leave nothing.
 */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

/**
 * HTML from a template, in which each value is text unless it is {@linkcode Html}. Attributes need
 * double quotes. (`deno fmt` changes the white space of templates that are tagged `html`.)
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.map((literal, index) => literal + textOf(parts[index])).join(""));
}

function textOf(part: Part): string {
  if (part === null || part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("");
  return escapeHtml(String(part));
}

function escapeHtml(text: string): string {
  return plainText(text).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * A text as a page shows it: keeps line breaks and tabs, removes colours, and shows control
 * characters and bidirectional marks as escapes.
 */
export function plainText(text: string): string {
  const shown = withoutAnsi(text).split(/([\n\t])/).map((part, index) =>
    index % 2 === 1 ? part : escapeText(part)
  );
  return shown.join("");
}

/** The word for an outcome, on its colour. */
export function badge(outcome: string): Html {
  return markup`<span class="badge ${/^[a-z]+$/.test(outcome) ? outcome : ""}">${outcome}</span>`;
}

/** A column of a table: of text if it is only a title. */
export type Column = string | { readonly title: string; readonly kind: "number" | "wide" };

/** A column of numbers, aligned on the right. */
export function number(title: string): Column {
  return { title, kind: "number" };
}

/** A table. The first cell of a row is its header. */
export function table(columns: readonly Column[], rows: readonly (readonly Part[])[]): Html {
  const kinds = columns.map((column) => typeof column === "string" ? "" : column.kind);
  const heads = columns.map((column, index) => {
    const title = typeof column === "string" ? column : column.title;
    return markup`<th scope="col" class="${kinds[index]}">${title}</th>`;
  });
  const body = rows.map(([head, ...cells]) => {
    const rest = cells.map((cell, index) => markup`<td class="${kinds[index + 1]}">${cell}</td>`);
    return markup`<tr><th scope="row">${head}</th>${rest}</tr>\n`;
  });
  return markup`<table>
<thead><tr>${heads}</tr></thead>
<tbody>
${body}</tbody>
</table>`;
}
