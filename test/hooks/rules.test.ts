import fc from "fast-check";
import { allVerbs } from "../../lib/cli.ts";
import { hookCommand } from "../../lib/hooks/hook_command.ts";
import {
  type BlockSpec,
  readBlock,
  renderBlock,
  shellQuote,
  splitWords,
  whyNotShell,
} from "../../lib/hooks/block.ts";
import { applyCommands, entryFor, managerOf } from "../../lib/hooks/managers.ts";
import { installBlock, readHook, uninstallBlock } from "../../lib/hooks/rules.ts";
import { UsageError } from "../../lib/errors.ts";
import { EXIT, EXIT_CODE_MEANINGS } from "../../lib/tables/exit_codes.ts";
import { GOES_ON, HOOKS, MANAGERS, PRE_PUSH_RUN, PRINTABLE } from "../../lib/hooks/git_hooks.ts";
import { assert, assertEquals, assertIncludes, assertThrows } from "../assert.ts";

const VERBS = await allVerbs();

type Spec = Omit<BlockSpec, "created">;

const SPEC: Spec = {
  hook: "pre-push",
  commands: [["zombies", "--kill", "--hook"]],
  binary: "/opt/it's here/tractest",
};
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);

function installed(content: Uint8Array | null, spec: Spec = SPEC): Uint8Array {
  const change = installBlock(content, spec);
  if (change.kind !== "write") throw new Error(`expected a write, got ${JSON.stringify(change)}`);
  return change.content;
}

/** Words without control characters, quotes and shell characters among them. */
const words = fc.array(
  fc.string({ unit: "grapheme" }).filter((word) => !/\p{Cc}/u.test(word) && word.isWellFormed()),
  { maxLength: 6 },
);

/** Hook scripts as people have them, and any bytes after their first line. */
const scripts = fc.tuple(
  fc.constantFrom(
    "",
    "#!/bin/sh",
    "#!/bin/sh\n",
    "#!/usr/bin/env bash\n",
    "#!/bin/sh -e\n",
    "\n",
    "# a comment\n",
    "echo no shebang\n",
  ),
  fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string().map(bytes),
    fc.constantFrom("exec make lint\n", "exit 0", 'set -eu\ngit lfs pre-push "$@"\r\n').map(bytes),
  ),
).map(([head, rest]) => new Uint8Array([...bytes(head), ...rest]));

Deno.test("install then uninstall gives back the very bytes of any hook script", () => {
  let changed = 0;
  fc.assert(
    fc.property(
      scripts,
      fc.constantFrom(...HOOKS.map((row) => row.name)),
      words,
      (script, hook, line) => {
        const change = installBlock(script, { hook, commands: [["zombies"], line], binary: null });
        if (change.kind === "refuse") return;
        changed++;
        assert(change.kind === "write");
        const back = uninstallBlock(change.content, hook);
        assert(back.kind === "write", JSON.stringify(back));
        assertEquals([...back.content], [...script]);
      },
    ),
    { numRuns: 2000 },
  );
  assert(changed > 500, `only ${changed} of 2000 scripts were changed at all`);
});

Deno.test("whatever a hook file contains, nothing throws and no foreign line is lost", () => {
  const block = renderBlock({ ...SPEC, created: false });
  const lines = fc.array(
    fc.constantFrom(...block, "exec x", "# <<< tractest <<<", "# >>> tractest nonsense", "echo hi"),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        lines.map((all) => all.join("\n")),
        lines.map((all) => ["#!/bin/sh", ...block, ...all].join("\n")),
      ),
      fc.boolean(),
      (script, force) => {
        for (
          const change of [
            installBlock(bytes(script), SPEC, force),
            uninstallBlock(bytes(script), "pre-push", force),
          ]
        ) {
          if (change.kind !== "write") continue;
          const seen = readHook(bytes(script), "pre-push");
          const others = seen.kind === "block"
            ? script.replace(/# >>> tractest (.|\n)*# <<< tractest <<<\n?/, "")
            : script;
          for (const line of others.split("\n")) assertIncludes(text(change.content), line);
        }
      },
    ),
  );
});

Deno.test("install puts the block below the first line, where no exec or exit can skip it", () => {
  const lines = text(installed(bytes("#!/bin/bash\nexec other\n"))).split("\n");
  assertEquals(lines[0], "#!/bin/bash");
  assert(lines[1]!.startsWith("# >>> tractest pre-push "));
  assertEquals(lines.slice(-3), ["# <<< tractest <<<", "exec other", ""]);
});

Deno.test("a second install changes nothing, another command replaces the block in place", () => {
  const once = installed(bytes("#!/bin/sh\necho mine\n"));
  assertEquals(installBlock(once, SPEC).kind, "nothing");
  // What somebody put above our lines stays above.
  const moved = bytes(text(once).replace("#!/bin/sh\n", "#!/bin/sh\necho first\n"));
  const replaced = text(installed(moved, { ...SPEC, commands: [["run", "core"]] }));
  assert(replaced.startsWith("#!/bin/sh\necho first\n# >>> tractest "));
  assertIncludes(replaced, "tractest_run run core\n");
  assert(!replaced.includes("zombies"));
  assert(replaced.endsWith("# <<< tractest <<<\necho mine\n"));
});

