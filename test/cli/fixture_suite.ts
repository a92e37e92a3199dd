import { Random } from "../differential/random.ts";

interface Fixture {
  readonly name: string;
  readonly scope: Scope;
  readonly params: number;
  readonly text: string;
}

const SCOPES = ["session", "package", "module", "class", "function"] as const;
type Scope = typeof SCOPES[number];

/** What each file of a generated suite begins with. */
const HEADER = `import os, time, pytest
def made(*words):
    line = " ".join(map(str, [time.time(), *words]))
    with open(os.environ["MADE"], "a") as file: file.write(line + "\\n")
`;

/**
 * The test files of a suite whose fixtures write a line for each set-up: of all scopes, with and
 * without parameters, autouse, indirect, used by functions and classes. Some tests fail, always.
 */
export function fixtureSuite(seed: number): Record<string, string> {
  const random = new Random(seed);
  const shared = fixtures(random, "f", random.between(1, 4), []);
  const files: Record<string, string> = {
    "conftest.py": HEADER + shared.map(({ text }) => text).join(""),
  };
  for (let file = random.between(1, 4); file > 0; file--) {
    const own = fixtures(random, `m${file}_`, random.between(0, 2), shared);
    const all = [...shared, ...own];
    const parts = Array.from(
      { length: random.between(1, 7) },
      (_, number) =>
        random.chance(0.25) ? testClass(random, number, all) : testFunction(random, number, all),
    );
    const directory = random.pick(["", "", "sub/"]);
    files[`${directory}test_${file}.py`] = `from conftest import made\n${HEADER}` +
      own.map(({ text }) => text).join("") + parts.join("");
  }
  if (Object.keys(files).some((name) => name.startsWith("sub/"))) files["sub/__init__.py"] = "";
  return files;
}

function fixtures(
  random: Random,
  prefix: string,
  count: number,
  before: readonly Fixture[],
): Fixture[] {
  const made: Fixture[] = [];
  for (let number = 1; number <= count; number++) {
    const scope = random.pick(SCOPES);
    const rank = SCOPES.indexOf(scope);
    const params = random.pick([0, 0, 1, 2, 3]);
    const wider = [...before, ...made].filter((one) => SCOPES.indexOf(one.scope) <= rank);
    const needs = random.chance(0.3) && wider.length > 0 ? random.pick(wider).name : null;
    const name = `${prefix}${number}`;
    const options = [
      `scope="${scope}"`,
      ...(params > 0 ? [`params=${JSON.stringify(range(params))}`] : []),
      ...(random.chance(0.12) ? ["autouse=True"] : []),
    ];
    const words = needs === null ? "request" : `request, ${needs}`;
    const text = `@pytest.fixture(${options.join(", ")})
def ${name}(${words}):
    made("${scope}", "${name}", getattr(request, "param", "-"))
    yield getattr(request, "param", 0)
`;
    made.push({ name, scope, params, text });
  }
  return made;
}

function testFunction(
  random: Random,
  number: number,
  all: readonly Fixture[],
  indent = "",
): string {
  const used = all.filter(() => random.chance(0.35));
  const indirect = used.filter(({ params }) => params === 0 && random.chance(0.3));
  const marks = indirect.map(({ name }) =>
    `${indent}@pytest.mark.parametrize("${name}", ${JSON.stringify(range(2))}, indirect=True)\n`
  );
  const times = random.pick([0, 0, 2, 5]);
  if (times > 0) marks.push(`${indent}@pytest.mark.parametrize("n", range(${times}))\n`);
  const self = indent === "" ? [] : ["self"];
  const words = [...self, ...used.map(({ name }) => name), ...(times > 0 ? ["n"] : [])];
  const failing = used.find(({ params }) => params > 1);
  const claim = failing !== undefined && random.chance(0.15) ? `; assert ${failing.name} != 1` : "";
  const seconds = random.pick([0, 0.002, 0.005]);
  return `${marks.join("")}${indent}def test_${number}(${words.join(", ")}): ` +
    `time.sleep(${seconds})${claim}\n`;
}

function testClass(random: Random, number: number, all: readonly Fixture[]): string {
  const tests = Array.from(
    { length: random.between(1, 4) },
    (_, index) => testFunction(random, index, all, "    "),
  );
  const setup = random.chance(0.3)
    ? `    @classmethod\n    def setup_class(cls): made("class", cls.__name__, "-")\n`
    : "";
  return `class TestOf${number}:\n${setup}${tests.join("")}`;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
