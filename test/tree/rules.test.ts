import fc from "fast-check";
import type { UsageRow } from "../../lib/system/programs/ps.ts";
import { parseUsage } from "../../lib/system/programs/ps.ts";
import { treeLines } from "../../lib/tree/show.ts";
import { type TreeNode, treeOf, type TreeScene } from "../../lib/tree/rules.ts";
import { assert, assertEquals } from "../assert.ts";

function usage(pid: number, ppid: number, args = `program ${pid}`): UsageRow {
  return { pid, ppid, uid: 0, state: "S", args, age: 65, cpu: 2, memory: 5_000_000 };
}

function scene(rows: readonly UsageRow[], more: Partial<TreeScene> = {}): TreeScene {
  return { rows, roots: new Map(), tests: new Map(), listens: new Map(), own: 999, ...more };
}

/** Each process with its depth and verdict. */
function shape(nodes: readonly TreeNode[]): string[] {
  return nodes.map(({ process, depth, verdict }) =>
    `${" ".repeat(depth)}${process.pid} ${verdict}`
  );
}

Deno.test("what is below a process has its verdict, unless it has one of its own", () => {
  const rows = [usage(2, 1), usage(3, 2), usage(4, 3), usage(5, 3), usage(9, 1), usage(999, 2)];
  const roots = new Map(
    [
      [2, { verdict: "runner", evidence: [], title: "tractest run" }],
      [5, { verdict: "leaked", evidence: ["why"] }],
    ] as const,
  );
  const nodes = treeOf(scene(rows, { roots }));
  assertEquals(shape(nodes), ["2 runner", " 3 in-use", "  4 in-use", "  5 leaked"]);
  assertEquals(nodes[0]!.title, "tractest run");
});

Deno.test("every process below a root stands in the tree once, after what is above it", () => {
  const parents = fc.array(fc.nat(20), { minLength: 1, maxLength: 20 });
  fc.assert(fc.property(parents, fc.nat(19), (ppids, root) => {
    const rows = ppids.map((ppid, index) => usage(index + 1, ppid));
    const roots = new Map([[root + 1, { verdict: "leaked", evidence: [] }]] as const);
    const pids = treeOf(scene(rows, { roots })).map(({ process }) => process.pid);
    assertEquals(new Set(pids).size, pids.length);
    for (const pid of pids) {
      const { ppid } = rows[pid - 1]!;
      if (pid !== root + 1) assert(pids.includes(ppid), `${pid} without its parent ${ppid}`);
    }
    assertEquals(pids.includes(root + 1), root < rows.length);
  }));
});

Deno.test("a narrow terminal cuts titles, never verdicts", () => {
  const rows = [usage(2, 1, "a ".repeat(200)), usage(3, 2, "\x1b[31mred")];
  const roots = new Map([[2, { verdict: "leaked", evidence: [] }]] as const);
  const nodes = treeOf(scene(rows, { roots }));
  for (const width of [60, 80, 120]) {
    const [, ...lines] = treeLines({ nodes, unknowns: [] }, width, (_, text) => text);
    for (const line of lines) {
      assert(line.length < width, line);
      assert(/ leaked /.test(line), line);
      assert(!line.includes("\x1b"), line);
    }
  }
});

Deno.test("rows of ps with their use are read, and incomplete ones are left out", () => {
  const text = "   65    2  4882       2       1     0 Ss   sleep 9\nnonsense\n";
  assertEquals(parseUsage(text), {
    processes: [{ ...usage(2, 1, "sleep 9"), memory: 4882 * 1024 }],
    rejected: 1,
  });
});

Deno.test("where a command does not fit, the directories of its program are left out", () => {
  const title = "/home/dev/a-project/with/a-long-path/.venv/bin/python -m pytest tests/";
  const roots = new Map([[2, { verdict: "runner", evidence: [], title }]] as const);
  const nodes = treeOf(scene([usage(2, 1)], { roots }));
  const lineAt = (width: number) =>
    treeLines({ nodes, unknowns: [] }, width, (_, text) => text)[1]!;
  assert(lineAt(80).endsWith("  python -m pytest tests/"), lineAt(80));
  assert(lineAt(140).endsWith(`  ${title}`), lineAt(140));
});
