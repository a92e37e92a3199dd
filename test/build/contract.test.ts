/**
 * What this project relies on in the packages that have stand-ins: `jsr:` where JSR can be reached,
 * `scripts/offline/` elsewhere. The expected values were taken once from the real packages
 * (@std/cli 1.0.32, @std/fs 1.0.24, @std/path 1.1.6,
 * @cliffy/prompt 1.0.0); whichever graph was resolved has to give them.
 */

import { parseArgs, unicodeWidth } from "@std/cli";
import { ensureDirSync, walk } from "@std/fs";
import { basename, dirname, isAbsolute, join, normalize, relative, resolve } from "@std/path";
import { Confirm, Select } from "@cliffy/prompt";
import { sourceFiles } from "../../scripts/check_imports.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

const GRAPH = import.meta.resolve("@std/cli").includes("/scripts/offline/") ? "offline" : "jsr";

/** Every function that has a test below. */
const covered: string[] = [];
function contract(specifier: string, name: string, test: () => void | Promise<void>): void {
  covered.push(`${specifier} ${name}`);
  Deno.test(`${name}() of ${specifier} behaves as the real one (${GRAPH} graph)`, test);
}

contract("@std/cli", "parseArgs", () => {
  const parse = (words: string) => {
    const asked: unknown[] = [];
    const parsed = parseArgs(words === "" ? [] : words.split(" "), {
      boolean: ["json", "verbose", "no-preflight"],
      string: ["_", "color", "base"],
      collect: ["base"],
      alias: { verbose: "v", color: ["c"] },
      unknown: (...all: unknown[]) => {
        asked.push(all.filter((part) => part !== undefined));
        return all[0] === "-" || !String(all[0]).startsWith("-");
      },
    });
    // As JSON, so that an undefined value counts as a missing key, and sorted: the order of keys is
    // irrelevant.
    const known = Object.entries(JSON.parse(JSON.stringify(parsed))).filter(([, value]) =>
      value !== false && String(value) !== ""
    ).sort();
    return [Object.fromEntries(known), asked];
  };
  const none: unknown[] = [];
  const cases: [string, unknown][] = [
    ["", [{}, none]],
    ["--json", [{ json: true }, none]],
    ["--json=false", [{}, none]],
    ["--json true a", [{ _: ["a"], json: true }, [["a"]]]],
    ["--json a", [{ _: ["a"], json: true }, [["a"]]]],
    ["a --json b", [{ _: ["a", "b"], json: true }, [["a"], ["b"]]]],
    ["-v", [{ v: true, verbose: true }, none]],
    ["--no-preflight", [{ "no-preflight": true }, none]],
    ["--color always", [{ c: "always", color: "always" }, none]],
    ["--color=always", [{ c: "always", color: "always" }, none]],
    ["--color=a=b", [{ c: "a=b", color: "a=b" }, none]],
    ["-c always", [{ c: "always", color: "always" }, none]],
    ["-c=always", [{ c: "always", color: "always" }, none]],
    ["-vc never x", [{ _: ["x"], c: "never", color: "never", v: true, verbose: true }, [["x"]]]],
    ["--color a --color b", [{ c: "b", color: "b" }, none]],
    ["--base a --base=b", [{ base: ["a", "b"] }, none]],
    ["--base 7", [{ base: ["7"] }, none]],
    ["--color --json", [{ json: true }, none]],
    ["7 1e3 -", [{ _: ["7", "1e3", "-"] }, [["7"], ["1e3"], ["-"]]]],
    ["a -- --json b", [{ _: ["a", "--json", "b"] }, [["a"]]]],
    ["--maxfail 3 a", [{ _: ["a"] }, [["--maxfail", "maxfail", "3"], ["a"]]]],
    ["--maxfail=3", [{}, [["--maxfail=3", "maxfail", "3"]]]],
    ["--lf --json", [{ json: true }, [["--lf", "lf", true]]]],
    ["--no-header", [{}, [["--no-header", "no-header", true]]]],
    ["-p no:cacheprovider", [{}, [["-p", "p", "no:cacheprovider"]]]],
    ["-n5", [{}, [["-n5", "n", "5"]]]],
    ["-xq", [{}, [["-xq", "x", true], ["-xq", "q", true]]]],
    ["--a.b=c", [{}, [["--a.b=c", "a.b", "c"]]]],
  ];
  for (const [words, expected] of cases) {
    assertEquals(parse(words), expected, `parseArgs of "${words}"`);
  }

  const rest = parseArgs(["a", "--json", "--", "--json", "b"], {
    boolean: ["json"],
    string: ["_"],
    "--": true,
  });
  assertEquals([rest._, rest["--"], rest.json], [["a"], ["--json", "b"], true]);
  const early = parseArgs(["--json", "run", "--json", "x"], {
    boolean: ["json"],
    string: ["_"],
    stopEarly: true,
  });
  assertEquals([early._, early.json], [["run", "--json", "x"], true]);
  const empty = parseArgs([], {
    boolean: ["json"],
    string: ["_", "color", "base"],
    collect: ["base"],
  });
  assertEquals([empty._, empty.json, empty.color, empty.base], [[], false, undefined, []]);
});

