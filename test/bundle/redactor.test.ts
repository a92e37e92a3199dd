import fc from "fast-check";
import { archiveOf, readyBundle } from "../../lib/bundle/bundle.ts";
import type { Content } from "../../lib/bundle/parts.ts";
import { Redactor } from "../../lib/bundle/redactor.ts";
import { type PrivateFacts, privateFacts, readAccounts } from "../../lib/bundle/rules_private.ts";
import { shellCommand } from "../../lib/base/escape.ts";
import { assert, assertEquals } from "../assert.ts";

const NOBODY: PrivateFacts = { users: [], others: [], hosts: [], homes: [], variables: [] };

/** Someone with a machine, and what must not be shown of both. */
interface Person {
  readonly user: string;
  readonly fullName: string;
  readonly home: string;
  readonly host: string;
  readonly other: string;
  /** The value of a variable: any characters. */
  readonly value: string;
  /** A secret that only its place shows: a word of a command line. */
  readonly token: string;
  readonly email: string;
}

const graphic = fc.stringMatching(/^[ -~äéß€日]{8,24}$/).map((text) => text.trim())
  .filter((text) => text.length >= 8 && !/^[~.\/]/.test(text));
const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9!#%*+,.:;<=>?@^_|~$-]{7,20}[A-Za-z0-9]$/);
const person: fc.Arbitrary<Person> = fc.record({
  user: fc.constantFrom("jo", "ann", "alice", "Alice.B", "jürgen", "max1", "x-y_z", "o.k"),
  place: fc.constantFrom("/home", "/Users", "/home/corp", "/data/people"),
  host: fc.constantFrom("ws12", "alices-macbook-pro.local", "build-07.corp.acme.example", "Thor"),
  other: fc.constantFrom("bob", "carla", "dieter-k"),
  value: graphic,
  token: word,
}).map(({ place, ...rest }) => ({
  ...rest,
  home: `${place}/${rest.user}`,
  fullName: "Alice Bertram",
  email: `${rest.user.normalize("NFD").replace(/[^\w.-]/g, "")}.b@mail.acme.example`,
}));

function factsOf({ user, fullName, home, host, other, value }: Person): PrivateFacts {
  return privateFacts({
    uid: 1000,
    accounts: readAccounts(
      `root:x:0:0:root:/root:/bin/sh\n${user}:x:1000:1000:${fullName},,,:${home}:/bin/sh\n` +
        `${other}:x:1001:1001::/home/${other}:/bin/sh\n`,
    ),
    environment: new Map([["HOME", home], ["USER", user]]),
    realHome: home,
    hostNames: [host, `${host}\n`],
    hosts: "127.0.0.1 localhost\n",
    resolver: "nameserver 10.0.0.1\n",
    variables: [["DEPLOY_TOKEN", value], ["HOME", home], ["LANG", "C.UTF-8"]],
  });
}

/** Places where private things are found, as texts; each also goes into JSON. */
const PLACES: readonly ((one: Person) => string)[] = [
  ({ home }) => `File "${home}/store/test_a.py", line 3`,
  ({ home }) => `rootdir=${home}:${home}/x,PYTHONPATH=/a:${home}`,
  ({ home }) => `file://${encodeURI(home)}/x?from=${encodeURIComponent(home)}%2Fy`,
  ({ user }) => `/tmp/pytest-of-${user}/pytest-0 owned by ${user}:${user}`,
  ({ user, host }) => `${user}@${host}:~$ ssh ${user.toUpperCase()}@${host}`,
  ({ user }) => `\x1b[31m${user}\x1b[0m\\n${user} wrote`,
  ({ fullName, user }) => `Author: ${fullName} (${user})`,
  ({ host }) => `http://${host}:8080/ on ${host.toUpperCase()}`,
  ({ other }) => `/home/${other}/secret.txt, C:\\Users\\${other}\\x, /tmp/pytest-of-${other}/1`,
  ({ other }) => `drwx ${other} ${other} /Users/${other}`,
  ({ value }) => `got ${value} here`,
  ({ value }) => `x${value}y`,
  ({ value }) => JSON.stringify({ key: value, [value]: [value] }),
  ({ value }) => JSON.stringify(JSON.stringify({ key: value })),
  ({ value }) => `https://example.org/?q=${encodeURIComponent(value)}`,
  ({ value }) => shellCommand(["echo", value]),
  ({ token }) => `python -m app --token=${token} --port 80`,
  ({ token }) => `python -m app --db-password ${token} -v`,
  ({ token }) => `API_KEY=${token} SECRET_KEY="${token}" run`,
  ({ token }) => `{'apiKey': '${token}', "password": "${token}"}`,
  ({ token }) => JSON.stringify(JSON.stringify({ access_token: token })),
  ({ token }) => `curl -H "Authorization: Bearer ${token}" https://example.org/`,
  ({ token }) => `Authorization: token ${token}\nAccept: */*`,
  ({ token }) => `{'authorization': 'Basic ${btoa(token)}', 'Cookie': 'a=${token}; b=${token}'}`,
  ({ token }) => `(b'Authorization', b'Bearer ${token}')`,
  ({ token }) => `postgres://admin:${encodeURIComponent(token)}@db.example.org/x`,
  ({ token }) => `redis://:${token.replace(/[@]/g, "")}@db.example.org:6379/0`,
  ({ token }) => `https://${encodeURIComponent(token)}@github.example.org/a/b.git`,
  ({ token }) => `https://example.org/a?x=1&access_token=${encodeURIComponent(token)}&y=2`,
  ({ token }) => `curl -u admin:${token} https://example.org`,
  ({ token }) => `\x1b[31mpassword\x1b[0m=\x1b[1m${token}\x1b[0m`,
  ({ token }) => `${JSON.stringify("\x1b[31m")}password\\x1b[0m: ${token}`,
  ({ token }) => `password = '''${token}''' token = """${token}"""`,
  ({ token }) => `<a:db-password x="1">${noMarkup(token)}</a:db-password>`,
  ({ token }) => `<input type=hidden name="csrf_token" id=x value="${noMarkup(token)}">`,
  ({ token }) => `machine example.org login me password ${token}\n`,
  ({ email }) => `mailto:${email}, <${email}> and ${encodeURIComponent(email)}`,
];

