import { ENVIRONMENT } from "../tables/environment.ts";
import { type PermissionRow, type PermissionRowName, PERMISSIONS } from "../tables/permissions.ts";
import { STANDARD_DIRECTORIES } from "../tables/programs.ts";

/** A permission that Deno can grant. `value` is a program's path, a variable, or empty for all. */
export interface Capability {
  readonly kind: "run" | "env" | "sys" | "read" | "write" | "net";
  readonly value: string;
}

/** The paths at which a program may be installed. */
export function pathsOf(program: string): string[] {
  return STANDARD_DIRECTORIES.map((directory) => `${directory}/${program}`);
}

/** The capabilities that a row grants, in a stable order. */
export function capabilitiesOf(row: PermissionRow): Capability[] {
  const capabilities: Capability[] = [];
  if (row.read) capabilities.push({ kind: "read", value: "" });
  if (row.write) capabilities.push({ kind: "write", value: "" });
  if (row.net) capabilities.push({ kind: "net", value: "" });
  if (row.uid) capabilities.push({ kind: "sys", value: "uid" });
  for (const variable of row.env) capabilities.push({ kind: "env", value: variable });
  for (const program of row.programs) {
    for (const path of pathsOf(program)) capabilities.push({ kind: "run", value: path });
  }
  return capabilities;
}

/** The union of all rows: the permissions that the binary is compiled with. */
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

/** The capabilities of the union outside of `row`, which are dropped before the command starts. */
export function outsideRow(row: PermissionRow): Capability[] {
  const inside = new Set(capabilitiesOf(row).map(key));
  return capabilitiesOf(unionRow()).filter((capability) => !inside.has(key(capability)));
}

/** The flags of `deno compile` and `deno run` that grant exactly the union. */
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

/** The row of a name. */
export function rowNamed(name: PermissionRowName): PermissionRow {
  return PERMISSIONS.find(({ row }) => row === name)!;
}

/** What a command has by its row, with the programs and variables of another row. */
export function bothRows(row: PermissionRow, other: PermissionRow): PermissionRow {
  const join = (own: readonly string[], more: readonly string[]) => [...new Set([...own, ...more])];
  return {
    ...row,
    programs: join(row.programs, other.programs),
    env: join(row.env, other.env),
  };
}

function key(capability: Capability): string {
  return `${capability.kind}\0${capability.value}`;
}
