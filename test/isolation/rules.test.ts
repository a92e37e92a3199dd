import { runLine } from "../run_line.ts";
import {
  endOfIsolated,
  isolatedCommand,
  isolationWish,
  type RefusalEvidence,
  refusalOf,
  usesSharedTemporary,
} from "../../lib/isolation/rules.ts";
import { UsageError } from "../../lib/errors.ts";
import { assert, assertEquals, assertIncludes, assertThrows } from "../assert.ts";

Deno.test("the option wins over the configuration", () => {
  assertEquals(isolationWish(null, false, "auto"), "auto");
  assertEquals(isolationWish(null, true, "always"), "never");
  assertEquals(isolationWish("auto", false, "never"), "auto");
  assertEquals(isolationWish("always", false, "never"), "always");
});

Deno.test("--isolate takes a value only after =, so it swallows no target", () => {
  for (
    const [words, value] of [[["--isolate", "auto"], "always"], [
      ["--isolate=auto", "auto"],
      "auto",
    ]] as const
  ) {
    const line = runLine(words);
    assertEquals([line.options.isolate, line.operands], [value, ["auto"]]);
  }
  assertEquals(runLine(["auto"]).options.isolate, null);
  assertThrows(() => runLine(["--isolate=perhaps"]), UsageError);
  assertThrows(() => runLine(["--isolate="]), UsageError);
});

const PLAN = {
  runner: 7,
  setpriv: "/usr/bin/setpriv",
  script: "/cache/isolate.sh",
  standard: ["/usr/bin", "/bin"],
  network: "/run/network",
  mirrors: ["/tmp"],
};

Deno.test("a session ends with tractest, and its command is passed unchanged", () => {
  const argv = ["py/bin/python", "-m", "pytest", "--", "a b"];
  const command = isolatedCommand(
    { ...PLAN, method: "user", drop: true },
    argv,
    "/state/outlived-0",
  );
  assertEquals(command.slice(0, 6), [
    "/usr/bin/setpriv",
    "--pdeathsig",
    "KILL",
    "/bin/sh",
    "/cache/isolate.sh",
    "enter",
  ]);
  assertEquals(command.slice(6), [
    "7",
    "--user --map-current-user --keep-caps",
    "/usr/bin:/bin",
    "/usr/bin/setpriv",
    "/state/outlived-0",
    "/run/network",
    "/tmp",
    "--",
    ...argv,
  ]);
});

Deno.test("root creates no user namespace, and keeps its rights", () => {
  assertEquals(
    isolatedCommand({ ...PLAN, mirrors: [], method: "root", drop: false }, ["x"], "/r").slice(6),
    [
      "7",
      "",
      "/usr/bin:/bin",
      "",
      "/r",
      "/run/network",
      "--",
      "x",
    ],
  );
});

const NOTHING: RefusalEvidence = { uid: 1000, said: "", settings: new Map(), container: false };

Deno.test(
  "a refusal names the responsible setting and a remedy, else the system's error",
  () => {
    const cases: [Partial<RefusalEvidence>, string, string | null][] = [
      [
        { settings: new Map([["maximum", "0"]]), container: true },
        "user.max_user_namespaces is 0",
        "sudo sysctl -w user.max_user_namespaces=10000",
      ],
      [
        { settings: new Map([["unprivileged", "0"]]) },
        "only root may",
        "sudo sysctl -w kernel.unprivileged_userns_clone=1",
      ],
      [
        { settings: new Map([["apparmor", "1"], ["maximum", "96364"]]) },
        "AppArmor",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
      ],
      [
        { container: true, uid: 0, said: "unshare: unshare failed: Operation not permitted\n" },
        "(unshare: unshare failed: Operation not permitted)",
        "--cap-add",
      ],
      [
        { said: "mount: /proc: permission denied.\nmore" },
        "the system refuses namespaces (mount: /proc: permission denied.)",
        null,
      ],
      [{}, "without saying why", null],
    ];
    for (const [evidence, reason, remedy] of cases) {
      const refusal = refusalOf({ ...NOTHING, ...evidence });
      assertIncludes(refusal.reason, reason);
      if (remedy === null) assertEquals(refusal.remedy, null);
      else assertIncludes(refusal.remedy!, remedy);
    }
    const root = refusalOf({
      ...NOTHING,
      uid: 0,
      settings: new Map([["apparmor", "1"], ["unprivileged", "0"]]),
    });
    assert(!/AppArmor|only root/.test(root.reason), "neither holds root back");
  },
);

Deno.test("an exit code above 128 means a signal, as in a shell", () => {
  assertEquals(endOfIsolated({ code: 139, signal: null }), { code: 139, signal: "SIGSEGV" });
  for (const code of [0, 1, 5, 83, 128, 255]) {
    assertEquals(endOfIsolated({ code, signal: null }), { code, signal: null });
  }
  assertEquals(endOfIsolated({ code: 137, signal: "SIGKILL" }), { code: 137, signal: "SIGKILL" });
});

Deno.test(
  "a transport that uses /tmp itself differs from one that asks for the runtime " +
    "directory",
  () => {
    assert(usesSharedTemporary("def_uds_filepath = Path('/tmp/registry@1616.sock')"));
    assert(usesSharedTemporary('filedir: Path = Path("/tmp")'));
    for (
      const source of [
        "def_bindspace: Path = get_rt_dir()",
        "# sockets were in '/tmp/' once",
        "Path('/tmpfs/x')",
        "f'{base}/tmp/x'",
      ]
    ) {
      assert(!usesSharedTemporary(source), source);
    }
  },
);
