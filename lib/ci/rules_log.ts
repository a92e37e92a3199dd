import { escapeText, withoutAnsi } from "../base/escape.ts";
import type { ProviderName } from "./providers.ts";

/** A line that a service shows at a file, outside of the log. */
export interface Annotation {
  readonly level: "error" | "warning";
  /** Null: of no file. */
  readonly file: string | null;
  readonly line: number | null;
  readonly title: string;
  /** Foreign text, may have lines. */
  readonly message: string;
}

/** As many of a level are shown by GitHub for one step. */
export const MOST_ANNOTATIONS = 10;

/** Characters of a message: the log has all of it. */
const MESSAGE_LENGTH = 2_000;

/** An annotation as the command of a service; null where it has none. */
export function annotationLine(provider: ProviderName, annotation: Annotation): string | null {
  const { level, file, line, title } = annotation;
  const message = plain(annotation.message);
  if (provider === "github") {
    const properties = [
      ...(file === null ? [] : [`file=${githubProperty(file)}`]),
      ...(file === null || line === null ? [] : [`line=${line}`]),
      `title=${githubProperty(title)}`,
    ];
    return `::${level} ${properties.join(",")}::${githubData(message)}`;
  }
  if (provider !== "azure") return null;
  const properties = [
    `type=${level};`,
    ...(file === null ? [] : [`sourcepath=${azureProperty(file)};`]),
    ...(file === null || line === null ? [] : [`linenumber=${line};`]),
  ];
  return `##vso[task.logissue ${properties.join("")}]${azureData(`${plain(title)}\n${message}`)}`;
}

/** Text without colours and without control characters, except for its ends of lines. */
function plain(text: string): string {
  const lines = withoutAnsi(text).split(/\r?\n/).map(escapeText).join("\n");
  return lines.length > MESSAGE_LENGTH ? `${lines.slice(0, MESSAGE_LENGTH)}…` : lines;
}

function githubData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function githubProperty(text: string): string {
  return githubData(escapeText(text)).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

function azureData(text: string): string {
  return text.replaceAll("%", "%AZP25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function azureProperty(text: string): string {
  return azureData(escapeText(text)).replaceAll(";", "%3B").replaceAll("]", "%5D");
}

/**
 * Our own lines hold foreign text: changes what a service would take for a command of its own. The
 * service finds `::` at the start of a line only, `##[` and `##vso[` anywhere.
 */
export function withoutCommands(provider: ProviderName, text: string): string {
  if (provider !== "github" && provider !== "azure") return text;
  return text.replace(/##(?=\[|vso\[)/gi, "# #").replace(/^(\s*):(?=:)/gm, "$1: ");
}

/** A part of the log that can be folded. */
export interface LogGroup {
  readonly title: string;
  /** For GitLab: letters and underscores. */
  readonly name: string;
  /** Whether it is closed at first, where the service lets a log say so. */
  readonly collapsed: boolean;
}

/**
 * The line that begins a group; null where a service has none.
 *
 * @param seconds since the epoch
 */
export function groupBegin(
  provider: ProviderName,
  { title, name, collapsed }: LogGroup,
  seconds: number,
): string | null {
  switch (provider) {
    case "github":
      return `::group::${githubData(title)}`;
    case "azure":
      return `##[group]${title}`;
    case "gitlab": {
      const how = collapsed ? "[collapsed=true]" : "";
      return `\x1b[0Ksection_start:${Math.floor(seconds)}:${name}${how}\r\x1b[0K${title}`;
    }
    case "buildkite":
      return `${collapsed ? "---" : "+++"} ${title}`;
    case "circleci":
      return null;
  }
}

/** The line that ends a group; null where the next one or the log's end does. */
export function groupEnd(
  provider: ProviderName,
  { name }: Pick<LogGroup, "name">,
  seconds: number,
): string | null {
  switch (provider) {
    case "github":
      return "::endgroup::";
    case "azure":
      return "##[endgroup]";
    case "gitlab":
      return `\x1b[0Ksection_end:${Math.floor(seconds)}:${name}\r\x1b[0K`;
    case "buildkite":
    case "circleci":
      return null;
  }
}

/**
 * The lines around what tests print, so that none of it is a command of the service: only GitHub
 * can be asked to read none until a word that tests don't know.
 */
export function commandsStopped(
  provider: ProviderName,
  secret: string,
): { readonly begin: string; readonly end: string } | null {
  return provider === "github"
    ? { begin: `::stop-commands::${secret}`, end: `::${secret}::` }
    : null;
}
