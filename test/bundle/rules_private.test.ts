import { hiddenVariables, privateFacts, readAccounts } from "../../lib/bundle/rules_private.ts";
import { isSecretName } from "../../lib/bundle/rules_secrets.ts";
import { assertEquals } from "../assert.ts";

Deno.test("privateFacts() finds who runs it, the others, the machine and its domain", () => {
  const accounts = readAccounts([
    "root:x:0:0:root:/root:/bin/bash",
    "alice:x:1000:1000:Alice Bertram,,,:/home/alice:/bin/bash",
    "bob:x:1001:1001:Bob Carr:/home/bob:/bin/sh",
    "runner:x:1002:1002::/home/runner:/bin/sh",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
    "no account",
  ].join("\n"));
  const environment = new Map([["HOME", "/home/alice/"], ["GIT_AUTHOR_NAME", "A. Bertram"]]);
  const facts = privateFacts({
    uid: 1000,
    accounts,
    environment,
    realHome: "/mnt/disk/a.bertram",
    hostNames: ["zen-9", "zen-9\n"],
    hosts:
      "127.0.0.1 localhost\n127.0.1.1 zen-9.corp.example zen-9 # own\n10.0.0.9 other.example\n",
    resolver: "search lab.example local\nnameserver 10.0.0.1\n",
    variables: environment,
  });
  assertEquals(facts.users, ["alice", "A. Bertram", "Alice Bertram"]);
  assertEquals(facts.others, ["bob", "Bob Carr"]);
  assertEquals(facts.hosts, ["zen-9", "zen-9.corp.example", "lab.example", "corp.example"]);
  assertEquals(facts.homes, ["/home/alice", "/mnt/disk/a.bertram"]);
  assertEquals(facts.variables, [["GIT_AUTHOR_NAME", "A. Bertram"]]);
});

Deno.test("root in a container has no name to hide, but a home", () => {
  const facts = privateFacts({
    uid: 0,
    accounts: readAccounts("root:x:0:0:root:/root:/bin/bash\n"),
    environment: new Map([["HOME", "/root"], ["USER", "root"]]),
    realHome: "/root",
    hostNames: ["localhost"],
    hosts: "127.0.0.1 localhost\n",
    resolver: "",
    variables: [],
  });
  const nothing = { users: [], others: [], hosts: [], variables: [] };
  assertEquals(facts, { ...nothing, homes: ["/root"] });
});

Deno.test("values of variables are hidden, but no short ones, paths, words or numbers", () => {
  const shown: [string, string][] = [
    ["PATH", "/usr/bin:/home/x"],
    ["PYTHONPATH", "some/where/else"],
    ["SSH_AUTH_SOCK", "/run/user/1000/agent.1"],
    ["GOOGLE_APPLICATION_CREDENTIALS", "/etc/key.json"],
    ["XDG_SESSION_TYPE", "wayland"],
    ["EDITOR", "/usr/bin/vi"],
    ["SDK_VERSION", "541.0.0"],
    ["LISTEN", "127.0.0.1"],
    ["USE_TOKEN", "true"],
    ["PIN_TOKEN", "abc"],
    ["SHORT", "abc-123"],
  ];
  assertEquals(hiddenVariables(shown), []);
  const hidden: [string, string][] = [
    ["API_TOKEN", "abcd"],
    ["PGPASSWORD", "/abcdef/ghi"],
    ["SOMETHING", "correct-horse"],
    ["CLIENT", "203.0.113.7"],
    ["GREETING", "a sentence"],
  ];
  assertEquals(hiddenVariables(hidden), hidden);
  assertEquals(hiddenVariables([["DB", "pg://me:p%40ss@h/x"]]), [
    ["DB", "pg://me:p%40ss@h/x"],
    ["DB", "p%40ss"],
    ["DB", "p@ss"],
  ]);
});

Deno.test("isSecretName() knows words of a name, however they are joined", () => {
  for (
    const name of [
      ...["token", "API_TOKEN", "--db-password", "PGPASSWORD", "apiKey", "api-key", "X-Api-Key"],
      ...["clientSecret", "sessionId", "aws_secret_access_key", "authToken", "DB_PASS", "mytoken"],
    ]
  ) assertEquals([name, isSecretName(name)], [name, true]);
  for (
    const name of [
      ...["key", "author", "authority", "passed", "bypass", "session", "tokenize", "PWD", "OLDPWD"],
      ...["keyboard", "monkey", "compass", "id", "signature", "secretary"],
    ]
  ) assertEquals([name, isSecretName(name)], [name, false]);
});
