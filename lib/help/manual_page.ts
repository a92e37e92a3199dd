import type { VerbDescription } from "../command_line/verb_description.ts";
import { commandSections, optionSections, PURPOSE, type Section, TOPICS } from "./pages.ts";

/** The manual page of tractest, for `man`: the same tables as the help, as roff. */
export function manualPage(verbs: readonly VerbDescription[], version: string): string[] {
  return [
    `.TH TRACTEST 1 "" "tractest ${text(version)}" "User Commands"`,
    ".SH NAME",
    "tractest \\- run pytest suites that start processes, and clean up after them",
    ".SH SYNOPSIS",
    "tractest COMMAND [OPTIONS]",
    ".SH DESCRIPTION",
    text(PURPOSE),
    ".SH COMMANDS",
    ...commandSections(verbs).flatMap(list),
    ...verbs.flatMap(commandLines),
    ...Object.values(TOPICS).flatMap(({ heading, rows }) => [
      `.SH "${text(heading.toUpperCase())}"`,
      ...rows.flatMap(item),
    ]),
  ];
}

function commandLines(verb: VerbDescription): string[] {
  return [
    `.SH "TRACTEST ${text(verb.name.toUpperCase())}"`,
    text(verb.summary),
    ".PP",
    text(verb.usage),
    ...optionSections(verb).flatMap(list),
    '.SS "Examples"',
    ...verb.examples.flatMap(item),
  ];
}

function list({ heading, rows }: Section): string[] {
  return [`.SS "${text(heading)}"`, ...rows.flatMap(item)];
}

function item([term, description]: readonly [string, string]): string[] {
  return [".TP", `.B ${text(term.trim())}`, text(description)];
}

/** A text that roff shows as it is: no request, no escape, hyphens that can be copied, ASCII. */
function text(plain: string): string {
  const escaped = plain.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq")
    .replace(/[\u0080-\uffff]/g, (character) => {
      const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
      return `\\[u${code}]`;
    });
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
