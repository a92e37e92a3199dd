import { PERMISSIONS } from "../../lib/tables/permissions.ts";
import { assert, assertEquals } from "../assert.ts";
import { scratchState, TRACTEST } from "./tractest.ts";

const HAS_SCRIPT =
  new Deno.Command("script", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
    .success;
const NEEDS_SCRIPT = HAS_SCRIPT ? "" : " (needs script)";

for (const { row } of PERMISSIONS) {
  const name = `fault 50: at a terminal "${row}" is refused everything outside its row, and no ` +
    `permission is asked for${NEEDS_SCRIPT}`;
  Deno.test(name, { ignore: !HAS_SCRIPT }, async () => {
    const { code, stdout } = await new Deno.Command("script", {
      args: ["-qefc", `exec '${TRACTEST}' permissions --row '${row}'`, "/dev/null"],
      cwd: "/",
      clearEnv: true,
      env: { PATH: "/usr/bin:/bin", TERM: "xterm", SHELL: "/bin/sh", ...scratchState() },
      stdin: "null",
      stderr: "null",
    }).output();
    const screen = new TextDecoder().decode(stdout);
    const [, refused, outside] =
      /^(?:.*): (\d+) of (\d+) capabilities outside the row are refused\r?\n$/s.exec(screen) ?? [];
    assertEquals([code, refused], [0, outside], screen);
    assert(outside !== undefined && !/allow\?|granted/i.test(screen), screen);
  });
}