contract("@std/cli", "unicodeWidth", () => {
  const widths = [
    "",
    "tractest",
    "a\tb\n",
    "天地",
    "ｆｕｌｌ",
    "é",
    "e\u0301",
    "голубой",
    "🦕",
    "±→…",
    "❯ ✔",
    "\x1b[31mred\x1b[39m",
    "한글",
    "zero\u200bwidth",
  ].map(unicodeWidth);
  assertEquals(widths, [0, 8, 2, 4, 8, 1, 1, 7, 2, 3, 3, 11, 4, 9]);
});

contract("@std/path", "basename", () => {
  assertEquals(["/a/b.py", "b.py", "/a/b/", "/", "", ".", "//"].map((path) => basename(path)), [
    "b.py",
    "b.py",
    "b",
    "/",
    "",
    ".",
    "/",
  ]);
  assertEquals([basename("/a/b.py", ".py"), basename("b.py", ".pyc"), basename(".py", ".py")], [
    "b",
    "b.py",
    ".py",
  ]);
});

contract("@std/path", "dirname", () => {
  const names = ["/a/b", "/a", "/", "a/b", "a", "", "a/b/", "/a//b", "a\\b"].map((path) =>
    dirname(path)
  );
  assertEquals(names, ["/a", "/", "/", "a", ".", ".", "a", "/a", "."]);
});

