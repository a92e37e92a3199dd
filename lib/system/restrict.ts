import { TractestError } from "../errors.ts";
import { EXIT } from "../tables/exit_codes.ts";
import type { PermissionRow } from "../tables/permissions.ts";
import { capabilitiesOf, type Capability, outsideRow } from "./permission_flags.ts";

/**
 * Drops every capability of the union that `row` does not have, then checks each.
 *
 * A kind that the row does not have at all is revoked as a whole: that is one call instead of
 * many, and the only way to revoke a bare grant (`deno run -A` in development). The others are
 * revoked by the exact strings they were granted with: Deno silently ignores any other spelling.
 *
 * @throws {TractestError} code 70 if one is still granted although grants are scoped
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
      const left = `${capability.kind} ${capability.value}`;
      const message = `"${row.row}" still has a permission outside its row: ${left}`;
      throw new TractestError("permission-still-granted", message, EXIT.bug);
    }
  }
}

/** Uses a capability in a way that changes nothing, and returns whether Deno refused. */
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
      }).spawn();
      return child.kill("SIGKILL");
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

/** Whether permissions were granted one by one, as in the built binary, not by `--allow-run`. */
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
