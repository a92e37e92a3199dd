import { type Html, html, type Part } from "./html.ts";

/** A column that holds no plain text. */
export interface Column {
  readonly title: string;
  readonly kind: "number" | "wide";
}

/** A column of numbers: to the right, a digit below a digit. */
export function number(title: string): Column {
  return { title, kind: "number" };
}

/** A column that takes most of the width. */
export function wide(title: string): Column {
  return { title, kind: "wide" };
}

/** A table; a column that is only a title holds text. The first cell of a row names it. */
export function table(
  columns: readonly (string | Column)[],
  rows: readonly (readonly Part[])[],
): Html {
  const kinds = columns.map((column) => typeof column === "string" ? "" : column.kind);
  const titles = columns.map((column) => typeof column === "string" ? column : column.title);
  const row = ([name, ...cells]: readonly Part[]) =>
    html`<tr><th scope="row">${name}</th>${
      cells.map((cell, index) => html`<td class="${kinds[index + 1]}">${cell}</td>`)
    }</tr>`;
  return html`
    <table>
      <thead>
        <tr>${titles.map((title, index) =>
          html`<th scope="col" class="${kinds[index]}">${title}</th>`
        )}</tr>
      </thead>
      <tbody>${rows.map(row)}</tbody>
    </table>
  `;
}
