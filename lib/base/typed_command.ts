import { shellCommand, shellWord } from "./escape.ts";
import { basename, relative } from "@std/path";

/** A command as typed in the root: the venv's Python by its relative path, uv by its name. */
export function asTyped(argv: readonly string[], root: string): string[] {
  const [program = "", ...rest] = argv;
  if (basename(program) === "uv") return ["uv", ...rest];
  return [program.startsWith(`${root}/`) ? relative(root, program) : program, ...rest];
}

/** The command, ready to paste in `cwd`, with the variables that it needs. */
export function pasteable(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
  root: string,
  cwd: string,
): string {
  const command = shellCommand(argv, environment);
  return cwd === root ? command : `(cd ${shellWord(root)} && ${command})`;
}
