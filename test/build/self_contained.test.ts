import { VERSION } from "../../lib/tables/release.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";
import { pythonWithPytest } from "../cli/suites.ts";
import { BINARY, canMount, head, IS_ROOT, run, selfContained, withDirectory } from "./built.ts";

const ANSWER = `tractest ${VERSION} (self-contained, deno ${Deno.version.deno})\n`;
const CAN_MOUNT = await canMount();

/** The unpacked directories in a cache. */
function unpacked(cache: string): string[] {
  return [...Deno.readDirSync(`${cache}/tractest`)].map((entry) =>
    entry.name.replace(/-[0-9a-f]{16}$/, "")
  ).sort();
}

/** The directory of one part in a cache, with its hash. */
function part(cache: string, name: "runtime" | "program"): string {
  const found = [...Deno.readDirSync(`${cache}/tractest`)].find((entry) =>
    entry.name.startsWith(name)
  );
  if (!found) throw new Error(`no ${name} in ${cache}`);
  return `${cache}/tractest/${found.name}`;
}

/** A value that scripts/build wrote into the script. */
async function built(name: RegExp): Promise<string> {
  return name.exec(await head(await selfContained(), 16_384))![1]!;
}

/**
 * A cache in which the runtime is a script of ours, of the right size: each start checks owner,
 * mode and size, so it starts the script, which shows what the binary passes to the runtime.
 */
