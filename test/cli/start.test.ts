import { VERSION } from "../../lib/tables/release.ts";
import { assert, assertEquals } from "../assert.ts";
import { run, withDirectory } from "../build/built.ts";
import { scratchState, TRACTEST } from "./tractest.ts";

const ANSWER = new RegExp(`^tractest ${VERSION} \\([a-z-]+, deno \\d+\\.\\d+\\.\\d+\\)\n$`);

/**
 * A way to start a binary: program, arguments before `version`, more of the environment, working
 * directory.
 */
type Way = readonly [string, string[], Record<string, string>?, string?];

async function answers(ways: readonly Way[], env: Record<string, string>): Promise<void> {
  for (const [program, args, more = {}, cwd] of ways) {
    const { code, stdout, stderr } = await run(
      program,
      [...args, "version"],
      { ...env, ...more },
      cwd,
    );
    assertEquals([code, stderr], [0, ""], `${program} ${args.join(" ")}`);
    assert(ANSWER.test(stdout), stdout);
  }
}

Deno.test(
  "the binary starts from a read-only directory with a space in its path, through " +
    "links, by PATH and by a relative path",
  async () => {
    await withDirectory(async (directory) => {
      const place = `${directory}/read only`;
      Deno.mkdirSync(place);
      Deno.mkdirSync(`${directory}/bin`);
      Deno.copyFileSync(TRACTEST, `${place}/tractest`);
      Deno.chmodSync(place, 0o555);
      Deno.symlinkSync(`${place}/tractest`, `${directory}/bin/tractest`);
      const ways: Way[] = [
        [`${place}/tractest`, []],
        [`${directory}/bin/tractest`, []],
        ["env", ["tractest"], { PATH: `${directory}/bin:/usr/bin:/bin` }],
        ["./tractest", [], {}, place],
        ["sh", ["-c", 'exec ../bin/tractest "$@"', "sh"], {}, place],
      ];
      await answers(ways, scratchState());
    });
  },
);

Deno.test(
  "the binary starts in a read-only directory, with an environment meant for other " +
    "programs",
  async () => {
    const others = {
      LD_LIBRARY_PATH: "/nonexistent",
      LD_PRELOAD: "",
      DENO_DIR: "/dev/null/x",
      NODE_OPTIONS: "--bad",
      TERM: "",
      LANG: "xx_YY",
    };
    await answers([[TRACTEST, [], others, "/proc/self"]], scratchState());
  },
);
