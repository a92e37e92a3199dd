import { doesNotMatch, match, ok, strictEqual } from "node:assert";
import fc from "fast-check";
import { CI_CHOICES, providerOf, PROVIDERS } from "../../lib/ci/providers.ts";
import {
  annotationLine,
  commandsStopped,
  groupBegin,
  groupEnd,
  withoutCommands,
} from "../../lib/ci/rules_log.ts";

const FAILED = {
  level: "error",
  file: "tests/test_a.py",
  line: 12,
  title: "tests/test_a.py::test_a[x,y]",
  message: "assert 1 == 2\n100% wrong",
} as const;

Deno.test("the variable of each service reveals it, and --ci names one", () => {
  for (const { name, variable } of PROVIDERS) {
    const read = (asked: string) => asked === variable ? "True" : undefined;
    strictEqual(providerOf("auto", read), name);
    strictEqual(providerOf("off", read), null);
    strictEqual(providerOf(name, () => undefined), name);
  }
  strictEqual(providerOf("auto", () => undefined), null);
  strictEqual(providerOf("auto", () => "false"), null);
  strictEqual(CI_CHOICES.length, PROVIDERS.length + 2);
});

Deno.test("an annotation names file and line, and escapes what GitHub and Azure read", () => {
  strictEqual(
    annotationLine("github", FAILED),
    "::error file=tests/test_a.py,line=12,title=tests/test_a.py%3A%3Atest_a[x%2Cy]::" +
      "assert 1 == 2%0A100%25 wrong",
  );
  strictEqual(
    annotationLine("github", { ...FAILED, level: "warning", file: null }),
    "::warning title=tests/test_a.py%3A%3Atest_a[x%2Cy]::assert 1 == 2%0A100%25 wrong",
  );
  strictEqual(
    annotationLine("azure", { ...FAILED, file: "/a;b]/t.py" }),
    "##vso[task.logissue type=error;sourcepath=/a%3Bb%5D/t.py;linenumber=12;]" +
      "tests/test_a.py::test_a[x,y]%0Aassert 1 == 2%0A100%AZP25 wrong",
  );
  for (const other of ["gitlab", "buildkite", "circleci"] as const) {
    strictEqual(annotationLine(other, FAILED), null);
  }
});

/** Text made of what services read. */
const hostile = fc.array(
  fc.constantFrom(
    "::",
    "error ",
    "\n",
    "\r",
    "##[",
    "##vso[",
    "]",
    ";",
    ",",
    "%",
    "a",
    " ",
    "\x1b[",
  ),
  { maxLength: 12 },
).map((parts) => parts.join(""));

Deno.test("whatever a test is named and says, its annotation is one command on one line", () => {
  fc.assert(fc.property(hostile, hostile, hostile, (file, title, message) => {
    const one = { ...FAILED, file, title, message };
    const github = annotationLine("github", one)!;
    doesNotMatch(github, /[\r\n]/);
    match(github, /^::error file=[^,:]*,line=12,title=[^,:]*::/);
    const azure = annotationLine("azure", one)!;
    doesNotMatch(azure, /[\r\n]/);
    match(azure, /^##vso\[task\.logissue type=error;sourcepath=[^;\]]*;linenumber=12;\]/);
  }));
});

Deno.test("no line of our own is a command of GitHub or Azure", () => {
  fc.assert(fc.property(hostile, (text) => {
    for (const provider of ["github", "azure"] as const) {
      const shown = withoutCommands(provider, text);
      doesNotMatch(shown, /^\s*::/m);
      doesNotMatch(shown, /##\[|##vso\[/i);
    }
    strictEqual(withoutCommands("gitlab", text), text);
  }));
  const id = "FAILED tests/test_a.py::test_a: no # problem";
  strictEqual(withoutCommands("github", id), id);
});

Deno.test("groups begin and end as each service reads them", () => {
  const group = { title: "pytest", name: "pytest", collapsed: true };
  strictEqual(groupBegin("github", group, 7.5), "::group::pytest");
  strictEqual(groupEnd("github", group, 7.5), "::endgroup::");
  strictEqual(groupBegin("azure", group, 7.5), "##[group]pytest");
  strictEqual(groupEnd("azure", group, 7.5), "##[endgroup]");
  strictEqual(
    groupBegin("gitlab", group, 7.5),
    "\x1b[0Ksection_start:7:pytest[collapsed=true]\r\x1b[0Kpytest",
  );
  strictEqual(groupEnd("gitlab", group, 8), "\x1b[0Ksection_end:8:pytest\r\x1b[0K");
  strictEqual(groupBegin("buildkite", group, 7.5), "--- pytest");
  strictEqual(groupBegin("buildkite", { ...group, collapsed: false }, 7.5), "+++ pytest");
  strictEqual(groupBegin("circleci", group, 7.5), null);
});

Deno.test("GitHub reads no command while tests run, until a word that they don't know", () => {
  const { begin, end } = commandsStopped("github", "secret")!;
  strictEqual(begin, "::stop-commands::secret");
  strictEqual(end, "::secret::");
  ok(PROVIDERS.every(({ name }) => name === "github" || commandsStopped(name, "x") === null));
});