function noMarkup(text: string): string {
  return text.replace(/[<>]/g, "-");
}

/** What must not be found, and in which texts: a short name may be a part of a word. */
function leaksIn(text: string, one: Person, place: number): string[] {
  const lower = text.normalize("NFC").toLowerCase();
  const names = [one.user, one.other, one.host, one.host.split(".")[0]!, one.fullName, one.email]
    .map((name) => name.normalize("NFC").toLowerCase());
  const found = names.filter((name) =>
    name.length >= 5
      ? lower.includes(name)
      : new RegExp(`(?<!\\p{L})${RegExp.escape(name)}(?!\\p{L})`, "u").test(lower)
  );
  const { token, value } = one;
  // Words of a query are encoded: a part of them may stay readable.
  const secrets = PLACES[place]!.toString().includes("{ token }") ? [token.slice(0, 8)] : [value];
  return [
    ...found,
    ...secrets.flatMap((secret) => [secret, encodeURIComponent(secret), btoa(`${encode(secret)}`)])
      .filter((secret) => text.includes(secret)),
  ];
}

function encode(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** All strings of a value, keys too. */
function stringsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(stringsOf);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...stringsOf(item)]);
}

Deno.test("nothing private is left in a text, in JSON, its keys, or JSON in JSON", () => {
  const place = fc.nat(PLACES.length - 1);
  fc.assert(
    fc.property(person, place, (one, index) => {
      const text = PLACES[index]!(one);
      const redactor = new Redactor(factsOf(one));
      redactor.learn(text);
      const value = { output: text, [text]: [text, { deep: text }], list: ["a", text] };
      const kinds = [redactor.text(text), ...stringsOf(redactor.value(value))];
      kinds.push(redactor.lines(`${JSON.stringify(value)}\nno JSON: ${text}\n`));
      for (const result of kinds) {
        assertEquals(leaksIn(result, one, index), [], `${JSON.stringify(text)} became ${result}`);
      }
      assertEquals(redactor.text(kinds[0]!), kinds[0], "a second time changes nothing");
    }),
    { numRuns: 1500, seed: 20261128 },
  );
});

Deno.test("the words of a command in JSON: options and headers with any value", () => {
  fc.assert(
    fc.property(graphic, (secret) => {
      const redactor = new Redactor(NOBODY);
      const argv = (words: string[]) => redactor.value({ command: ["python", ...words, "-v"] });
      for (
        const words of [
          [`--api-token=${secret}`],
          ["--api-token", `x${secret}`],
          ["-H", "Authorization", `Bearer ${secret}`],
          ["-u", `me:${secret}`],
        ]
      ) {
        const shown = JSON.stringify(argv(words));
        assert(!shown.includes(JSON.stringify(secret).slice(1, -1)), shown);
        assert(shown.endsWith(`,"-v"]}`) && shown.includes("[secret]"), shown);
      }
      assertEquals(redactor.value({ dbPassword: secret, pass: 7, passed: 7, key: "a" }), {
        dbPassword: "[secret]",
        pass: "[secret]",
        passed: 7,
        key: "a",
      });
    }),
    { numRuns: 300, seed: 7 },
  );
});

Deno.test("what is not private stays as it is", () => {
  const facts = { ...NOBODY, users: ["ann"], hosts: ["ws12"], homes: ["/home/ann"] };
  for (
    const text of [
      "annotations and an announcement of manna",
      "127.0.0.1:1616, registry@1616.sock, _subactor[w0@4711], @pytest.fixture",
      "tests/test_a.py::test_token[x-1] PASSED, 5 passed, token=None, def f(token: str): ...",
      "pip install git+https://github.com/a/b@v1.0",
      "http://127.0.0.1:8080/a@b, http://host:80/",
      "/home/runner/work, /Users/Shared/x, /home",
      "-x --tb=short --no-header -p no:cacheprovider",
      "/srv/annex/home",
    ]
  ) {
    assertEquals(new Redactor(facts).text(text), text);
  }
});

