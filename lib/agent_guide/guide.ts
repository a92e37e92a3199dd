import { EXIT_CODE_ASKS, RULES, type Situation, SITUATIONS } from "./situations.ts";

/** The formats of the guide: a section of AGENTS.md, or a skill in a file of its own. */
export const FORMATS = ["agents-md", "skill"] as const;

const SUMMARY = "Run this repository's tests with tractest: which command for which situation, " +
  "what each exit code asks for, and what never to do.";

const INTRODUCTION =
  "Run tests by `tractest`, not by `pytest`; options of pytest may follow. Set " +
  "`TRACTEST_UI=agent` for short output: each failure once, with the command that runs it again. " +
  "Most commands take `--json`, all take `--help`. TEST is a test, a file or a directory, WORD a " +
  "part of a test's name.";

/** The guide for a coding agent, in lines of Markdown. */
export function guideLines(format: typeof FORMATS[number]): string[] {
  const isSkill = format === "skill";
  const front = ["---", "name: run-tests", `description: "${SUMMARY}"`, "---", ""];
  const heading = (text: string) => [`${isSkill ? "##" : "###"} ${text}`, ""];
  const own = SITUATIONS.filter(({ tractor }) => tractor !== true);
  const tractor = SITUATIONS.filter(({ tractor }) => tractor === true);
  return [
    ...(isSkill ? front : []),
    `${isSkill ? "#" : "##"} Running the tests`,
    "",
    INTRODUCTION,
    "",
    ...heading("Rules"),
    ...RULES.map((rule) => `- ${rule}`),
    "",
    ...heading("Which command"),
    ...table("situation", own),
    "",
    ...heading("What an exit code asks of you"),
    "| code | do |",
    "|---|---|",
    ...EXIT_CODE_ASKS.map(([code, asks]) => `| ${code} | ${asks} |`),
    "",
    ...heading("In projects that use tractor"),
    ...table("situation", tractor),
  ];
}

function table(heading: string, rows: readonly Situation[]): string[] {
  return [
    `| ${heading} | command |`,
    "|---|---|",
    ...rows.map(({ when, command }) => `| ${when} | \`${command}\` |`),
  ];
}
