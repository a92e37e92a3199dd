import { noSuchRun } from "../background/chosen_run.ts";
import { knownRuns } from "../background/known_runs.ts";
import { namedRun } from "../background/rules_run_file.ts";
import type { Context } from "../command_line/context.ts";
import { parseCommandLine } from "../command_line/parse.ts";
import type { AnyVerb } from "../command_line/verb.ts";
import { PreflightError, TractestError, UsageError } from "../errors.ts";
import { findProject, type Project } from "../project/project.ts";
import { kernel } from "../system/programs/uname.ts";
import { EXIT } from "../tables/exit_codes.ts";
import { VERSION } from "../tables/release.ts";
import { CapturingPrinter } from "../terminal/capturing_printer.ts";
import { Progress } from "../terminal/progress.ts";
import { gatherTree, type Tree } from "../tree/gather.ts";
import { TREE_SCHEMA, treeDocument, treeLines } from "../tree/show.ts";
import { configurationParts, environmentPart, gatherSurroundings, runParts } from "./gather.ts";
import { type Part, sentencesOf } from "./parts.ts";
import type { PrivateFacts } from "./rules_private.ts";

/** What a bundle is made of. */
export interface Gathered {
  readonly parts: readonly Part[];
  readonly facts: PrivateFacts;
  /** What could not be gathered, one sentence each. */
  readonly unknowns: readonly string[];
}

/** Commands whose answers a bundle has, in the order in which what they show vanishes. */
const COMMANDS: readonly {
  readonly words: readonly string[];
  readonly about: string;
  readonly verb: () => Promise<AnyVerb>;
}[] = [
  {
    words: ["hang", "--stacks"],
    about: "what each running pytest waits for, with Python stacks where the system allows it",
    verb: async () => (await import("../hang/command.ts")).VERB,
  },
  {
    words: ["zombies"],
    about: "processes and sockets that tests left behind",
    verb: async () => (await import("../leaks/command.ts")).VERB,
  },
  {
    words: ["status"],
    about: "the runs that are under way, and the last ones",
    verb: async () => (await import("../commands/status.ts")).VERB,
  },
  {
    words: ["config"],
    about: "each value of the configuration, and where it comes from",
    verb: async () => (await import("../commands/config.ts")).VERB,
  },
  {
    words: ["doctor"],
    about: "every check of the environment: tools, venv, import, collection",
    verb: async () => (await import("../preflight/command.ts")).VERB,
  },
];

/** Gathers everything; what fails is named, and the rest is gathered all the same. */
export async function gatherParts(context: Context): Promise<Gathered> {
  const { host, printer, line: { operands } } = context;
  const project = await projectHere(context);
  // A run that is named wrongly is an error before anything else is done.
  const run = project === null ? null : await chosenRunOf(context, project, operands[0]);
  const progress = new Progress(host, printer);
  const problems: [what: string, problem: string][] = [];
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await progress.during(`gathering: ${what}`, work());
    } catch (error) {
      problems.push([what, problemOf(error)]);
      return null;
    }
  };
  const tree = project && await attempt("tree", () => gatherTree(host, project));
  const answers: Part[] = [];
  for (const { words, about, verb } of COMMANDS) {
    const parts = await attempt(
      words.join(" "),
      async () => await answerOf(context, await verb(), words, about),
    );
    answers.push(...parts ?? []);
  }
  const files = run && await attempt("the files of the run", () => runParts(host, run));
  const pids = tree?.nodes.map(({ process }) => process.pid) ?? [];
  const { facts, environment } = await gatherSurroundings(host, pids, project?.root ?? null);
  return {
    facts,
    unknowns: sentencesOf(problems),
    parts: [
      await versionPart(context),
      environmentPart(environment),
      ...(tree ? treeParts(tree) : []),
      ...answers,
      ...await configurationParts(host, project?.root ?? host.cwd),
      ...files ?? [],
    ],
  };
}

/** The project here; null outside of any, or if its configuration can't be read. */
async function projectHere({ host }: Context): Promise<Project | null> {
  try {
    return await findProject(host);
  } catch (error) {
    if (error instanceof PreflightError) return null;
    throw error;
  }
}

/** The run that is named, else the newest of the project; null without any. */
async function chosenRunOf({ host }: Context, { root }: Project, word: string | undefined) {
  const runs = await knownRuns(host);
  if (word === undefined || word === "last") {
    return runs.find(({ record }) => record.root === root) ?? null;
  }
  const runId = namedRun(word, runs.map(({ record }) => record.runId));
  const named = runs.find(({ record }) => record.runId === runId);
  if (named === undefined) {
    throw noSuchRun(word, runs, { root, now: host.clock.now() });
  }
  return named;
}

/**
 * The document of a command and its lines.
 *
 * @throws {TractestError} what the command throws, and when a signal ended it
 */
async function answerOf(
  context: Context,
  verb: AnyVerb,
  words: readonly string[],
  about: string,
): Promise<Part[]> {
  const options = { verbose: false, color: "never", silent: true } as const;
  const printer = new CapturingPrinter(context.host, options);
  const line = parseCommandLine(verb, [...words.slice(1), "--json"]);
  // What a signal ends is the bundle.
  const own = { ...context, printer, line: { ...line, command: context.line.command } };
  const exitCode = await verb.run(own as Context as Context<never>);
  const { schema, body, lines } = printer;
  const command = ["tractest", ...words].join(" ");
  return [
    ...(lines.length === 0 ? [] : [
      {
        name: `${verb.name}.txt`,
        about: `${about}, as text`,
        content: { kind: "text", text: `$ ${command}\n${lines.join("\n")}\n` },
      } as const,
    ]),
    {
      name: `${verb.name}.json`,
      about: lines.length === 0 ? `${about} (\`${command} --json\`)` : `the same as JSON`,
      content: { kind: "json", value: { schema, ...body, exitCode } },
    },
  ];
}

function treeParts(tree: Tree): Part[] {
  const lines = treeLines(tree, null, (_colour, text) => text);
  return [{
    name: "tree.txt",
    about: "the processes of this repository as a tree, as text",
    content: { kind: "text", text: `$ tractest tree\n${lines.join("\n")}\n` },
  }, {
    name: "tree.json",
    about: "the same as JSON, with evidence",
    content: { kind: "json", value: { schema: TREE_SCHEMA, ...treeDocument(tree) } },
  }];
}

async function versionPart({ host }: Context): Promise<Part> {
  const { kind, runtime } = host.build();
  const { platform, processors } = host;
  const system = { platform, kernel: await kernel(host), processors };
  return {
    name: "version.json",
    about: "tractest, its kind and runtime, the system",
    content: { kind: "json", value: { version: VERSION, kind, runtime, ...system } },
  };
}

/** What went wrong in a part. A bug is what a bundle is made for, so it is named too. */
function problemOf(error: unknown): string {
  if (error instanceof TractestError) {
    if (error.exitCode > EXIT.timeLimit) throw error;
    return `${error.message} (exit code ${error.exitCode})`;
  }
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** @throws {UsageError} for more than one run */
export function checkOperands(operands: readonly string[]): void {
  if (operands.length <= 1) return;
  throw new UsageError(`"bundle" takes one run, not ${operands.length}`, "tractest bundle [RUN]");
}
