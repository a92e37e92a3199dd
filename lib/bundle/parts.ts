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
