import { shellCommand } from "../base/escape.ts";
import { type Html, markup, type Part } from "./html.ts";
import { linkToLine, placeOf, type SourceLinks } from "./rules_links.ts";

/** A command to paste; scripts show the button that copies it, and what follows it. */
export function command(argv: readonly string[], more: Part = null): Html {
  const copy = markup`<button type="button" class="copy">Copy</button>`;
  return markup`<p class="command"><code>${shellCommand(argv)}</code>${copy}${more}</p>`;
}

/** A place such as `tests/test_a.py:12`, as a link to it where there can be one. */
export function sourceLink(links: SourceLinks, where: string): Html {
  const { file, line } = placeOf(where);
  const link = linkToLine(links, file, line);
  const shown = markup`<code>${where}</code>`;
  return link === null ? shown : markup`<a href="${link}">${shown}</a>`;
}
