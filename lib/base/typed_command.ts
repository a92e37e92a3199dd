import { shellCommand, shellWord } from "./escape.ts";
import { basename, relative } from "@std/path";

/**
 * A command as a person in the project's root would type it: the venv's Python by its path from
 * there, uv by its name.
 */
export function asTyped(argv: readonly string[], root: string): string[] {
  const [program = "", ...rest] = argv;
  if (basename(program) === "uv") return ["uv", ...rest];
  return [program.startsWith(`${root}/`) ? relative(root, program) : program, ...rest];
}

/** The command ready to paste where the user stands, with what has to be set for it. */
export function pasteable(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
  root: string,
  cwd: string,
): string {
  const command = shellCommand(argv, environment);
  return cwd === root ? command : `(cd ${shellWord(root)} && ${command})`;
}