async function cacheWithFakeRuntime(directory: string, script: string): Promise<string> {
  const runtime = `${directory}/tractest/runtime-${await built(/runtime-([0-9a-f]{16})/)}`;
  const program = `${directory}/tractest/program-${await built(/program-([0-9a-f]{16})/)}/bundle`;
  await Deno.mkdir(runtime, { recursive: true, mode: 0o700 });
  await Deno.mkdir(program, { recursive: true, mode: 0o700 });
  await Deno.writeTextFile(`${runtime}/deno`, `#!/bin/sh\n${script}\nexit 0\n`, { mode: 0o700 });
  await Deno.truncate(`${runtime}/deno`, Number(await built(/-rwx-{6}"\*" (\d+) "/)));
  await Deno.writeTextFile(`${program}/main.js`, "", { mode: 0o600 });
  await Deno.truncate(`${program}/main.js`, Number(await built(/-rw-{7}"\*" (\d+) "/)));
  await Deno.writeTextFile(`${program}/start.js`, "// tractest\n", { mode: 0o600 });
  return directory;
}

Deno.test("the built binary answers `version` with version, kind and runtime", async () => {
  await withDirectory(async (directory) => {
    const { code, stdout } = await run(BINARY, ["version"], { HOME: directory });
    assertEquals(code, 0);
    assert(
      new RegExp(`^tractest ${VERSION} \\((compiled|self-contained), deno \\d+\\.\\d+\\.\\d+\\)\n$`)
        .test(stdout),
      stdout,
    );
  });
});

Deno.test("the first start unpacks into a private directory, the second finds it", async () => {
  const binary = await selfContained();
  await withDirectory(async (home) => {
    assertEquals(await run(binary, ["version"], { HOME: home }), {
      code: 0,
      stdout: ANSWER,
      stderr: "",
    });
    const cache = `${home}/.cache`;
    assertEquals(unpacked(cache), ["program", "runtime"]);
    assertEquals((await Deno.stat(`${cache}/tractest`)).mode! & 0o777, 0o700);
    const before = await Deno.stat(`${part(cache, "runtime")}/deno`);
    assertEquals(await run(binary, ["version"], { HOME: home }), {
      code: 0,
      stdout: ANSWER,
      stderr: "",
    });
    assertEquals((await Deno.stat(`${part(cache, "runtime")}/deno`)).ino, before.ino);
  });
});

Deno.test("two first starts at the same time both work and leave one copy", async () => {
  const binary = await selfContained();
  await withDirectory(async (cache) => {
    const outcomes = await Promise.all(
      [1, 2, 3].map(() => run(binary, ["version"], { XDG_CACHE_HOME: cache })),
    );
    assertEquals(outcomes, [1, 2, 3].map(() => ({ code: 0, stdout: ANSWER, stderr: "" })));
    assertEquals(unpacked(cache), ["program", "runtime"]);
    const names = (name: "program" | "runtime") =>
      [...Deno.readDirSync(part(cache, name))].map((entry) => entry.name).sort();
    // Deno's own files are next to the program.
    assertEquals([names("program"), names("runtime")], [["bundle", "deno"], ["deno"]]);
  });
});

Deno.test(
  "it runs from a read-only directory with a space in its path, through a symbolic " +
    "link, by PATH, by sh and by bash",
  async () => {
    const binary = await selfContained();
    await withDirectory(async (directory) => {
      const place = `${directory}/read only`;
      const env = { XDG_CACHE_HOME: `${directory}/the cache` };
      await Deno.mkdir(`${directory}/bin`);
      await Deno.mkdir(place);
      await Deno.copyFile(binary, `${place}/tractest`);
      await Deno.chmod(place, 0o555);
      await Deno.symlink(`${place}/tractest`, `${directory}/bin/tractest`);
      const good = { code: 0, stdout: ANSWER, stderr: "" };
      // The first start unpacks everything; the others must read the file again for the program.
      const ways: [string, string[], Record<string, string>, string?][] = [
        [`${directory}/bin/tractest`, ["version"], {}],
        ["env", ["tractest", "version"], { PATH: `${directory}/bin:/usr/bin:/bin` }],
        ["sh", ["tractest", "version"], {}, place],
        ["bash", ["./tractest", "version"], {}, place],
      ];
      for (const [program, args, more, cwd] of ways) {
        assertEquals(
          await run(program, args, { ...env, ...more }, cwd),
          good,
          `${program} ${args.join(" ")}`,
        );
        await Deno.remove(part(env.XDG_CACHE_HOME, "program"), { recursive: true });
      }
    });
  },
);

Deno.test(
  "without a HOME that can be written to, it unpacks for this start only and cleans up",
  async () => {
    const binary = await selfContained();
    await withDirectory(async (directory) => {
      const places: [Record<string, string>, string][] = [[{}, "HOME is not set"], [{
        HOME: "/proc/nothing",
      }, "not a writable directory"], [
        { XDG_CACHE_HOME: "relative" },
        "HOME is not set",
      ]];
      for (const [env, why] of places) {
        const temporary = `${directory}/tmp`;
        await Deno.mkdir(temporary);
        const { code, stdout, stderr } = await run(binary, ["version"], {
          ...env,
          TMPDIR: temporary,
        });
        assertEquals([code, stdout], [0, ANSWER]);
        assertIncludes(stderr, why);
        assertEquals(stderr.trim().split("\n").length, 1);
        await emptied(temporary);
        await Deno.remove(temporary);
      }
    });
  },
);

Deno.test(
  "in a deleted directory it exits with 80, which no hook or CI takes for failed tests",
  async () => {
    const binary = await selfContained();
    await withDirectory(async (directory) => {
      const env = { XDG_CACHE_HOME: `${directory}/cache` };
      for (const shell of ["dash", "bash"]) {
        for (const words of ["version", "zombies --kill --hook"]) {
          const gone = `mkdir gone && cd gone && rmdir ../gone && exec "$0" "$1" ${words}`;
          const { code, stdout, stderr } = await run(
            "sh",
            ["-c", gone, shell, binary],
            env,
            directory,
          );
          assertEquals([code, stdout], [80, ""], stderr);
          assertIncludes(stderr, "error: The working directory is gone");
          assertEquals(stderr.includes("backtrace"), false, stderr);
        }
      }
    });
  },
);

Deno.test("files of the cache that were changed are unpacked again", async () => {
  const binary = await selfContained();
  const damages: [string, (cache: string) => Promise<void>][] = [
    [
      "a runtime that was cut short",
      (cache) => Deno.truncate(`${part(cache, "runtime")}/deno`, 1000),
    ],
    ["a runtime that is gone", (cache) => Deno.remove(`${part(cache, "runtime")}/deno`)],
    [
      "a runtime that others may write",
      (cache) => Deno.chmod(`${part(cache, "runtime")}/deno`, 0o777),
    ],
    [
      "a runtime directory that others may enter",
      (cache) => Deno.chmod(part(cache, "runtime"), 0o755),
    ],
    [
      "a program of another size",
      (cache) =>
        Deno.writeTextFile(`${part(cache, "program")}/bundle/main.js`, "console.log('evil')"),
    ],
    [
      "a program that others may write",
      (cache) => Deno.chmod(`${part(cache, "program")}/bundle/main.js`, 0o666),
    ],
    ["a cache that others may write", (cache) => Deno.chmod(`${cache}/tractest`, 0o777)],
    ["a link in the place of the program", async (cache) => {
      const program = part(cache, "program");
      await Deno.rename(program, `${cache}/elsewhere`);
      await Deno.symlink(`${cache}/elsewhere`, program);
    }],
  ];
  await withDirectory(async (cache) => {
    for (const [what, damage] of damages) {
      await run(binary, ["version"], { XDG_CACHE_HOME: cache });
      await damage(cache);
      assertEquals(await run(binary, ["version"], { XDG_CACHE_HOME: cache }), {
        code: 0,
        stdout: ANSWER,
        stderr: "",
      }, what);
      assertEquals((await Deno.stat(`${cache}/tractest`)).mode! & 0o777, 0o700, what);
      assertEquals((await Deno.lstat(part(cache, "program"))).mode! & 0o777, 0o700, what);
      assertEquals((await Deno.stat(`${part(cache, "runtime")}/deno`)).mode! & 0o777, 0o700, what);
      assertEquals(unpacked(cache), ["program", "runtime"], what);
    }
  });
});

/**
 * Empties a file but keeps its size, as a power cut does to data that was not yet on the disk.
 */
async function loseContent(path: string): Promise<void> {
  const { size } = await Deno.stat(path);
  await Deno.truncate(path, 0);
  await Deno.truncate(path, size);
}

Deno.test(
  "fault 75: an emptied runtime or first file is unpacked again at once, whichever " +
    "shell runs the file",
  async () => {
    const binary = await selfContained();
    await withDirectory(async (cache) => {
      for (const shell of ["dash", "bash"]) {
        for (const file of ["runtime/deno", "program/bundle/start.js"]) {
          await run(binary, ["version"], { XDG_CACHE_HOME: cache });
          const [name, ...rest] = file.split("/");
          await loseContent([part(cache, name as "runtime" | "program"), ...rest].join("/"));
          const { code, stdout, stderr } = await run(shell, [binary, "version"], {
            XDG_CACHE_HOME: cache,
          });
          assertEquals([code, stdout], [0, ANSWER], `${shell} ${file}`);
          if (name === "runtime") assertIncludes(stderr, "unpacking it again");
          assertEquals((await run(binary, ["version"], { XDG_CACHE_HOME: cache })).stderr, "");
        }
      }
    });
  },
);

Deno.test(
  "fault 75: an emptied or missing part of the program is named with exit code 69, and " +
    "the next start works",
  async () => {
    const binary = await selfContained();
    await withDirectory(async (cache) => {
      const env = { XDG_CACHE_HOME: cache };
      await run(binary, ["version"], env);
      const count = [...Deno.readDirSync(`${part(cache, "program")}/bundle`)].length;
      assert(count > 10, `${count} files`);
      const damages = [loseContent, (path: string) => Deno.remove(path)];
      for (const damage of damages) {
        await run(binary, ["version"], env);
        const bundle = `${part(cache, "program")}/bundle`;
        for (const { name } of [...Deno.readDirSync(bundle)]) {
          if (name !== "start.js" && name !== "main.js") await damage(`${bundle}/${name}`);
        }
        const { code, stdout, stderr } = await run(binary, ["zombies", "--hook"], env, cache);
        assertEquals([code, stdout], [69, ""], stderr);
        assertIncludes(stderr, "is damaged");
        assertEquals(stderr.includes("a bug in tractest"), false, stderr);
        assertEquals(await run(binary, ["version"], env), { code: 0, stdout: ANSWER, stderr: "" });
      }
    });
  },
);

Deno.test("fault 75: an emptied file of `run` never looks like a run that passed", async () => {
  const binary = await selfContained();
  await withDirectory(async (cache) => {
    const env = { XDG_CACHE_HOME: cache };
    const [empty, gone] = [
      (path: string) => Deno.truncate(path),
      (path: string) => Deno.remove(path),
    ];
    for (const damage of [loseContent, empty, gone]) {
      await run(binary, ["version"], env);
      await damage(`${part(cache, "program")}/bundle/run.js`);
      const { code, stdout, stderr } = await run(binary, ["run"], env, cache);
      assertEquals([code, stdout], [69, ""], stderr);
      assertIncludes(stderr, "is damaged");
      assertEquals(await run(binary, ["version"], env), { code: 0, stdout: ANSWER, stderr: "" });
    }
  });
});

Deno.test(
  "fault 75: a command whose own chunk is damaged exits with 69 and names what to " +
    "remove",
  async () => {
    const binary = await selfContained();
    await withDirectory(async (cache) => {
      const env = { XDG_CACHE_HOME: cache };
      await run(binary, ["version"], env);
      const bundle = `${part(cache, "program")}/bundle`;
      // Only `layout` writes that document; the file of `run` has all of the program.
      const own = [...Deno.readDirSync(bundle)].find(({ name }) =>
        name !== "run.js" &&
        Deno.readTextFileSync(`${bundle}/${name}`).includes("tractest.layout/1")
      );
      assert(own !== undefined, "the bundle has no file of its own for layout");
      await loseContent(`${bundle}/${own.name}`);
      const { code, stderr } = await run(binary, ["layout"], env, cache);
      assertEquals(code, 69, stderr);
      assertIncludes(stderr, `rm -rf '${part(cache, "program")}/'`);
    });
  },
);

Deno.test({
  name: "another user's cache directory, or one that another user could replace, is not used " +
    "(needs root)",
  ignore: !IS_ROOT,
  fn: async () => {
    const binary = await selfContained();
    await withDirectory(async (directory) => {
      const temporary = `${directory}/tmp`;
      await Deno.mkdir(temporary);
      const refused = async (cache: string, why: string) => {
        const { code, stdout, stderr } = await run(binary, ["version"], {
          XDG_CACHE_HOME: cache,
          TMPDIR: temporary,
        });
        assertEquals([code, stdout], [0, ANSWER]);
        assertIncludes(stderr, why);
        await emptied(temporary);
      };
      await Deno.mkdir(`${directory}/theirs/tractest`, { recursive: true, mode: 0o700 });
      await Deno.chown(`${directory}/theirs/tractest`, 65534, 65534);
      await refused(`${directory}/theirs`, "is not a writable directory of ours");
      await Deno.mkdir(`${directory}/linked`);
      await Deno.symlink(`${directory}/theirs/tractest`, `${directory}/linked/tractest`);
      await refused(`${directory}/linked`, "is not a writable directory of ours");
      await Deno.mkdir(`${directory}/open`);
      await Deno.chmod(`${directory}/open`, 0o777);
      await refused(`${directory}/open`, "is open to everybody");
      await Deno.chmod(`${directory}/open`, 0o1777); // as /tmp is
      assertEquals(
        (await run(binary, ["version"], { XDG_CACHE_HOME: `${directory}/open` })).stderr,
        "",
      );
    });
  },
});

Deno.test({
  name: "it works for a user without a home, and keeps its copy in the home of one who has " +
    "one (needs root)",
  ignore: !IS_ROOT,
  fn: async () => {
    await withDirectory(async (directory) => {
      await Deno.chmod(directory, 0o755);
      await Deno.copyFile(await selfContained(), `${directory}/tractest`);
      await Deno.mkdir(`${directory}/home`);
      await Deno.chown(`${directory}/home`, 65534, 65534);
      const nobody = [
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        `${directory}/tractest`,
        "version",
      ];
      const homeless = await run("setpriv", nobody, {
        HOME: "/nonexistent",
        TMPDIR: `${directory}/home`,
      });
      assertEquals([homeless.code, homeless.stdout], [0, ANSWER]);
      await emptied(`${directory}/home`);
      assertEquals(await run("setpriv", nobody, { HOME: `${directory}/home` }), {
        code: 0,
        stdout: ANSWER,
        stderr: "",
      });
    });
  },
});

Deno.test(
  "a file damaged during download is refused, and leaves nothing behind",
  async () => {
    const binary = await selfContained();
    await withDirectory(async (directory) => {
      const bytes = await Deno.readFile(binary);
      bytes[Math.floor(bytes.length / 2)]! ^= 1;
      await Deno.writeFile(`${directory}/flipped`, bytes, { mode: 0o755 });
      await Deno.writeFile(`${directory}/short`, bytes.subarray(0, bytes.length - 1000), {
        mode: 0o755,
      });
      for (const name of ["flipped", "short"]) {
        const { code, stdout, stderr } = await run(`${directory}/${name}`, ["version"], {
          XDG_CACHE_HOME: `${directory}/cache`,
        });
        assertEquals([code, stdout], [69, ""]);
        assertIncludes(stderr, "is damaged");
        assertEquals(unpacked(`${directory}/cache`), []);
      }
    });
  },
);

Deno.test({
  name: "a cache on a noexec file system is named, with a remedy (needs a mount namespace)",
  ignore: !CAN_MOUNT,
  fn: async () => {
    const binary = await selfContained();
    await withDirectory(async (directory) => {
      const script = 'mount -t tmpfs -o noexec none "$1" && shift && exec "$@"';
      const args = [
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
        directory,
        "sh",
        "-c",
        '"$0" version; echo again >&2; "$0" version',
        binary,
      ];
      const { code, stdout, stderr } = await run("unshare", args, { XDG_CACHE_HOME: directory });
      assertEquals([code, stdout], [69, ""]);
      assertIncludes(stderr, `Cannot run programs in "${directory}/tractest"`);
      assertIncludes(stderr, "hint: XDG_CACHE_HOME=DIR");
      assertEquals(stderr.split("hint:").length, 3);
    });
  },
});

Deno.test("the runtime gets the arguments, the process and the environment unchanged", async () => {
  const binary = await selfContained();
  await withDirectory(async (directory) => {
    const script = `
      [ "$$" = "$(cat "${directory}/pid")" ] || echo "another process"
      env | grep -v "^\\(_\\|PWD\\|OLDPWD\\|SHLVL\\)=" | sort
      umask
      while [ "$1" != "\${1%/start.js}" ] || shift; do
        case $1 in */start.js) shift; break ;; esac
      done
      for word; do printf '<%s>' "$word"; done`;
    const cache = await cacheWithFakeRuntime(directory, script);
    const env = {
      XDG_CACHE_HOME: cache,
      LD_LIBRARY_PATH: "/nonexistent",
      HOME: "/somewhere",
      IFS: "x",
      home: "mine",
      new: "mine",
      LC_ALL: "de_DE",
    };
    const words = ["run", "", "a b", "-x", "--", "*", "it's \\ $HOME\n"];
    const start = `echo $$ >"${directory}/pid"; umask 027; exec "$0" "$@"`;
    const { code, stdout } = await run("sh", ["-c", start, binary, ...words], env);
    const notes = `${cache}/tractest/program-${await built(/program-([0-9a-f]{16})/)}/deno`;
    const handed = Object.entries({
      ...env,
      DENO_DIR: notes,
      DENO_NO_UPDATE_CHECK: "1",
      PATH: "/usr/bin:/bin",
    }).filter(([name]) => name !== "IFS");
    const lines = handed.map(([name, value]) => `${name}=${value}`).sort((a, b) => a < b ? -1 : 1);
    const [shown = "", rest] = [
      stdout.slice(0, stdout.indexOf("0027\n")),
      stdout.slice(stdout.indexOf("0027\n") + 5),
    ];
    assertEquals(
      shown.trim().split("\n").filter((line) => !line.startsWith("IFS=")).sort((a, b) =>
        a < b ? -1 : 1
      ),
      lines,
    );
    assertEquals(rest, [`--self=${binary}`, ...words].map((word) => `<${word}>`).join(""));
    assertEquals(code, 0);
  });
});

Deno.test("exit codes and signals of the runtime pass through", async () => {
  const binary = await selfContained();
  await withDirectory(async (directory) => {
    const cache = await cacheWithFakeRuntime(directory, "exit 84");
    assertEquals((await run(binary, [], { XDG_CACHE_HOME: cache })).code, 84);
  });
  await withDirectory(async (directory) => {
    const cache = await cacheWithFakeRuntime(
      directory,
      'echo ready; trap "exit 143" TERM; while :; do sleep 0.1; done',
    );
    const child = new Deno.Command(binary, {
      clearEnv: true,
      env: { PATH: "/usr/bin:/bin", XDG_CACHE_HOME: cache },
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill("SIGTERM");
    assertEquals((await child.status).code, 143);
    await reader.cancel();
  });
});

Deno.test("a hostile PATH and LD_LIBRARY_PATH change nothing", async () => {
  const binary = await selfContained();
  await withDirectory(async (directory) => {
    await Deno.mkdir(`${directory}/bin`);
    for (
      const name of [
        "ls",
        "find",
        "mktemp",
        "tail",
        "head",
        "gzip",
        "tar",
        "chmod",
        "mv",
        "rm",
        "sha256sum",
        "deno",
      ]
    ) {
      await Deno.writeTextFile(
        `${directory}/bin/${name}`,
        `#!/bin/sh\necho ${name} >>${directory}/called\nexit 1\n`,
        { mode: 0o755 },
      );
    }
    const env = {
      PATH: `${directory}/bin:/usr/bin:/bin`,
      LD_LIBRARY_PATH: directory,
      XDG_CACHE_HOME: `${directory}/cache`,
    };
    for (const start of ["first", "second"]) {
      assertEquals((await run(binary, ["version"], env)).stdout, ANSWER, `${start} start`);
    }
    assertEquals(await Deno.readTextFile(`${directory}/called`).catch(() => ""), "");
  });
});

/** Waits until a directory is empty: the watcher of a temporary copy checks once a second. */
async function emptied(directory: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; [...Deno.readDirSync(directory)].length > 0;) {
    if (Date.now() > deadline) {
      throw new Error(
        `${directory} still has ${[...Deno.readDirSync(directory)].map((entry) => entry.name)}`,
      );
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

Deno.test("a channel of Node.js that was left in the environment stops no start", async () => {
  const binary = await selfContained();
  await withDirectory(async (HOME) => {
    const { code, stdout } = await run(binary, ["version"], { HOME, NODE_CHANNEL_FD: "99" });
    assertEquals([code, stdout], [0, ANSWER]);
  });
});

Deno.test("settings of the user's own Deno stop no start, and reach the tests", async () => {
  const binary = await selfContained();
  await withDirectory(async (HOME) => {
    const own = {
      DENO_V8_FLAGS: "--no such'\"$flag",
      DENO_LOG: "debug",
      DENO_AUDIT_PERMISSIONS: "/dev/null/x",
      DENO_PERMISSION_BROKER_PATH: "/nowhere",
    };
    const env = { HOME, XDG_CACHE_HOME: `${HOME}/cache`, XDG_STATE_HOME: `${HOME}/state`, ...own };
    assertEquals(await run(binary, ["version"], env), { code: 0, stdout: ANSWER, stderr: "" });
    const known = `${JSON.stringify(own)}.items() <= os.environ.items()`;
    const test = `import os\ndef test_a(): assert ${known}\n`;
    await Deno.writeTextFile(`${HOME}/pytest.ini`, "[pytest]\n");
    await Deno.writeTextFile(`${HOME}/test_a.py`, test);
    const words = ["-C", HOME, "run", "--no-preflight", "--python", await pythonWithPytest()];
    const { code, stdout, stderr } = await run(binary, words, env);
    assertEquals(code, 0, stdout + stderr);
  });
});

Deno.test("a ~/.npmrc that Deno can't read stops no start", async () => {
  const binary = await selfContained();
  await withDirectory(async (directory) => {
    const home = `${directory}/it's a home`;
    await Deno.mkdir(home);
    await Deno.writeFile(`${home}/.npmrc`, Uint8Array.of(0x3b, 0xe9, 0x0a));
    const env = { XDG_CACHE_HOME: `${directory}/cache`, HOME: home };
    assertEquals(await run(binary, ["version"], env), { code: 0, stdout: ANSWER, stderr: "" });
    const isNoDirectory = { ...env, HOME: `${home}/.npmrc` };
    assertEquals((await run(binary, ["version"], isNoDirectory)).stdout, ANSWER);
  });
});
