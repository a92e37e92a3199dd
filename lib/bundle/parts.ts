/** The content of a file of a bundle, before what is private is replaced. */
export type Content =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "lines"; readonly text: string };

/** A file of a bundle. */
export interface Part {
  readonly name: string;
  /** What it is, for the list of files. */
  readonly about: string;
  readonly content: Content;
}

/** Bytes of a longer file that are kept from its beginning, and from its end. */
export const KEPT_BYTES = { head: 1 << 20, tail: 3 << 20 } as const;

/**
 * Joins the beginning and the end of a long file at ends of lines. A line that was cut could hold
 * half of something that must be replaced as a whole.
 *
 * @param left bytes between both
 */
export function joinEnds(head: string, tail: string, left: number): string {
  const begin = head.slice(0, head.lastIndexOf("\n") + 1);
  const end = tail.slice(tail.indexOf("\n") + 1);
  return `${begin}… ${left} bytes are left out here …\n${end}`;
}

/** What could not be gathered, by its cause: one cause often stops several commands. */
export function sentencesOf(
  problems: readonly (readonly [what: string, problem: string])[],
): string[] {
  const causes = new Map<string, string[]>();
  for (const [what, problem] of problems) causes.set(problem, [...causes.get(problem) ?? [], what]);
  return [...causes].map(([problem, what]) => `${what.join(", ")}: ${problem}`);
}

/** Headings of what configures pytest and tractest: the rest of such a file is not taken. */
const SECTION = /^\[{1,2}\s*(?:tool[.:]\s*)?(?:pytest|tractest)\b/;

/** The sections of a configuration file that configure pytest and tractest, valid or not. */
export function sectionsOf(text: string): string {
  let isTaken = false;
  const lines = text.split("\n").filter((line) => {
    if (/^\[{1,2}[^\[\]]+(?:\]{1,2}\s*(?:[#;].*)?)?$/.test(line)) isTaken = SECTION.test(line);
    return isTaken;
  });
  return lines.join("\n").trimEnd();
}
