/** The directory of a path; `.` at the top. */
export function parent(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash);
}

/** The last part of a path: a name. */
export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** All directories that contain one of the files, at any depth, without the top. */
export function directoriesOf(files: Iterable<string>): Set<string> {
  const directories = new Set<string>();
  for (const file of files) {
    for (
      let directory = parent(file);
      directory !== "." && !directories.has(directory);
      directory = parent(directory)
    ) directories.add(directory);
  }
  return directories;
}

/** Whether `path` is `directory` or inside it. Both are absolute and normalized. */
export function isInside(path: string, directory: string): boolean {
  return path === directory ||
    path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
}
