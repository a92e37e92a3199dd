import type { Part } from "./parts.ts";
import { type Counts, presentIn, Redactor } from "./redactor.ts";
import type { PrivateFacts } from "./rules_private.ts";
import { readmeText } from "./show.ts";
import { gzip, tarOf } from "./ustar.ts";

/** A file of a bundle as it is written. */
export interface BundledFile {
  readonly name: string;
  readonly about: string;
  readonly bytes: number;
  readonly replaced: Counts;
  readonly text: string;
}

/** A bundle, ready to be listed and written. */
export interface Bundle {
  readonly files: readonly BundledFile[];
  /** What could not be gathered, one sentence each. */
  readonly unknowns: readonly string[];
}

/** Replaces what is private in all parts, and adds README.txt. */
export function readyBundle(
  { parts, facts, unknowns }: {
    readonly parts: readonly Part[];
    readonly facts: PrivateFacts;
    readonly unknowns: readonly string[];
  },
  { version, made }: { readonly version: string; readonly made: string },
): Bundle {
  const texts = parts.flatMap(({ name, about, content }) => [
    `${name}\n${about}`,
    content.kind === "json" ? JSON.stringify(content.value) : content.text,
  ]);
  texts.push(...unknowns);
  // A machine may have thousands of accounts.
  const redactor = new Redactor({ ...facts, others: presentIn(texts, facts.others) });
  for (const text of texts) redactor.learn(text);
  const files = parts.map((part) => {
    const text = textOf(part, redactor);
    const [name, about] = [redactor.text(part.name), redactor.text(part.about)];
    return fileOf({ name, about, text, replaced: redactor.takeCounts() });
  });
  const named = unknowns.map((text) => redactor.text(text));
  const about = "what each file is, and what was replaced";
  const readme = redactor.text(readmeText({ files, unknowns: named }, { version, made }));
  const first = fileOf({ name: redactor.text("README.txt"), about, text: readme, replaced: {} });
  return { files: [first, ...files], unknowns: named };
}

function fileOf(file: Omit<BundledFile, "bytes">): BundledFile {
  return { ...file, bytes: new TextEncoder().encode(file.text).length };
}

function textOf({ content }: Part, redactor: Redactor): string {
  switch (content.kind) {
    case "text":
      return redactor.text(content.text);
    case "lines":
      return redactor.lines(content.text);
    case "json":
      return `${JSON.stringify(redactor.value(content.value), null, 2)}\n`;
  }
}

/**
 * The archive, with all files in one directory.
 *
 * @param time seconds since the epoch
 */
export async function archiveOf(
  { files }: Bundle,
  directory: string,
  time: number,
): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const all = files.map(({ name, text }) => ({
    name: `${directory}/${name}`,
    bytes: encoder.encode(text),
  }));
  return await gzip(tarOf(all, time));
}
