import { escapeText } from "../core/escape.ts";
import { findByName } from "../core/targets.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { TIMING_ERRORS } from "../tables/known_flaky.ts";
import { columns } from "../ui/columns.ts";
import type { Context } from "../context.ts";
import { findProject } from "../project/project.ts";
import { testTree } from "../project/targets.ts";

/** `tractest flaky`: the known-flaky list, where each test lives today, and the rule of thumb. */
export async function flaky({ host, printer }: Context): Promise<ExitCode> {
  const project = await findProject(host);
  const tree = await testTree(host, project);
  const rows = project.configuration.knownFlaky.map((row) => {
    const [path = "", ...rest] = row.test.split("::");
    return { ...row, found: findByName(path, tree).map((file) => [file, ...rest].join("::")) };
  });
  if (printer.json) {
    printer.document("tractest.flaky/1", { tests: rows, timingErrors: TIMING_ERRORS });
    return EXIT.ok;
  }
  printer.line(`${rows.length} test(s) that are known to be flaky, when they fail like this:`);
  const cells = rows.map((row) => [`  ${escapeText(row.found[0] ?? row.test)}`, escapeText(row.error), noteOf(row.notes, row.found.length === 0)]);
  for (const row of columns(cells)) printer.line(row);
  printer.line();
  printer.line(`Rule of thumb: ${TIMING_ERRORS.join(", ")} in a code path that no change touches is timing, not your change.`);
  return EXIT.ok;
}

function noteOf(notes: string, gone: boolean): string {
  return `${escapeText(notes)}${gone ? " (no such file in the tests today)" : ""}`;
}
