import { leakChecks, leakChecksOfRun } from "../../lib/preflight/leak_checks.ts";
import type { JudgedProcess, LeakReport, ListedProcess } from "../../lib/leaks/leak_report.ts";
import { checkResult, type CheckStatus, exitCodeOf } from "../../lib/preflight/rules.ts";
import { stopText } from "../../lib/preflight/show.ts";
import { environmentChecks, versionCheck } from "../../lib/preflight/environment_checks.ts";
import { type CheckId, CHECKS, checksOf } from "../../lib/preflight/check_ids.ts";
import { DEFAULT_CONFIGURATION, PLAIN_CONFIGURATION } from "../../lib/project/configuration.ts";
import { assert, assertEquals, assertIncludes } from "../assert.ts";

const IDS = checksOf({ profile: "tractor", configuration: DEFAULT_CONFIGURATION });
const check = (id: CheckId, status: CheckStatus) => checkResult(id, status, "");
const clean: LeakReport = {
  clean: true,
  registries: [{ address: "127.0.0.1:1616", bound: false, holders: [] }],
  actors: [],
  sockets: [],
  refused: [],
  liveRun: null,
  unknowns: [],
};
const actor: ListedProcess = {
  kind: "actor",
  test: null,
  ports: [],
  listens: [],
  runner: null,
  pid: 7,
  startTicks: 1,
  title: "_subactor[w0@7]",
  uid: 0,
  ours: true,
  verdict: "leaked",
  evidence: ["no pytest above it"],
};
const statuses = (report: LeakReport) =>
  Object.fromEntries(leakChecks(report, IDS).map(({ id, status }) => [id, status]));

Deno.test("the exit code is 81 only if nothing but leaks failed", () => {
  assertEquals(
    exitCodeOf([check("import", "ok"), check("venv", "warn"), check("actors", "unknown")], false),
    0,
  );
  assertEquals(exitCodeOf([check("import", "ok"), check("registry", "fail")], false), 81);
  assertEquals(exitCodeOf([check("import", "fail"), check("registry", "fail")], false), 80);
  assertEquals(
    exitCodeOf([check("registry", "fail")], true),
    80,
    "a registry that a live run holds is no leak",
  );
});

Deno.test("leaked actors alone don't stop a run: one warning names the clean-up", () => {
  const checks = leakChecksOfRun({ ...clean, clean: false, actors: [actor] }, IDS);
  assertEquals(checks.map(({ status }) => status), ["ok", "warn", "ok"]);
  assertEquals([checks[1]!.fix, exitCodeOf(checks, false)], ["tractest zombies --kill", 0]);
});

Deno.test("stopText() names the failed check and the next command", () => {
  const foreign = { ...actor, ours: false, verdict: "foreign" } as const;
  const held = leakChecks({
    ...clean,
    clean: false,
    registries: [{ address: "127.0.0.1:1616", bound: true, holders: [foreign] }],
  }, IDS);
  assertEquals(
    stopText(held),
    'stopped by "registry": 127.0.0.1:1616 is held by pid 7 (_subactor[w0@7]), foreign: ' +
      "no pytest above it. No test was started. " +
      "Next: tractest run --isolate",
  );
  assertEquals([stopText(leakChecks(clean, IDS)), stopText([check("venv", "fail")])], [
    null,
    'stopped by "venv": . No test was started. Next: tractest doctor',
  ]);
});

Deno.test("a clean report is three rows that are ok", () => {
  assertEquals(statuses(clean), { registry: "ok", actors: "ok", sockets: "ok" });
  assertEquals(leakChecks(clean, IDS)[0]!.detail, "127.0.0.1:1616 free");
});

Deno.test("a leaked actor, a held registry and a stale socket fail with evidence", () => {
  const report: LeakReport = {
    ...clean,
    clean: false,
    registries: [{ address: "127.0.0.1:1616", bound: true, holders: [actor] }],
    actors: [actor],
    sockets: [{ path: "/run/registry@1616.sock", verdict: "stale", evidence: [] }],
  };
  for (const row of leakChecks(report, IDS)) {
    assertEquals([row.status, row.fix], ["fail", "tractest zombies --kill"], row.id);
  }
  assertIncludes(
    leakChecks(report, IDS)[1]!.detail,
    "pid 7 (_subactor[w0@7]), leaked: no pytest above it",
  );
});

Deno.test("a registry held by a possible leak names the command to end it", () => {
  const holder = {
    pid: 7,
    startTicks: 1,
    title: "python app.py",
    uid: 0,
    ours: true,
    verdict: "unknown",
    evidence: [],
  } as const;
  const [registry] = leakChecks({
    ...clean,
    clean: false,
    registries: [{ address: "127.0.0.1:1616", bound: true, holders: [holder] }],
  }, IDS);
  assertEquals(
    registry!.fix,
    "tractest run --isolate\nif it is not needed: tractest zombies --kill --pid 7",
  );
  const script = { ...holder, ours: false, verdict: "in-use", title: "python -c a\nb" } as const;
  const [used] = leakChecks({
    ...clean,
    clean: false,
    registries: [{ address: "127.0.0.1:1616", bound: true, holders: [script] }],
  }, IDS);
  assertEquals(
    used!.fix,
    "tractest run --isolate\nor end its holder yourself: ss -tlnp 'sport = :1616'",
  );
  assertEquals(used!.detail, "127.0.0.1:1616 is held by pid 7 (python -c a\\nb), in-use");
});