Deno.test("placeholders say whose it was, the same everywhere", () => {
  const redactor = new Redactor({
    ...NOBODY,
    users: ["ann"],
    hosts: ["ws12.corp.example", "ws12"],
    homes: ["/home/ann"],
    others: ["bob"],
    variables: [["DEPLOY_TOKEN", "s3cr3t-value"]],
  });
  redactor.learn("/home/carla/x");
  assertEquals(
    redactor.text("/home/ann/x /home/bob/x /home/carla/x bob carla ann@ws12 s3cr3t-value"),
    "~/x /home/[user-1]/x /home/[user-2]/x [user-1] [user-2] [user]@[host] [$DEPLOY_TOKEN]",
  );
  assertEquals(redactor.takeCounts(), { variables: 1, home: 1, others: 4, host: 1, user: 1 });
});

Deno.test("a value that a program has cut is recognized by its beginning and its end", () => {
  const variables = [["DEPLOY_TOKEN", "correct-horse-battery"]] as const;
  const redactor = new Redactor({ ...NOBODY, variables });
  for (
    const [text, shown] of [
      ["pid 1 (app correct-hor…) sleeps", "pid 1 (app [$DEPLOY_TOKEN]…) sleeps"],
      ["'corr...tery' corre... …y", "'[$DEPLOY_TOKEN]...[$DEPLOY_TOKEN]' [$DEPLOY_TOKEN]... …y"],
      ["....... corr…", "....... [$DEPLOY_TOKEN]…"],
      ["cor... is too short", "cor... is too short"],
    ] as const
  ) assertEquals(redactor.text(text), shown);
});

Deno.test("known forms of tokens and keys are secrets wherever they are", () => {
  const key =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\naC1r\n-----END OPENSSH PRIVATE KEY-----";
  for (
    const secret of [
      `ghp_${"a1B2".repeat(9)}`,
      `github_pat_${"a1B2".repeat(9)}`,
      `glpat-${"a1B2".repeat(5)}`,
      `xoxb-${"1234".repeat(5)}`,
      "AKIAABCDEFGHIJKLMNOP",
      `sk-${"a1B2".repeat(8)}`,
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF123",
      key,
    ]
  ) {
    const shown = new Redactor(NOBODY).text(`got ${secret}, then`);
    assertEquals(shown, "got [secret], then");
  }
});

Deno.test("an archive that tar extracts has no private word in a name or a byte", async () => {
  const one = {
    user: "alice",
    fullName: "Alice Bertram",
    home: "/home/alice",
    host: "build-07.corp.acme.example",
    other: "bob",
    value: 'p"w\\ü 12345',
    token: "tok-12345",
    email: "alice.b@mail.acme.example",
  };
  const text = PLACES.map((place) => place(one)).join("\n");
  const content = (content: Content) => content;
  const made = readyBundle({
    parts: [
      { name: "run/alice.log", about: "of alice", content: content({ kind: "text", text }) },
      { name: "a.json", about: "a", content: content({ kind: "json", value: { [text]: text } }) },
    ],
    facts: factsOf(one),
    unknowns: ["doctor: /home/alice/x can't be read"],
  }, { version: "1", made: "now" });
  const directory = await Deno.makeTempDir({ prefix: "tractest-test-" });
  try {
    await Deno.writeFile(`${directory}/b.tar.gz`, await archiveOf(made, "bundle", 1_700_000_000));
    const tar = async (...args: string[]) => {
      const output = await new Deno.Command("tar", { args, cwd: directory }).output();
      assertEquals([output.code, new TextDecoder().decode(output.stderr)], [0, ""]);
      return new TextDecoder().decode(output.stdout);
    };
    const list = await tar("-tvzf", "b.tar.gz", "--numeric-owner");
    assertEquals(
      list.trim().split("\n").map((line) => line.split(/\s+/).filter((_, at) => at < 2 || at > 4)),
      ["bundle/README.txt", "bundle/run/[user].log", "bundle/a.json"].map((name) => [
        "-rw-------",
        "0/0",
        name,
      ]),
    );
    await tar("-xzf", "b.tar.gz");
    const names = ["README.txt", "run/[user].log", "a.json"];
    for (const name of names) {
      const shown = await Deno.readTextFile(`${directory}/bundle/${name}`);
      assertEquals(PLACES.flatMap((_, index) => leaksIn(shown, one, index)), [], shown);
      if (name === "README.txt") {
        for (const file of names.slice(1)) assert(shown.includes(`  ${file}`), shown);
        assert(shown.includes("not gathered: doctor: ~/x can't be read"), shown);
      }
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