Deno.test("uninstall removes a file only if we created it and it has no lines of others", () => {
  const made = installed(null);
  assertEquals(uninstallBlock(made, "pre-push"), { kind: "remove" });
  const again = installed(made, { ...SPEC, binary: null });
  assertEquals(uninstallBlock(again, "pre-push"), { kind: "remove" });
  const added = uninstallBlock(bytes(`${text(made)}echo mine\n`), "pre-push");
  assert(added.kind === "write");
  assertEquals(text(added.content), "#!/bin/sh\necho mine\n");
  // The same bytes, but the file was there before us.
  const before = bytes("#!/bin/sh\n");
  const back = uninstallBlock(installed(before), "pre-push");
  assert(back.kind === "write");
  assertEquals([...back.content], [...before]);
  assertEquals(uninstallBlock(null, "pre-push").kind, "nothing");
  assertEquals(uninstallBlock(before, "pre-push").kind, "nothing");
});

Deno.test("a block that was edited, or copied to another hook, is left alone unless forced", () => {
  const edited = bytes(
    text(installed(bytes("#!/bin/sh\nmine\n"))).replace("--hook", "--hook --grace 9"),
  );
  for (const [content, hook] of [[edited, "pre-push"], [installed(null), "pre-commit"]] as const) {
    const seen = readHook(content, hook);
    assert(seen.kind === "block" && !seen.block.intact);
    for (
      const change of [installBlock(content, { ...SPEC, hook }), uninstallBlock(content, hook)]
    ) {
      assert(change.kind === "refuse" && change.why === "modified", JSON.stringify(change));
    }
  }
  const forced = uninstallBlock(edited, "pre-push", true);
  assert(forced.kind === "write");
  assertEquals(text(forced.content), "#!/bin/sh\nmine\n");
});

