import {
  capabilitiesOf,
  outsideRow,
  permissionFlags,
  unionRow,
} from "../../lib/system/permission_flags.ts";
import { ENVIRONMENT } from "../../lib/tables/environment.ts";
import { PERMISSIONS } from "../../lib/tables/permissions.ts";
import { PROGRAMS } from "../../lib/tables/programs.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("permissionFlags() grants only read, write and net without a list", () => {
  for (const flag of permissionFlags()) {
    assert(
      ["--allow-read", "--allow-write", "--allow-net"].includes(flag) ||
        /^--allow-(run|env|sys)=./.test(flag),
      flag,
    );
  }
});

Deno.test("permissionFlags() names programs by absolute path only, never by PATH", () => {
  const run = permissionFlags().find((flag) => flag.startsWith("--allow-run="))!.slice(
    "--allow-run=".length,
  );
  for (const place of run.split(",")) assert(/^\/[a-z/-]+\/[a-z]+(-[a-z]+)?$/.test(place), place);
});

Deno.test("rows name only known programs and variables, and each is in some row", () => {
  const programs = new Set<string>(PROGRAMS.map((row) => row.name));
  const variables = new Set<string>(ENVIRONMENT.map((row) => row.name));
  for (const row of PERMISSIONS) {
    for (const program of row.programs) assert(programs.has(program), `${row.row}: ${program}`);
    for (const variable of row.env) assert(variables.has(variable), `${row.row}: ${variable}`);
  }
  for (const program of programs) {
    assert(
      PERMISSIONS.some((row) => (row.programs as readonly string[]).includes(program)),
      program,
    );
  }
  for (const variable of variables) {
    assert(PERMISSIONS.some((row) => (row.env as readonly string[]).includes(variable)), variable);
  }
});

Deno.test("granted and denied capabilities of a row make up the union without overlap", () => {
  for (const row of PERMISSIONS) {
    assertEquals(
      capabilitiesOf(row).length + outsideRow(row).length,
      capabilitiesOf(unionRow()).length,
      row.row,
    );
  }
});

Deno.test("only commands that signal may start kill, only those that start Python env", () => {
  const having = (program: string) =>
    PERMISSIONS.filter((row) => (row.programs as readonly string[]).includes(program)).map((row) =>
      row.row
    );
  assertEquals(having("kill"), [
    "zombies --kill",
    "zombies --shm --kill",
    "run",
    "watch",
    "stop",
    "bisect",
    "stress",
    "doctor --fix",
  ]);
  assertEquals(having("env"), [
    "bundle",
    "hang --stacks",
    "run",
    "watch",
    "bisect",
    "stress",
    "check",
    "doctor",
    "doctor --fix",
  ]);
});
