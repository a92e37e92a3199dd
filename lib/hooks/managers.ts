import {
  AGENT_EVENT,
  GOES_ON,
  type HookName,
  type ManagerName,
  MANAGERS,
  type PRINTABLE,
} from "./git_hooks.ts";
import { hookRow, renderBlock, shellQuote } from "./block.ts";

/** A program other than git that manages the hooks of a repo. */
export interface Manager {
  /** `shared` is a hooks directory that is not this repo's own: `core.hooksPath`, or a symlink. */
  readonly name: ManagerName | "shared";
  /** How we know. */
  readonly evidence: string;
  /** Whether the manager writes the hook's file itself and would overwrite our lines. */
  readonly owns: boolean;
}

/** The facts that show who manages a hook. Paths as a person would write them. */
export interface HookSurroundings {
  /** `core.hooksPath`, where it names another directory than the repo's own; null otherwise. */
  readonly hooksPath: string | null;
  /** Whether the repo's own hooks directory is a symlink. */
  readonly symlinkedDirectory: boolean;
  /** Those of {@linkcode MANAGERS}' files that exist in git's top directory. */
  readonly files: readonly string[];
  /** The text of the hook's file; null when there is none. */
  readonly content: string | null;
}

/** The manager of a hook; null if there is none. */
export function managerOf(
  { hooksPath, symlinkedDirectory, files, content }: HookSurroundings,
): Manager | null {
  if (hooksPath !== null) {
    const name = /(^|\/)\.husky(\/_)?\/?$/.test(hooksPath) ? "husky" : "shared";
    return { name, evidence: `core.hooksPath is "${hooksPath}"`, owns: true };
  }
  if (symlinkedDirectory) {
    return { name: "shared", evidence: "the hooks directory is a symlink", owns: true };
  }
  for (const row of MANAGERS) {
    const signature = row.signatures.find((text) => content?.includes(text));
    if (signature !== undefined) {
      return { name: row.name, evidence: `its hook file says "${signature}"`, owns: true };
    }
  }
  for (const row of MANAGERS) {
    const file = row.files.find((candidate) => files.includes(candidate));
    if (file !== undefined) return { name: row.name, evidence: `there is "${file}"`, owns: false };
  }
  return null;
}

/** What an entry is to run in a hook. */
export interface EntrySpec {
  readonly hook: HookName;
  readonly commands: readonly (readonly string[])[];
}

/** Whose configuration an entry is for. */
export type Printable = typeof PRINTABLE[number];

/** Lines for a configuration, ready to paste. They find tractest on PATH: the files are shared. */
export function entryFor(printable: Printable, specs: readonly EntrySpec[]): string[] {
  switch (printable) {
    case "lefthook":
      return ["# lefthook.yml", ...specs.flatMap(lefthookEntry)];
    case "pre-commit":
      return [
        "# .pre-commit-config.yaml",
        "repos:",
        "  - repo: local",
        "    hooks:",
        ...specs.flatMap(preCommitEntry),
      ];
    case "husky":
      return specs.flatMap((spec) => [`# .husky/${spec.hook}`, ...shellEntry(spec)]);
    case "shell":
      return specs.flatMap((spec) => [`# ${spec.hook}, below its first line`, ...shellEntry(spec)]);
    case "agent":
      return agentEntry(specs);
  }
}

/** The commands that make an entry take effect. */
export function applyCommands(manager: ManagerName, hooks: readonly HookName[]): string[] {
  const { apply } = MANAGERS.find((row) => row.name === manager)!;
  return [...new Set(hooks.map((hook) => apply.replace("HOOK", hook)))];
}

/** Our block's lines, without its markers: where they are pasted they are the user's. */
function shellEntry({ hook, commands }: EntrySpec): string[] {
  return renderBlock({ hook, commands, binary: null, created: false }).slice(1, -1);
}

/** A line for a manager whose `checkoutType` is 0 after a checkout of single files. */
function hookLine({ hook, commands }: EntrySpec, checkoutType: string): string {
  const line = guarded(commands, hook, hookRow(hook).stops !== null);
  return hook === "post-checkout" ? `[ "${checkoutType}" = 0 ] || ${line}` : line;
}

function lefthookEntry(spec: EntrySpec): string[] {
  // lefthook passes git's list of refs on, and a push that only deletes must run nothing;
  // pre-commit reads the list itself.
  const push = spec.hook === "pre-push";
  const deletes = push ? `[ -t 0 ] || grep -qv '^(delete) ' || exit 0; ` : "";
  const stdin = push ? ["      use_stdin: true"] : [];
  return [
    `${spec.hook}:`,
    "  commands:",
    "    tractest:",
    ...stdin,
    "      run: |",
    `        ${deletes}${hookLine(spec, "{3}")}`,
  ];
}

function preCommitEntry(spec: EntrySpec): string[] {
  return [
    `      - id: tractest-${spec.hook}`,
    `        name: tractest`,
    `        entry: |`,
    `          sh -c ${shellQuote(hookLine(spec, "$PRE_COMMIT_CHECKOUT_TYPE"))}`,
    `        language: system`,
    `        stages: [${spec.hook}]`,
    `        always_run: true`,
    `        pass_filenames: false`,
  ];
}

/**
 * The hook configuration that coding agents read: what to run when the agent ends its turn, each
 * command line once.
 */
function agentEntry(specs: readonly EntrySpec[]): string[] {
  const commands = new Set(
    specs.flatMap((spec) => spec.commands.map((words) => guarded([words], "the agent", true))),
  );
  const hooks = [...commands].map((command) => ({ type: "command", command }));
  return JSON.stringify({ hooks: { [AGENT_EVENT]: [{ hooks }] } }, null, 2).split("\n");
}

/** One line of sh that runs the commands if tractest exists; fails only for bad changes. */
function guarded(commands: EntrySpec["commands"], who: string, stops: boolean): string {
  const otherwise = stops ? `case $? in ${GOES_ON.join("|")}) ;; *) exit 1 ;; esac` : ":";
  const lines = commands.map((words) =>
    `tractest ${words.map(shellQuote).join(" ")} </dev/null || ${otherwise}; `
  ).join("");
  const missing = `echo "tractest is not installed; ${who} continues without it" >&2`;
  return `if command -v tractest >/dev/null 2>&1; then ${lines}else ${missing}; fi`;
}