Deno.test("fault 23: a registry whose holder can't be seen is held, never free", () => {
  const report: LeakReport = {
    ...clean,
    clean: false,
    registries: [{ address: "127.0.0.1:1616", bound: true, holders: [] }],
  };
  const [registry] = leakChecks(report, IDS);
  assertEquals(registry!.status, "fail");
  assertIncludes(registry!.detail, "held by a process you can't see (another user or container)");
  assert(!registry!.fix!.includes("--kill"), "what is not ours is not ours to end");
});

Deno.test("fault 37: what could not be checked is unknown, never clean", () => {
  const unknowns = ['"ss" is not installed in any standard directory (package iproute2)'];
  const report: LeakReport = {
    ...clean,
    clean: null,
    registries: [{ address: "a:1", bound: null, holders: [] }],
    unknowns,
  };
  assertEquals(statuses(report), { registry: "unknown", actors: "unknown", sockets: "unknown" });
  assertIncludes(leakChecks(report, IDS)[0]!.detail, "iproute2");
  const doubtful: LeakReport = {
    ...clean,
    clean: null,
    actors: [{ ...actor, verdict: "unknown" }],
    sockets: [{ path: "/s", verdict: "unknown", evidence: [] }],
  };
  assertEquals(statuses(doubtful), { registry: "ok", actors: "unknown", sockets: "unknown" });
});

Deno.test("a registry that a live run of this project holds names that run", () => {
  const holder: JudgedProcess = { ...actor, verdict: "in-use" };
  const report: LeakReport = {
    ...clean,
    registries: [{ address: "a:1", bound: true, holders: [holder] }],
    liveRun: { pid: 42, title: "pytest tests/" },
  };
  const [registry] = leakChecks(report, IDS);
  assertIncludes(registry!.detail, "pid 42 (pytest tests/)");
  assertIncludes(registry!.fix!, "--wait");
});

Deno.test("actors in use are counted and don't fail", () => {
  assertEquals(
    leakChecks({ ...clean, actors: [{ ...actor, verdict: "in-use" }] }, IDS)[1]!.detail,
    "none leaked, 1 in use",
  );
});

Deno.test("variables that pytest inherits are named with their values", () => {
  const rows = (variables: Record<string, string>) =>
    Object.fromEntries(
      environmentChecks(new Map(Object.entries(variables))).map((
        { id, status, detail },
      ) => [id, [status, detail] as const]),
    );
  assertEquals(
    Object.values(rows({ PATH: "/bin", LD_X: "", PYTEST_ADDOPTS: " " })).map(([status]) => status),
    ["ok", "ok", "ok", "ok"],
  );
  const set = rows({
    LD_PRELOAD: "/x.so",
    PYTEST_ADDOPTS: "--timeout=9",
    TRACTOR_LOG: "1",
    _TRACTOR_Y: "2",
    PYTHONOPTIMIZE: "1",
    PYTHONUTF8: "1",
  });
  assertEquals(set["ld-variables"]![0], "warn");
  assertIncludes(set["ld-variables"]![1], "LD_PRELOAD=/x.so");
  assertIncludes(set["pytest-addopts"]![1], "breaks trio");
  assertIncludes(set["tractor-variables"]![1], "TRACTOR_LOG=1\n_TRACTOR_Y=2");
  assertEquals(set["python-variables"], [
    "warn",
    "PYTHONOPTIMIZE=1\nthey change what is imported, and whether assertions and warnings count",
  ]);
});

Deno.test("the interpreter's version is compared with what the project requires", () => {
  const status = (version: string | null, requires: string | null, wantedMinor: string | null) =>
    versionCheck(version, { requires, wantedMinor }).status;
  assertEquals(status("3.12.1", ">=3.10", null), "ok");
  assertEquals(status("3.12.1", ">=3.13", null), "fail");
  assertEquals(status("3.12.1", ">=3.10", "313"), "warn");
  assertEquals(status("3.1.1", null, "312"), "warn");
  assertEquals(status("3.12.1", "whatever", "312"), "unknown");
  assertEquals(status(null, ">=3.13", null), "skipped");
});

Deno.test("every check has a stable id of its own", () => {
  const ids = CHECKS.map((row) => row.id);
  assertEquals(new Set(ids).size, ids.length);
  for (const id of ids) assert(/^[a-z]+(-[a-z]+)*$/.test(id), id);
});

Deno.test("a plain project has no check of tractor's, and gets those that it configures", () => {
  const plain = checksOf({ profile: "plain", configuration: PLAIN_CONFIGURATION });
  const only = (ids: readonly CheckId[], others: readonly CheckId[]) =>
    ids.filter((id) => !others.includes(id));
  assertEquals(only(IDS, plain), ["registry", "actors", "sockets", "tractor-variables"]);
  assertEquals(only(plain, IDS), ["leaks"]);
  const configuration = {
    ...PLAIN_CONFIGURATION,
    registries: ["127.0.0.1:1"],
    socketDirectories: ["run"],
  };
  assertEquals(only(checksOf({ profile: "plain", configuration }), plain), ["registry", "sockets"]);
});

Deno.test(
  "leaked processes of a plain project are a warning before a run, " +
    "and fail in doctor",
  () => {
    const plain = checksOf({ profile: "plain", configuration: PLAIN_CONFIGURATION });
    const report: LeakReport = { ...clean, clean: false, registries: [], actors: [actor] };
    assertEquals(leakChecksOfRun(report, plain).map(({ id, status }) => [id, status]), [
      ["leaks", "warn"],
    ]);
    assertEquals(exitCodeOf(leakChecks(report, plain), false), 81);
  },
);
