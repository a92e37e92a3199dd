import {
  extraWords,
  ownPlaces,
  placesFor,
  refusal,
  unseenOptions,
} from "../../lib/run/rules_unseen_options.ts";
import { UsageError } from "../../lib/errors.ts";
import { assertEquals, assertIncludes, assertThrows } from "../assert.ts";

/** The options of `addopts`, of PYTEST_ADDOPTS, and of what was typed. */
function unseen(
  addopts: string,
  environment?: string,
  typed: readonly string[] = [],
  logFile: string | null = null,
) {
  return unseenOptions({ configured: { file: "tox.ini", addopts, logFile }, environment, typed });
}
const placesOf = (addopts: string, environment?: string) => ownPlaces(unseen(addopts, environment));

Deno.test(
  "unseenOptions() reads addopts and PYTEST_ADDOPTS as shlex and pytest do, including " +
    "clusters and values",
  () => {
    const options = unseen(
      `-xvn 8 --basetemp "a b" --html='x y.html' -k 'not --sw'`,
      "--junitxml out.xml",
    );
    assertEquals(options.map(({ name, value, source }) => [name, value, source]), [
      ["-x", null, "addopts in tox.ini"],
      ["-v", null, "addopts in tox.ini"],
      ["-n", "8", "addopts in tox.ini"],
      ["--basetemp", "a b", "addopts in tox.ini"],
      ["--html", "x y.html", "addopts in tox.ini"],
      ["-k", "not --sw", "addopts in tox.ini"],
      ["--junitxml", "out.xml", "PYTEST_ADDOPTS"],
    ]);
    assertEquals(unseen("-n8 -p no:x").map(({ name, value }) => [name, value]), [["-n", "8"], [
      "-p",
      "no:x",
    ]]);
  },
);

Deno.test(
  "-o on the command line replaces addopts, and log_file counts as an option too",
  () => {
    assertEquals(unseen("--sw", undefined, ["-o", "addopts=-q"]).map((option) => option.name), [
      "-q",
    ]);
    assertEquals(unseen("--sw", undefined, ["--override-ini=addopts="]), []);
    assertEquals(
      unseen("", undefined, [], "run.log").map(({ name, value, text }) => [name, value, text]),
      [
        ["--log-file", "run.log", "log_file = run.log"],
      ],
    );
  },
);

Deno.test(
  "fault 73: each of several pytests has its own files, and one JUnit report is " +
    "written for all of them",
  () => {
    const { words, junit, notes } = placesOf(
      "--junitxml=out.xml --basetemp=bt --report-log=a/log.jsonl --html=r.html " +
        "--cov-report=xml --cov-report html:cov --cov-report=term",
    );
    assertEquals(words("3", null), [
      "--basetemp=bt.3",
      "--report-log=a/log.3.jsonl",
      "--html=r.3.html",
      "--cov-report=xml:coverage.3.xml",
      "--cov-report=html:cov.3",
      "--junitxml=",
    ]);
    assertEquals(words("copy-1", "/state/d").slice(0, 3), [
      "--basetemp=bt.copy-1",
      "--report-log=/state/d/log.jsonl",
      "--html=/state/d/r.html",
    ]);
    assertEquals(junit?.path, "out.xml");
    assertEquals(notes.length, 6);
    assertIncludes(
      notes.join("\n"),
      '"--junitxml=out.xml" (addopts in tox.ini): tractest writes it, with the tests of ' +
        "all pytests",
    );
    assertIncludes(
      notes.join("\n"),
      '"--basetemp=bt" (addopts in tox.ini): each pytest has its own, --basetemp=bt.0 for ' +
        "the first",
    );
  },
);

Deno.test(
  "fault 73: of repeated options the last one counts, and a name that only Python can " +
    "read is left to pytest",
  () => {
    assertEquals(placesOf("--junitxml=a.xml", "--junitxml=b.xml").junit?.path, "b.xml");
    const { words, junit } = placesOf("--junitxml=$DIR/a.xml");
    assertEquals([junit, words("1", null)], [null, ["--junitxml=$DIR/a.1.xml"]]);
    assertEquals(placesOf("--basetemp=a", "--basetemp=b/c/").words("1", null), [
      "--basetemp=b/c.1",
    ]);
    assertEquals(placesOf("-q --strict-markers").words("1", null), []);
  },
);

Deno.test(
  "fault 73: pytest-xdist's workers are overridden where tractest distributes the " +
    "tests, and kept in a plain run",
  () => {
    for (
      const addopts of [
        "-n 8",
        "-n8",
        "-xn auto",
        "--numprocesses=2",
        "--dist loadscope",
        "-d --tx 2*popen",
      ]
    ) {
      const places = placesOf(addopts);
      assertEquals(places.withoutWorkers, ["-n0"], addopts);
      const plain = extraWords(places, { several: false, handsOut: false });
      assertEquals([plain({ purpose: "tests" }, "0"), plain({ purpose: "retry" }, "1")], [[], [
        "-n0",
      ]]);
      assertEquals(
        extraWords(places, { several: true, handsOut: true })({ purpose: "shard" }, "0"),
        ["-n0"],
      );
    }
    assertIncludes(
      placesOf("-n 8").notes[0]!,
      '"-n 8" (addopts in tox.ini) is overridden: tractest shares the tests',
    );
  },
);

Deno.test(
  "a single pytest writes the requested files; a retry does not touch them",
  () => {
    const extra = extraWords(placesOf("--junitxml=out.xml --html=r.html"), {
      several: false,
      handsOut: false,
    });
    assertEquals(extra({ purpose: "tests" }, "0"), []);
    assertEquals(extra({ purpose: "retry" }, "1"), ["--html=r.1.html", "--junitxml="]);
  },
);

Deno.test(
  "fault 73: an option that can't be shared is refused, with its place, the reason and " +
    "an alternative",
  () => {
    assertEquals(refusal(unseen("-q --sw")), {
      option: '"--sw" (addopts in tox.ini)',
      because: "it goes through the tests in one order",
      instead: "leave it out of this run: tractest run … -- -o addopts=",
    });
    assertEquals(
      refusal(unseen("", "--pdb"))?.instead,
      "leave it out of this run: unset PYTEST_ADDOPTS",
    );
    assertEquals(refusal(unseen("-k '--sw or --pdb'")), null);
    assertThrows(() => placesFor("stress", unseen("--stepwise")), UsageError);
  },
);
