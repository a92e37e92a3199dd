import type { Host } from "../host.ts";

/**
 * `-F`: not for what fits on the screen, `-R`: with colours, `-X`: the text stays on the screen
 * afterwards. Options of the user's own could name programs.
 */
const OPTIONS = ["-F", "-R", "-X"] as const;

/** Without its commands that start programs or write files, and without a history. */
const SAFE = { LESSSECURE: "1", LESSHISTFILE: "-", LESSCHARSET: "utf-8" } as const;

/**
 * Shows a text in `less` at the terminal, until its reader leaves it.
 *
 * @throws {ToolMissingError} if it is not installed
 */
export async function less(host: Host, text: string): Promise<void> {
  // Ctrl-C is for less, which shares the terminal. In its secure mode less ignores Ctrl-Z: stopped
  // alone, tractest would leave the terminal to the shell while less still reads from it.
  const releases = (["SIGINT", "SIGTSTP"] as const).map((name) => host.onSignal(name, () => {}));
  try {
    const variables = (["TERM", "TERMINFO"] as const).flatMap((name) => {
      const value = host.env(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    const { status } = host.programs.start("less", OPTIONS, {
      why: "the output is longer than the screen",
      cwd: host.cwd,
      env: { ...SAFE, ...Object.fromEntries(variables) },
      stdin: "null",
      input: text,
      stdout: "inherit",
      stderr: "inherit",
      detached: false,
    });
    await status;
  } finally {
    for (const release of releases) release();
  }
}