contract("@std/path", "isAbsolute", () => {
  assertEquals(["/a", "/", "a", "", "./a", "~"].map((path) => isAbsolute(path)), [
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

contract("@std/path", "join", () => {
  const joined = [
    join("/a", "b"),
    join("a", "../b"),
    join("a", "/b"),
    join("", "a"),
    join("a", ""),
    join("a/", "./b/"),
    join("a", "..", ".."),
    join("a", "b c\\d"),
  ];
  assertEquals(joined, ["/a/b", "b", "a/b", "a", "a", "a/b/", "..", "a/b c\\d"]);
});

contract("@std/path", "normalize", () => {
  const normal = ["/a/../b", "a//b/./c", "../a", "", ".", "a/b/../..", "/..", "a/", "tests\\a"].map(
    (path) => normalize(path),
  );
  assertEquals(normal, ["/b", "a/b/c", "../a", ".", ".", ".", "/", "a/", "tests\\a"]);
});

contract("@std/path", "relative", () => {
  const ways = [["/a/b", "/a/c"], ["/a", "/a"], ["/a", "/a/b/c"], ["/a/b", "/"], ["/", "/a"], [
    "a",
    "b",
  ], ["/a/bc", "/a/b"]].map(([from, to]) => relative(from!, to!));
  assertEquals(ways, ["../c", "", "b/c", "../..", "a", "../b", "../b"]);
});

contract("@std/path", "resolve", () => {
  assertEquals(
    [resolve("/a", "b"), resolve("/a", "/b"), resolve("/a", "../b"), resolve("/a/", "")],
    ["/a/b", "/b", "/b", "/a"],
  );
  assertEquals([resolve("a"), resolve(), resolve("a", "..")], [
    `${Deno.cwd()}/a`,
    Deno.cwd(),
    Deno.cwd(),
  ]);
});

contract("@std/fs", "ensureDirSync", async () => {
  await withDirectory(async (root) => {
    ensureDirSync(`${root}/a/b`);
    ensureDirSync(`${root}/a/b`);
    assert((await Deno.stat(`${root}/a/b`)).isDirectory);
    await Deno.writeTextFile(`${root}/file`, "");
    assertThrows(() => ensureDirSync(`${root}/file`), Error);
  });
});

contract("@std/fs", "walk", async () => {
  await withDirectory(async (root) => {
    await Deno.mkdir(`${root}/tests/ipc`, { recursive: true });
    await Deno.mkdir(`${root}/tests/__pycache__`);
    for (
      const path of [
        "tests/test_a.py",
        "tests/ipc/test_b.py",
        "tests/ipc/data.txt",
        "tests/__pycache__/test_a.py",
        "tests/.hidden.py",
      ]
    ) {
      await Deno.writeTextFile(`${root}/${path}`, "");
    }
    await Deno.symlink(`${root}/tests/ipc`, `${root}/tests/link`);
    await Deno.symlink(`${root}/tests/test_a.py`, `${root}/tests/link.py`);
    const found = async (options: Parameters<typeof walk>[1]) => {
      const paths: string[] = [];
      for await (const entry of walk(`${root}/tests`, options)) {
        const mark = entry.isDirectory ? "/" : entry.isSymlink ? "@" : "";
        paths.push(`${entry.path.slice(root.length + 1)}${mark} ${entry.name}`);
      }
      return paths.sort();
    };
    assertEquals(
      await found({ includeDirs: false, exts: [".py"], skip: [/(^|\/)__pycache__(\/|$)/] }),
      [
        "tests/.hidden.py .hidden.py",
        "tests/ipc/test_b.py test_b.py",
        "tests/link.py@ link.py",
        "tests/test_a.py test_a.py",
      ],
    );
    assertEquals(await found({ maxDepth: 1, includeSymlinks: false }), [
      "tests/ tests",
      "tests/.hidden.py .hidden.py",
      "tests/__pycache__/ __pycache__",
      "tests/ipc/ ipc",
      "tests/test_a.py test_a.py",
    ]);
    assertEquals(await found({ exts: ["txt"] }), ["tests/ipc/data.txt data.txt"]);
    assertEquals(await found({ includeFiles: false, includeSymlinks: false, match: [/ipc/] }), [
      "tests/ipc/ ipc",
    ]);
    const missing = await Array.fromAsync(walk(`${root}/nothing`)).then(
      () => null,
      (error: unknown) => error,
    );
    assert(missing instanceof Deno.errors.NotFound);
  });
});

contract("@cliffy/prompt", "Select", async () => {
  const options = [{ name: "uv sync", value: "sync" }, { name: "uv run", value: "uv-run" }];
  const answer = async (value: unknown) => {
    Select.inject(value);
    return await quietly(async () =>
      await Select.prompt<string>({ message: "Which way?", options, default: "sync" })
    );
  };
  assertEquals(await answer("uv-run"), "uv-run");
  assert(await answer("uv run").then(() => null, (error: unknown) => error) instanceof Error);
});

contract("@cliffy/prompt", "Confirm", async () => {
  const answer = async (value: string) => {
    Confirm.inject(value);
    return await quietly(async () =>
      await Confirm.prompt({ message: "Clean up?", default: false })
    );
  };
  const answers: boolean[] = [];
  for (const word of ["y", "Yes", "n", "no"]) answers.push(await answer(word));
  assertEquals(answers, [true, true, false, false]);
  assert(await answer("perhaps").then(() => null, (error: unknown) => error) instanceof Error);
  Confirm.inject("n"); // the real one keeps a refused answer for the next prompt
  await quietly(() => Confirm.prompt({ message: "", default: false }));
});

Deno.test("every function of these packages that lib/ imports is covered here", async () => {
  const used = new Set<string>();
  for (const path of await sourceFiles(["main.ts", "lib"])) {
    for (const name of importedNames(await Deno.readTextFile(path))) used.add(name);
  }
  assertEquals([...used].filter((name) => !covered.includes(name)), []);
});

Deno.test(
  "importedNames() finds every kind of import, and reports ambiguous ones as uncovered",
  () => {
    const names = importedNames(`
    import { join, resolve as absolute } from "@std/path";
    import type { WalkOptions } from "@std/fs";
    import { type WalkEntry, walk } from "@std/fs";
    const { Select } = await import("@cliffy/prompt");
    import * as path from "@std/path";
    const prompt = await import("@cliffy/prompt");
    export { exists } from "@std/fs";
    import other from "elsewhere";
  `);
    assertEquals(names.sort(), [
      "@cliffy/prompt *",
      "@cliffy/prompt Select",
      "@std/fs exists",
      "@std/fs walk",
      "@std/path *",
      "@std/path join",
      "@std/path resolve",
    ]);
  },
);

Deno.test(
  "the offline import map has every package of deno.json, those from npm in the same " +
    "version",
  async () => {
    const read = async (path: string) =>
      (JSON.parse(await Deno.readTextFile(path)) as { imports: Record<string, string> }).imports;
    const online = await read("deno.json");
    const offline = await read("scripts/offline/import_map.json");
    for (const [name, target] of Object.entries(online)) {
      if (target.startsWith("jsr:")) {
        assert(
          offline[name]?.startsWith("./std_") || offline[name]?.startsWith("./cliffy_"),
          `${name} has no stand-in`,
        );
      } else assertEquals(offline[name], target, name);
    }
  },
);

/**
 * "PACKAGE NAME" for each value that a source imports from the packages with stand-ins; NAME is `*`
 * where it takes all.
 */
function importedNames(source: string): string[] {
  const names: string[] = [];
  const add = (specifier: string, clause: string) => {
    if (!/^(@std|@cliffy)\//.test(specifier)) return;
    const listed = /\{([^}]*)\}/.exec(clause)?.[1];
    if (listed === undefined) names.push(`${specifier} *`);
    for (const part of listed?.split(",") ?? []) {
      const name = part.trim().split(/\s+as\s+|\s*:\s*/)[0]!;
      if (name !== "" && !name.startsWith("type ")) names.push(`${specifier} ${name}`);
    }
  };
  for (
    const [, clause, specifier] of source.matchAll(
      /\b(?:import|export)\s+(?!type\b)([^"';()]*?)\s*from\s*["']([^"']+)["']/g,
    )
  ) {
    add(specifier!, clause!);
  }
  for (
    const [, clause, specifier] of source.matchAll(
      /\b(?:const|let)\s+([^=;]+?)=\s*await\s+import\(\s*["']([^"']+)["']/g,
    )
  ) {
    add(specifier!, clause!);
  }
  // Any other dynamic import may use anything.
  for (
    const [, specifier] of source.replace(
      /\b(?:const|let)\s+[^=;]+?=\s*await\s+import\([^)]*\)/g,
      "",
    ).matchAll(/\bimport\(\s*["']([^"']+)["']/g)
  ) {
    add(specifier!, "");
  }
  return names;
}

async function withDirectory(action: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "tractest-contract-" }));
  try {
    await action(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Prompts draw on standard output even when the answer was injected. */
async function quietly<T>(action: () => Promise<T>): Promise<T> {
  const write = Deno.stdout.writeSync;
  Deno.stdout.writeSync = (bytes) => bytes.length;
  try {
    return await action();
  } finally {
    Deno.stdout.writeSync = write;
  }
}
