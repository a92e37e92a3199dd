import type { Verb } from "../command_line/verb.ts";
import { type OptionsOf, type OptionTable, WITH_JSON } from "../command_line/options.ts";
import { capabilitiesOf, outsideRow } from "../system/permission_flags.ts";
import { UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../tables/exit_codes.ts";
import { type PermissionRow, PERMISSIONS } from "../tables/permissions.ts";
import type { Context } from "../command_line/context.ts";

const ROW_NAMES = PERMISSIONS.map(({ row }) => row);

/** The options of `permissions`. */
export const OPTIONS = {
  ...WITH_JSON,
  row: {
    kind: "text",
    metavar: "ROW",
    offers: ROW_NAMES,
    doc: "drop to this row and try each capability outside it",
  },
} as const satisfies OptionTable;

/** Their values. */
export type PermissionsOptions = OptionsOf<typeof OPTIONS>;

/** `tractest permissions`: the table; with `--row ROW` drops to that row and tries all others. */
export function permissions(context: Context<PermissionsOptions>): Promise<ExitCode> {
  const name = context.line.options.row;
  return Promise.resolve(name === null ? showTable(context) : prove(context, name));
}

function showTable({ printer }: Context): ExitCode {
  printer.rows(PERMISSIONS.map((row) => [row.row, describeRow(row)]));
  if (printer.json) printer.document("tractest.permissions/1", { rows: PERMISSIONS });
  return EXIT.ok;
}

/** A row in words. */
function describeRow(row: PermissionRow): string {
  const kinds = (["read", "write", "net", "uid"] as const).filter((kind) => row[kind]);
  const programs = row.programs.length > 0 ? `programs: ${row.programs.join(" ")}` : "no programs";
  return `${kinds.join(" ") || "nothing"}; ${programs}`;
}

function prove({ host, printer }: Context, name: string): ExitCode {
  const row = PERMISSIONS.find((candidate) => candidate.row === name);
  if (!row) {
    throw new UsageError(`There is no permission row "${name}"`, `rows: ${ROW_NAMES.join(", ")}`);
  }
  host.permissions.restrict(row);
  const outside = outsideRow(row).map((capability) => ({
    ...capability,
    refused: host.permissions.isRefused(capability),
  }));
  const inside = capabilitiesOf(row);
  const broken = outside.filter((capability) => !capability.refused);
  for (const capability of broken) {
    printer.line(`granted outside the row: ${capability.kind} ${capability.value}`);
  }
  const refused = `${outside.length - broken.length} of ${outside.length}`;
  printer.line(`${row.row}: ${refused} capabilities outside the row are refused`);
  if (printer.json) printer.document("tractest.permissions/1", { row: row.row, inside, outside });
  return broken.length === 0 ? EXIT.ok : EXIT.bug;
}

/** `tractest permissions`, described. */
export const VERB: Verb<typeof OPTIONS> = {
  name: "permissions",
  group: "set-up",
  summary: "what each command may do; with --row a proof that it is enforced",
  usage: "tractest permissions [--row ROW]",
  options: OPTIONS,
  examples: [
    ["tractest permissions", "the table"],
    ["tractest permissions --row failed", "try everything that `failed` must not do"],
  ],
  exits: [0, 70],
  row: "permissions",
  run: permissions,
};
