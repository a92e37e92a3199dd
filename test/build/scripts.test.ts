import { permissionFlags } from "../../lib/system/permission_flags.ts";
import { VERSION } from "../../lib/tables/release.ts";
import { sourceFiles } from "../../scripts/check_imports.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { run, withDirectory } from "./built.ts";

/** A complete environment for scripts: ours, partly replaced. */
async function script(
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(args[0]!, {
    args: args.slice(1),
    env,
    stdin: "null",
  }).output();
  return {
    code,
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  };
}

Deno.test("every shell script can be read by a plain sh", async () => {
  const names = [
    "_lib.sh",
    "bootstrap",
    "build",
    "demo",
    "denort",
    "differential",
    "install",
    "self_contained.sh",
    "suites",
    "test",
  ];
  for (const path of [...names.map((name) => `scripts/${name}`), ".ci/run"]) {
    assertEquals(await run("sh", ["-n", path]), { code: 0, stdout: "", stderr: "" }, path);
  }
});

Deno.test(
  "the offline lock file covers every import, so that a clean checkout stays clean",
  async () => {
    const files = await sourceFiles(["main.ts", "lib", "test", "scripts"]);
    const lock = await Deno.readTextFile("scripts/offline/deno.lock");
    const args = [
      "cache",
      "--quiet",
      "--frozen",
      "--import-map=scripts/offline/import_map.json",
      "--lock=scripts/offline/deno.lock",
      ...files,
    ];
    const { code, stderr } = await script([Deno.execPath(), ...args], { NO_COLOR: "1" });
    assertEquals([code, stderr], [0, ""]);
    assertEquals(await Deno.readTextFile("scripts/offline/deno.lock"), lock);
  },
);

Deno.test(
  "scripts/bootstrap is quick if there is nothing to do, and refuses an unknown graph",
  async () => {
    const started = performance.now();
    assertEquals((await script(["scripts/bootstrap"], {})).code, 0);
    assert(performance.now() - started < 1000, "the second call took more than a second");
    const refused = await script(["scripts/bootstrap"], { TRACTEST_GRAPH: "npm" });
    assertEquals(refused.code, 1);
    assertIncludes(refused.stderr, 'Unknown dependency graph "npm"');
  },
);

Deno.test(
  "scripts/install installs a binary that answers, also in place of " +
    "an older one",
  async () => {
    await withDirectory(async (directory) => {
      const bin = `${directory}/my bin`;
      for (const time of ["first", "second"]) {
        const { code, stderr } = await script(["scripts/install", bin], {});
        assertEquals(code, 0, `${time} time: ${stderr}`);
        assertIncludes(stderr, `tractest ${VERSION} (`);
        assertEquals([...Deno.readDirSync(bin)].map((entry) => entry.name), ["tractest"]);
      }
      assertEquals((await script(["scripts/install", "--nonsense"], {})).code, 1);
    });
  },
);

Deno.test(
  "scripts/install --launcher starts the deno on PATH with the " +
    "same permissions",
  async () => {
    await withDirectory(async (directory) => {
      await Deno.mkdir(`${directory}/tools`);
      await Deno.symlink(Deno.execPath(), `${directory}/tools/deno`);
      const env = {
        PATH: `${directory}/tools:${Deno.env.get("PATH")}`,
        XDG_DATA_HOME: `${directory}/it's data`,
      };
      const { code, stderr } = await script(
        ["scripts/install", "--launcher", `${directory}/bin`],
        env,
      );
      assertEquals(code, 0, stderr);
      const launcher = await Deno.readTextFile(`${directory}/bin/tractest`);
      assertIncludes(launcher, ` ${permissionFlags().join(" ")} --no-prompt `);
      const answer = await run(`${directory}/bin/tractest`, ["version"], {
        PATH: `${directory}/tools:/usr/bin:/bin`,
        HOME: directory,
      });
      assertEquals(answer, {
        code: 0,
        stdout: `tractest ${VERSION} (launcher, deno ${Deno.version.deno})\n`,
        stderr: "",
      });
    });
  },
);

Deno.test(
  "scripts/build rejects a binary that does not answer as tractest, and falls back to " +
    "another kind",
  async () => {
    await withDirectory(async (directory) => {
      // The full deno in place of `denort`: `deno compile` accepts it, but the result does not
      // behave as tractest.
      const env = { DENORT_BIN: Deno.execPath(), TRACTEST_DIST: directory, NO_COLOR: "1" };
      const { code, stderr } = await script(["scripts/build"], env);
      assertEquals(code, 0, stderr);
      assertIncludes(stderr, "it does not answer `version`");
      assertIncludes(stderr, `made ${directory}/tractest: self-contained, ${VERSION}`);
      const insisted = await script(["scripts/build", "compiled"], env);
      assertEquals(insisted.code, 1, insisted.stderr);
      assertEquals([...Deno.readDirSync(directory)].map((entry) => entry.name).sort(), [
        "bundle",
        "tractest",
      ]);
    });
  },
);
