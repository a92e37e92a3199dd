import { TractestError } from "../errors.ts";
import { EXIT } from "../tables/exit_codes.ts";
import type { PermissionRow } from "../tables/permissions.ts";
import { capabilitiesOf, type Capability, outsideRow } from "./permission_flags.ts";

/**
 * Drops every capability of the union that `row` does not have, then queries each.
 * A kind of which the row has nothing is revoked whole: one call instead of one for every entry,
 * and the only way that works on a bare grant (`deno run -A` in development). Other entries are
 * revoked by the very strings they were granted with: another spelling is silently ignored.
 *
 * @throws {TractestError} code 70 if something is still granted under scoped grants.
 */
export function restrictPermissions(row: PermissionRow): void {
  const scoped = isScoped();
  const outside = outsideRow(row);
  const kept = new Set(capabilitiesOf(row).map((capability) => capability.kind));
  for (const kind of new Set(outside.map((capability) => capability.kind))) {
    if (!kept.has(kind)) Deno.permissions.revokeSync({ name: kind });
  }
  for (const capability of outside) {
    const descriptor = descriptorOf(capability);
    if (kept.has(capability.kind)) Deno.permissions.revokeSync(descriptor);
    if (scoped && Deno.permissions.querySync(descriptor).state === "granted") {
      throw new TractestError(
        "permission-still-granted",
        `"${row.row}" still has a permission outside its row: ${capability.kind} ${capability.value}`,
        EXIT.bug,
      );
    }
  }
}

/** Uses a capability for real, in a way that changes nothing, and says whether Deno refused. */
export function isRefused(capability: Capability): boolean {
  try {
    useOnce(capability);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotCapable;
  }
}

function useOnce(capability: Capability): void {
  const nowhere = `/nonexistent-${crypto.randomUUID()}`;
  switch (capability.kind) {
    case "run": {
      const child = new Deno.Command(capability.value, {
        args: ["--version"],
        clearEnv: true,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      })
        .spawn();
      child.kill("SIGKILL");
      return;
    }
    case "env":
      return void Deno.env.get(capability.value);
    case "sys":
      return void Deno.uid();
    case "read":
      return void Deno.lstatSync(nowhere);
    case "write":
      return Deno.removeSync(nowhere);
    case "net":
      return Deno.listen({ hostname: "127.0.0.1", port: 0 }).close();
  }
}

/**
 * Whether permissions were granted entry by entry, as in the built binary, and not by a bare
 * `--allow-run`.
 */
function isScoped(): boolean {
  return Deno.permissions.querySync({ name: "run" }).state !== "granted";
}

/** Deno's descriptor of a capability. */
export function descriptorOf(capability: Capability): Deno.PermissionDescriptor {
  switch (capability.kind) {
    case "run":
      return { name: "run", command: capability.value };
    case "env":
      return { name: "env", variable: capability.value };
    case "sys":
      return { name: "sys", kind: "uid" };
    default:
      return { name: capability.kind };
  }
}
