import {
  fits,
  type LedgerEntry,
  ledgerLine,
  parseLedger,
  recordedProcesses,
} from "../../lib/leaks/rules_ledger.ts";
import { assertEquals } from "../assert.ts";

const here = { bootId: "0f3c1d2e-0000-4000-8000-000000000001", pidNamespace: "pid:[4026531836]" };
const entry: LedgerEntry = {
  runId: "r-1",
  role: "process",
  pid: 42,
  uid: 7,
  startTicks: 1000,
  ...here,
  test: "tests/a.py::b",
  title: "x\ny",
};
const living = new Map([[42, { uid: 7, startTicks: 1000 }]]);

Deno.test("A line of the ledger is one line and says what was recorded", () => {
  const line = ledgerLine(entry);
  assertEquals([line.indexOf("\n"), parseLedger(line)], [line.length - 1, [entry]]);
});

Deno.test("garbage, incomplete lines and other versions are ignored, the rest is read", () => {
  const line = ledgerLine(entry);
  const garbage = [
    "",
    "{",
    "null",
    "[]",
    "7",
    '"x"',
    line.slice(0, -9),
    line.replace("ledger/1", "ledger/2"),
    "\0\ufffd",
  ];
  assertEquals(parseLedger(`${garbage.join("\n")}\n${line}`), [entry]);
  const wrong = [
    { pid: "42" },
    { pid: -1 },
    { pid: 1.5 },
    { role: "x" },
    { bootId: "" },
    { pidNamespace: "x" },
    { test: 3 },
    { runId: "\x1b" },
    {
      uid: null,
    },
  ];
  for (const change of wrong) {
    assertEquals(
      parseLedger(JSON.stringify({ ...JSON.parse(line), ...change })),
      [],
      JSON.stringify(change),
    );
  }
});

Deno.test("fault 55: an entry of another boot, pid namespace or user proves nothing", () => {
  assertEquals(fits(entry, living, here), true);
  assertEquals(
    fits({ ...entry, bootId: "0f3c1d2e-0000-4000-8000-000000000002" }, living, here),
    false,
  );
  assertEquals(fits({ ...entry, pidNamespace: "pid:[1]" }, living, here), false);
  assertEquals(fits({ ...entry, uid: 8 }, living, here), false);
  assertEquals(fits({ ...entry, startTicks: 1001 }, living, here), false);
  assertEquals(fits(entry, new Map([[42, { uid: 7, startTicks: null }]]), here), false);
  assertEquals(fits(entry, new Map(), here), false);
});

Deno.test("a process is left over once neither tractest nor the root of its run lives", () => {
  const runner: LedgerEntry = { ...entry, role: "runner", pid: 40, startTicks: 900 };
  const root: LedgerEntry = { ...entry, role: "root", pid: 41, startTicks: 950 };
  const entries = [runner, root, entry];
  const with40 = new Map([...living, [40, { uid: 7, startTicks: 900 }]]);
  const recorded = { runId: "r-1", test: "tests/a.py::b", since: 900 };
  const found = [[42, recorded]];
  assertEquals([...recordedProcesses(entries, living, here, 1).over], found as never);
  assertEquals([...recordedProcesses(entries, with40, here, 1).over], []);
  assertEquals([...recordedProcesses(entries, with40, here, 40).over], found as never);
  assertEquals([
    ...recordedProcesses(entries, new Map([...living, [41, { uid: 7, startTicks: 950 }]]), here, 40)
      .over,
  ], []);
  // Another process has the runner's pid by now.
  assertEquals([
    ...recordedProcesses(entries, new Map([...living, [40, { uid: 7, startTicks: 901 }]]), here, 1)
      .over,
  ], found as never);
  // Processes of an unfinished run are in use; a pytest whose tractest was killed still runs.
  assertEquals([...recordedProcesses(entries, with40, here, 1).live.keys()], [40, 42]);
  const with41 = new Map([...living, [41, { uid: 7, startTicks: 950 }]]);
  const abandoned = recordedProcesses(entries, with41, here, 1);
  assertEquals([[...abandoned.live.keys()], [...abandoned.abandoned.keys()], [...abandoned.over]], [
    [41, 42],
    [41],
    [],
  ]);
  const both = recordedProcesses([...entries, { ...entry, runId: "r-0" }], with40, here, 1);
  assertEquals(
    [[...both.live.keys()], [...both.over]],
    [[40, 42], []],
    "another run that is over recorded it too",
  );
});
