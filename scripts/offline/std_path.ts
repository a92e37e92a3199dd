/** Replaces `@std/path` where JSR can't be reached: POSIX only, based on `path-browserify`. */

// @ts-types="npm:@types/path-browserify@1.0.3"
import path from "path-browserify";

/** The last part of a path; without `suffix`, if it ends with it. */
export function basename(path_: string, suffix = ""): string {
  if (/^\/+$/.test(path_)) return "/";
  const name = path.basename(path_);
  return name !== suffix && name.endsWith(suffix)
    ? name.slice(0, name.length - suffix.length)
    : name;
}

/** A path without its last part. */
export function dirname(path_: string): string {
  return path.dirname(path_).replace(/(?<=.)\/+$/, "");
}

/** Whether a path starts at the root. */
export function isAbsolute(path_: string): boolean {
  return path.isAbsolute(path_);
}

/** Joins and normalizes. */
export function join(...paths: string[]): string {
  return path.join(...paths);
}

/** Resolves `.` and `..` by the text alone. */
export function normalize(path_: string): string {
  return path.normalize(path_);
}

/** The relative path from one path to another. */
export function relative(from: string, to: string): string {
  return path.relative(resolve(from), resolve(to));
}

/** The absolute path; relative ones start at the working directory. */
export function resolve(...segments: string[]): string {
  // path-browserify would ask `process.cwd()`, which loads Deno's Node layer; given an absolute
  // start, it never asks.
  return segments.some((segment) => segment.startsWith("/"))
    ? path.resolve(...segments)
    : path.resolve(Deno.cwd(), ...segments);
}