Deno.test("half a block or two blocks count as damage, refused even with --force", () => {
  const whole = text(installed(bytes("#!/bin/sh\nmine\n")));
  const block = renderBlock({ ...SPEC, created: false }).join("\n");
  for (
    const broken of [
      whole.replace("# <<< tractest <<<\n", ""),
      whole.replace(/# >>> .*\n/, ""),
      `${whole}${block}\n`,
      whole.replace(/ [0-9a-f]{8} >>>/, " >>>"),
    ]
  ) {
    for (
      const change of [
        installBlock(bytes(broken), SPEC, true),
        uninstallBlock(bytes(broken), "pre-push", true),
      ]
    ) {
      assert(change.kind === "refuse" && change.why === "damaged", JSON.stringify(change));
    }
  }
});

Deno.test("readBlock() reads back what renderBlock() wrote, whatever the words are", () => {
  fc.assert(
    fc.property(
      fc.array(words.filter((line) => line.length > 0), { minLength: 1, maxLength: 3 }),
      words,
      fc.boolean(),
      (commands, path, created) => {
        const binary = path.length > 0 ? `/${path.join("/")}` : null;
        for (const { name: hook } of HOOKS) {
          const block = readBlock(renderBlock({ hook, commands, binary, created }));
          assertEquals(block, { hook, version: 1, intact: true, created, binary, commands });
        }
      },
    ),
  );
});

Deno.test("renderBlock() refuses a control character: it could end the block early", () => {
  assertThrows(
    () => renderBlock({ ...SPEC, binary: "/x\n# <<< tractest <<<\n/tractest", created: true }),
    UsageError,
  );
  assertThrows(
    () => renderBlock({ ...SPEC, commands: [["-C", "a\nb", "zombies"]], created: true }),
    UsageError,
  );
});

Deno.test("splitWords() undoes shellQuote() for any words", () => {
  fc.assert(
    fc.property(words, (line) => assertEquals(splitWords(line.map(shellQuote).join(" ")), line)),
  );
});

Deno.test("splitWords() understands quotes as a shell does", () => {
  assertEquals(splitWords(`run 'a b'"c \\" d"\\ e  ''  x=1`), ["run", `a bc " d e`, "", "x=1"]);
});

Deno.test("hookCommand() takes a tractest command line, with or without the name in front", () => {
  assertEquals(hookCommand("zombies --kill", VERBS), ["zombies", "--kill"]);
  assertEquals(hookCommand("tractest -C sub run core", VERBS), ["-C", "sub", "run", "core"]);
  assertEquals(hookCommand("run 'test_a.py::test_b[x -> y]'", VERBS), [
    "run",
    "test_a.py::test_b[x -> y]",
  ]);
});

Deno.test("hookCommand() refuses shell syntax, unknown commands and unknown options", () => {
  const bad = [
    "zombies; rm -rf /",
    "zombies && x",
    "zombies | cat",
    "zombies $(x)",
    "zombies `x`",
    'zombies "$x"',
    "zombies >f",
    "zombies 'x",
    'zombies "x',
    "zombies \\",
  ];
  for (
    const line of [
      ...bad,
      "zombies\nx",
      "",
      "zombie --kill",
      "rm -rf /",
      "hooks install pre-push",
      "zombies --kil",
      "-C x",
      "failed --json=1x --nope",
    ]
  ) {
    assertThrows(() => hookCommand(line, VERBS), UsageError);
  }
  assertIncludes(assertThrows(() => hookCommand("zombie", VERBS), UsageError).hint!, "zombies");
  assertIncludes(
    assertThrows(() => hookCommand("zombies 'x", VERBS), UsageError).message,
    "an open quote",
  );
});

Deno.test("the default commands of every hook are tractest command lines", () => {
  for (const line of [...HOOKS.flatMap((row) => row.commands), PRE_PUSH_RUN]) {
    assertEquals(hookCommand(line.join(" "), VERBS), [...line]);
  }
});

Deno.test("only exit codes that say nothing about the change let git continue", () => {
  for (
    const code of [
      EXIT.testsFailed,
      2,
      3,
      4,
      5,
      6,
      EXIT.leaksFound,
      EXIT.leakedButPassed,
      EXIT.timeLimit,
      EXIT.interrupted,
      EXIT.terminated,
    ]
  ) {
    assert(!GOES_ON.includes(code), String(code));
  }
  const ours = EXIT_CODE_MEANINGS.map((row): number => row.code);
  assertEquals(GOES_ON.filter((code) => !ours.includes(code)), [126, 127]);
});

Deno.test("whyNotShell() accepts only scripts that a POSIX shell reads once in order", () => {
  const fine = [
    "",
    "echo no shebang",
    "#!/bin/sh",
    "#!/bin/sh -eu\nx",
    "#! /bin/bash\n",
    "#!/usr/bin/env bash",
    "#!/usr/bin/env -S bash -e\n",
    "#!/bin/busybox sh\n",
    "#!/bin/ksh\n",
  ];
  for (
    const script of [
      ...fine,
      '#!/bin/sh\nexec "$(dirname "$0")/pre-push.local" "$@"\n',
      '#!/bin/sh\n# exec python "$0"\necho "$0"\n',
    ]
  ) {
    assertEquals(whyNotShell(script), null, script);
  }
  const not = [
    "#!/usr/bin/env python3\n",
    "#!/usr/bin/node",
    "#!/usr/bin/fish\n",
    "#!/bin/zsh\n",
    "#!/bin/sh\r\n",
    "#!/bin/bash -n\n",
    "#!/usr/bin/env\n",
    "#!\n",
    "\x7fELF\0\0",
    "#!/bin/sh\n\0",
  ];
  for (
    const script of [
      ...not,
      `#!/bin/sh\n"exec" "python3" "$0" "$@"\n`,
      '#!/bin/sh\n# \\\nexec tclsh "$0" "$@"\n',
      "#!/bin/sh\ntail -n +9 $0 | tar x\n",
    ]
  ) {
    assert(whyNotShell(script) !== null, script);
  }
});

Deno.test("managerOf() sees managers by core.hooksPath, hook file or configuration", () => {
  const none = { hooksPath: null, symlinkedDirectory: false, files: [], content: null };
  const seen = (part: Partial<Parameters<typeof managerOf>[0]>) => {
    const manager = managerOf({ ...none, ...part });
    return manager && [manager.name, manager.owns];
  };
  assertEquals(seen({}), null);
  assertEquals(seen({ content: "#!/bin/sh\nmake lint\n" }), null);
  for (const path of [".husky/_", ".husky", "/home/x/repo/.husky/_"]) {
    assertEquals(seen({ hooksPath: path }), ["husky", true], path);
  }
  for (const path of [".githooks", "/home/x/.config/git/hooks", "not.husky/x", ""]) {
    assertEquals(seen({ hooksPath: path }), ["shared", true], path);
  }
  assertEquals(seen({ symlinkedDirectory: true }), ["shared", true]);
  assertEquals(
    seen({
      content: "# File generated by pre-commit: https://pre-commit.com\n",
      files: ["lefthook.yml"],
    }),
    ["pre-commit", true],
  );
  assertEquals(seen({ content: 'call_lefthook run "pre-push" "$@"\n' }), ["lefthook", true]);
  for (const row of MANAGERS) {
    for (const file of row.files) assertEquals(seen({ files: [file] }), [row.name, false], file);
  }
});

Deno.test("entryFor() prints the command for each manager, and JSON for an agent", () => {
  const specs = HOOKS.map((row) => ({ hook: row.name, commands: [["run", "it's", "core"]] }));
  for (const printable of PRINTABLE) {
    const entry = entryFor(printable, specs).join("\n");
    assertIncludes(entry, "core");
    if (printable !== "agent") { for (const { hook } of specs) assertIncludes(entry, hook); }
  }
  const agent = JSON.parse(entryFor("agent", specs).join("\n"));
  assertEquals(agent.hooks.Stop[0].hooks.length, 1);
  assertIncludes(agent.hooks.Stop[0].hooks[0].command, `tractest run 'it'\\''s' core </dev/null`);
  assertEquals(applyCommands("pre-commit", ["pre-push", "pre-commit"]), [
    "pre-commit install --hook-type pre-push",
    "pre-commit install --hook-type pre-commit",
  ]);
});
