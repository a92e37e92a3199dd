import { ENVIRONMENT } from "../tables/environment.ts";
import { type PermissionRow, PERMISSIONS } from "../tables/permissions.ts";
import { STANDARD_DIRECTORIES } from "../tables/programs.ts";

/**
 * One thing that Deno can grant: a program at one place, a variable, or all of a kind (`value` is
 * then empty).
 */
export interface Capability {
  readonly kind: "run" | "env" | "sys" | "read" | "write" | "net";
  readonly value: string;
}

/** Every place at which a program may stand. */
export function placesOf(program: string): string[] {
  return STANDARD_DIRECTORIES.map((directory) => `${directory}/${program}`);
}

/** What a row grants, in a stable order. */
export function capabilitiesOf(row: PermissionRow): Capability[] {
  const capabilities: Capability[] = [];
  if (row.read) capabilities.push({ kind: "read", value: "" });
  if (row.write) capabilities.push({ kind: "write", value: "" });
  if (row.net) capabilities.push({ kind: "net", value: "" });
  if (row.uid) capabilities.push({ kind: "sys", value: "uid" });
  for (const variable of row.env) capabilities.push({ kind: "env", value: variable });
  for (const program of row.programs) {
    for (const place of placesOf(program)) capabilities.push({ kind: "run", value: place });
  }
  return capabilities;
}

/** The union of all rows: what the binary is compiled with. */
export function unionRow(): PermissionRow {
  const programs = [...new Set(PERMISSIONS.flatMap((row) => row.programs as readonly string[]))];
  return {
    row: "union",
    programs,
    env: ENVIRONMENT.map((variable) => variable.name),
    read: true,
    write: true,
    net: true,
    uid: true,
    why: "what the binary is compiled with",
  };
}

/** What the union grants and `row` does not: to be dropped before the command does anything. */
export function outsideRow(row: PermissionRow): Capability[] {
  const inside = new Set(capabilitiesOf(row).map(key));
  return capabilitiesOf(unionRow()).filter((capability) => !inside.has(key(capability)));
}

/** The flags of `deno compile` and `deno run` that grant the union and nothing else. */
export function permissionFlags(): string[] {
  const union = capabilitiesOf(unionRow());
  const list = (kind: Capability["kind"]) =>
    union.filter((capability) => capability.kind === kind).map((capability) => capability.value);
  return [
    "--allow-read",
    "--allow-write",
    "--allow-net",
    `--allow-sys=${list("sys").join(",")}`,
    `--allow-env=${list("env").join(",")}`,
    `--allow-run=${list("run").join(",")}`,
  ];
}

/**
 * The row of a command line: the command's own, or the wider one of an effect flag (or of what it
 * is asked to do) that is set. `failed --run`, `affected --run` and `hang --confirm` do what `run`
 * does, so they take its row.
 *
 * @param operands what stands on the command line besides options
 * @param has whether an option is set
 */
export function rowOf(
  command: string,
  operands: readonly string[],
  has: (option: string) => boolean,
): PermissionRow {
  const named = (row: string): PermissionRow | undefined =>
    PERMISSIONS.find((candidate) => candidate.row === row);
  const runs = (command === "failed" || command === "affected") && has("run");
  const fixes = command === "doctor" && has("fix");
  const writesHooks = command === "hooks" && ["install", "uninstall"].includes(operands[0] ?? "") &&
    !has("dry-run") && !has("print");
  const row = runs || (command === "hang" && has("confirm"))
    ? "run"
    : fixes
    ? "doctor --fix"
    : writesHooks
    ? "hooks install"
    : command === "hang" && has("stacks")
    ? "hang --stacks"
    : command === "zombies"
    ? ["zombies", ...["shm", "kill"].filter(has).map((option) => `--${option}`)].join(" ")
    : command;
  const found = named(row);
  if (!found) throw new RangeError(`Cannot find a permission row for "${row}"`);
  return found;
}

function key(capability: Capability): string {
  return `${capability.kind}\0${capability.value}`;
}
