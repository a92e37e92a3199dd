/**
 * The regular expression of a glob over a path with `/`: `*` and `?` stay within one name, `**` as
 * a whole name matches any number of directories, `[abc]`, `[a-c]` and `[!abc]` one character.
 * Null for a range that runs backwards.
 */
export function globExpression(glob: string): RegExp | null {
  const source = glob.replace(GLOB_PARTS, (part, negation, characters, directories) => {
    if (characters !== undefined) {
      return `[${negation ? "^/" : ""}${characters.replace(/[\\^[\]]/g, "\\$&")}]`;
    }
    if (directories !== undefined) return directories.endsWith("/") ? "(?:.*/)?" : ".*";
    return part === "?" ? "[^/]" : part.startsWith("*") ? "[^/]*" : `\\${part}`;
  });
  try {
    return new RegExp(`^${source}$`, "s");
  } catch {
    return null;
  }
}

/** A class, `**` as a whole name, other stars, `?`, or a special character of expressions. */
const GLOB_PARTS = /\[(!)?([^\]/]+)\]|((?<![^/])\*\*(?:\/|$))|\*+|\?|[\\^$.|+(){}[\]]/g;
