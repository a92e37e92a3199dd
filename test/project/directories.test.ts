import { join } from "@std/path";
import { cacheDirectory, stateDirectory, usable } from "../../lib/project/directories.ts";
import { binaryCheck } from "../../lib/preflight/own_checks.ts";
import type { EnvironmentName } from "../../lib/tables/environment.ts";
import { PERMISSIONS } from "../../lib/tables/permissions.ts";
import type { Host } from "../../lib/system/host.ts";
import { RealHost } from "../../lib/system/real_host.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { fakeHost } from "../fake_host.ts";

class HostWith extends RealHost {
  constructor(
    readonly variables: Partial<Record<EnvironmentName, string>>,
    readonly uidNow: number | null = Deno.uid(),
  ) {
    super();
  }
  override env(name: EnvironmentName): string | undefined {
    return this.variables[name];
  }
  override uid(): number | null {
    return this.uidNow;
  }
}

async function withScratch(action: (scratch: string) => Promise<void>): Promise<void> {
  const scratch = await Deno.makeTempDir();
  try {
    await action(scratch);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

Deno.test("XDG's variables win over HOME, and relative ones are ignored", async () => {
  const path = async (variables: Partial<Record<EnvironmentName, string>>) =>
    (await cacheDirectory(new HostWith(variables))).path;
  assertEquals(await path({ HOME: "/h", XDG_CACHE_HOME: "/x" }), "/x/tractest");
  assertEquals(await path({ HOME: "/h", XDG_CACHE_HOME: "x" }), "/h/.cache/tractest");
  assertEquals(await path({ HOME: "h" }), null);
  assertEquals(
    (await stateDirectory(new HostWith({ HOME: "/h" }))).path,
    "/h/.local/state/tractest",
  );
  assertEquals(await usable(new HostWith({}), await cacheDirectory(new HostWith({}))), null);
});

Deno.test("a directory of ours is made private, and one that is not private is left alone", () =>
  withScratch(async (scratch) => {
    const host = new HostWith({ XDG_CACHE_HOME: join(scratch, "cache") });
    const inner = await usable(host, await cacheDirectory(host), "preflight");
    assertEquals(inner, join(scratch, "cache/tractest/preflight"));
    for (const path of [inner!, join(scratch, "cache/tractest")]) {
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o700);
    }
    await Deno.chmod(inner!, 0o750);
    assertEquals(await usable(host, await cacheDirectory(host), "preflight"), null);
    await Deno.chmod(inner!, 0o700);
    await Deno.chmod(join(scratch, "cache/tractest"), 0o701);
    assertEquals(await usable(host, await cacheDirectory(host), "preflight"), null);
    assertEquals((await Deno.stat(join(scratch, "cache/tractest"))).mode! & 0o777, 0o701);
  }));

Deno.test("a symlink, a file and another user's directory are not used", () =>
  withScratch(async (scratch) => {
    const problem = async (host: Host) => (await cacheDirectory(host)).problem ?? "";
    const host = new HostWith({ XDG_CACHE_HOME: scratch });
    await Deno.mkdir(join(scratch, "tractest"), { mode: 0o700 });
    assertIncludes(await problem(new HostWith({ XDG_CACHE_HOME: scratch }, 12345)), "not to 12345");
    await Deno.rename(join(scratch, "tractest"), join(scratch, "elsewhere"));
    await Deno.symlink(join(scratch, "elsewhere"), join(scratch, "tractest"));
    assertIncludes(await problem(host), "it is a symlink");
    await Deno.remove(join(scratch, "tractest"));
    await Deno.writeTextFile(join(scratch, "tractest"), "");
    assertIncludes(await problem(host), "it is a file");
  }));

Deno.test("no directory can be created below one to which only another user may write", () =>
  withScratch(async (scratch) => {
    const below = join(scratch, "missing/too");
    const problem = async (uid: number | null) =>
      (await cacheDirectory(new HostWith({ XDG_CACHE_HOME: below }, uid))).problem;
    for (const [mode, isRefused] of [[0o755, true], [0o777, false], [0o775, false]] as const) {
      await Deno.chmod(scratch, mode);
      const expected = `it can't be created: no permission to write to ${scratch}`;
      assertEquals(await problem(12345), isRefused ? expected : null, mode.toString(8));
      assertEquals([await problem(0), await problem(null)], [null, null]);
    }
  }));

Deno.test("a binary with more permissions than its row fails; from source it is a warning", () => {
  const row = PERMISSIONS.find((each) => each.row === "doctor")!;
  const status = (kind: "compiled" | "source", refused: boolean) =>
    binaryCheck(
      fakeHost({ build: () => ({ kind, runtime: "deno 2" }), isRefused: () => refused }),
      row,
    );
  assertEquals([
    status("compiled", true).status,
    status("compiled", false).status,
    status("source", false).status,
  ], ["ok", "fail", "warn"]);
  assert(status("compiled", false).fix!.includes("tractest permissions --row"));
});
