/** The version that `tractest version` prints; CHANGELOG.md has a heading for it. */
export const VERSION = "0.1.0";
