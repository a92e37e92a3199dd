import { join } from "@std/path";
import { TRACTEST } from "../cli/tractest.ts";
import { documentOf, eventsOf, type Observed, type View, viewOf } from "./observed.ts";
import type { Ended, Place } from "./place.ts";
import { has, type RandomSuite } from "./suite.ts";

/** One way to run a suite with tractest. */
export interface Mode {
  readonly name: string;
  /**
   * `one`: one pytest runs all, `parts`: several share it, `some`: it runs a part, or stops early.
   */
  readonly kind: "one" | "parts" | "some";
  run(suite: RandomSuite, place: Place): Promise<Observed>;
}

/** A run that hangs is ended by a limit: of each test, or of all. */
function limits(suite: RandomSuite, each = false): string[] {
  const grace = ["--grace", "1", "--exit-timeout", "4"];
  if (!has(suite, "hangs")) return each ? ["--test-timeout", "60"] : [];
  return each
    ? [...grace, "--test-timeout", "4", "--timeout", "60"]
    : [...grace, "--timeout", "10"];
}

const RUN = ["run", "--no-preflight", "--no-defaults"];

function simple(name: string, kind: Mode["kind"], words: readonly string[], each = false): Mode {
  return {
    name,
    kind,
    async run(suite, place) {
      const report = ["--json", "--junit", join(place.path, "junit.xml")];
      const ended = await place.tractest([...RUN, ...words, ...limits(suite, each), ...report]);
      return await observed(place, ended);
    },
  };
}

async function observed(place: Place, ended: Ended, views?: readonly View[]): Promise<Observed> {
  const document = documentOf(ended.stdout);
  const ids = (list: readonly (string | { readonly id: string })[] = []) =>
    list.map((one) => typeof one === "string" ? one : one.id);
  return {
    ...await eventsOf(place),
    code: ended.code,
    views: views ?? [viewOf(document, await place.text("junit.xml"))],
    forgiven: [...ids(document?.flaky), ...ids(document?.contended)],
    text: ended.stdout + ended.stderr,
  };
}

const SHARDS: Mode = {
  name: "shard",
  kind: "parts",
  async run(suite, place) {
    const events = [1, 2].map((part) => join(place.path, `shard-${part}.jsonl`));
    let text = "";
    for (const [index, file] of events.entries()) {
      const words = [...RUN, "--shard", `${index + 1}/2`, "--events", file, ...limits(suite, true)];
      const { code, stdout, stderr } = await place.tractest(words);
      text += `shard ${index + 1}: exit ${code}\n${stdout}${stderr}`;
    }
    const report = ["--json", "--junit", join(place.path, "junit.xml")];
    const ended = await place.tractest(["merge", ...events, ...report]);
    return await observed(place, { ...ended, stderr: ended.stderr + text });
  },
};

const OPTION = 'def pytest_addoption(parser): parser.addoption("--tpt-proto", default="tcp")\n';

const MATRIX: Mode = {
  name: "matrix",
  kind: "one",
  async run(suite, place) {
    await Deno.writeTextFile(join(place.path, "transports.py"), OPTION);
    const report = ["--json", "--junit", join(place.path, "junit.xml")];
    const words = [...RUN, ...limits(suite), ...report, "--matrix", "tpt-proto=tcp,uds"];
    const env = { PYTEST_PLUGINS: "transports", PYTHONPATH: place.path };
    const ended = await place.tractest(words, env);
    const suites = (await place.text("junit.xml")).split(/(?=<testsuite )/).slice(1);
    const cells = documentOf(ended.stdout)?.cells ?? [];
    // deno-lint-ignore no-explicit-any -- a document of another program
    const views = cells.map((cell: any, index: number) =>
      viewOf(cell, suites[index] ?? "", JSON.stringify(cell.cell))
    );
    return await observed(place, ended, views);
  },
};

const BACKGROUND: Mode = {
  name: "bg",
  kind: "one",
  async run(suite, place) {
    const script = '"$0" "$@" >&2 && "$0" wait --json';
    const junit = ["--junit", join(place.path, "junit.xml")];
    const words = [...RUN, "--bg", ...limits(suite), ...junit];
    const ended = await place.run(["sh", "-c", script, TRACTEST, ...words], 120);
    const document = documentOf(ended.stdout)?.run ?? null;
    return await observed(place, ended, [viewOf(document, await place.text("junit.xml"))]);
  },
};

const FAILED: Mode = {
  name: "failed",
  kind: "some",
  async run(suite, place) {
    const first = await place.tractest([...RUN, ...limits(suite)]);
    const text = `run: exit ${first.code}\n${first.stdout}${first.stderr}`;
    const list = documentOf((await place.tractest(["failed", "--json"])).stdout);
    await Deno.remove(join(place.path, "state"), { recursive: true });
    await Deno.mkdir(join(place.path, "state"));
    const ended = await place.tractest(["failed", "--run", "--json"]);
    // Nothing is recorded of a run that was cut: then there is nothing to run.
    const nothing = list?.count === 0;
    const seen = await observed(place, { ...ended, stderr: ended.stderr + text }, []);
    return { ...seen, code: nothing ? first.code : seen.code };
  },
};

const GIT =
  "git init -q . && git add -A && git -c user.name=a -c user.email=a@b.c commit -qm a && ";

const AFFECTED: Mode = {
  name: "affected",
  kind: "some",
  async run(suite, place) {
    const files = suite.files.map((file) => file.path);
    const script = `${GIT}for f in "$@"; do echo "CHANGED = 1" >>"$f"; done`;
    await place.run(["sh", "-c", script, "sh", ...files], 30);
    return await observed(place, await place.tractest(["affected", "--run", "--json"]), []);
  },
};

const HOOK: Mode = {
  name: "hook",
  kind: "one",
  async run(suite, place) {
    const junit = ["--junit", join(place.path, "junit.xml")];
    const command = [...RUN, ...limits(suite), ...junit].join(" ");
    const install = '"$0" hooks install pre-push --command "$1" >&2';
    const refs = 'echo "refs/heads/main $(git rev-parse HEAD) refs/heads/main 0"';
    const script = `${GIT}${install} && ${refs} | .git/hooks/pre-push origin x`;
    const ended = await place.run(["sh", "-c", script, TRACTEST, command], 120);
    const views = [viewOf(null, await place.text("junit.xml"))];
    return await observed(place, ended, views);
  },
};

/** All modes. */
export const MODES: readonly Mode[] = [
  simple("plain", "one", []),
  simple("isolate", "one", ["--isolate"]),
  simple("bar", "one", ["--ui", "bar"]),
  simple("jobs", "parts", ["--jobs", "2"], true),
  SHARDS,
  MATRIX,
  simple("retries", "one", ["--retries", "1"]),
  simple("resume", "one", ["--resume"], true),
  BACKGROUND,
  FAILED,
  AFFECTED,
  HOOK,
];
