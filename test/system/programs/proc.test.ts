import fc from "fast-check";
import {
  parseProcessFiles,
  parseProcessLinks,
  parseWorkingDirectories,
} from "../../../lib/system/programs/proc.ts";
import { assert, assertEquals } from "../../assert.ts";

const BOOT = "0e7cdbc4-6b3d-4a43-9d0c-5f1d2a3b4c5d\n";
const stats = (await Deno.readTextFile(
  new URL("../../fixtures/captures/proc-pid-stat-orphans.txt", import.meta.url),
)).split("\n").slice(0, -1);

/** What `cat` prints for one process. */
function files(
  stat: string,
  { uid = 1000, commandLine = "", maps = "", namespaced = "" } = {},
): string {
  const status = `Name:\tx\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n${namespaced}`;
  return `${stat}\n${status}${BOOT}${commandLine}${BOOT}${maps}${BOOT}`;
}

Deno.test("identity, command line and mapped files are read for several processes", () => {
  const maps = "55d0-55d1 r--p 00000000 08:01 77                         " +
    "/repo/py313/lib/python3.13/site-packages/msgspec/_core.so\n" +
    "7ffd-7ffe rw-p 00000000 00:00 0                          [stack]\n" +
    "55d0-55d1 r--p 00000000 08:01 77                         /repo/a\\012b (deleted)\n";
  const text = BOOT + files(stats[0]!, { commandLine: "_subactor[w0@14911]\0\0\0", maps }) +
    files(stats[1]!, { commandLine: "python\0-m\0x y\0" });
  const rows = parseProcessFiles(text, [14911, 14915]);
  assertEquals(rows?.get(14911), {
    pid: 14911,
    innerPid: 14911,
    depth: 1,
    group: 14904,
    session: 1452,
    isForkedCopy: false,
    ppid: 1,
    uid: 1000,
    startTicks: 241342,
    state: "S",
    comm: "_subactor[w0@14",
    argv: ["_subactor[w0@14911]"],
    mapped: ["/repo/py313/lib/python3.13/site-packages/msgspec/_core.so", "/repo/a\nb (deleted)"],
  });
  assertEquals([rows?.get(14915)?.argv, rows?.get(14915)?.mapped, rows?.get(14915)?.startTicks], [
    ["python", "-m", "x y"],
    null,
    241396,
  ]);
});

Deno.test("a name with parentheses, spaces and a line end does not shift the fields", () => {
  const tail = stats[0]!.slice(stats[0]!.lastIndexOf(")") + 1);
  for (const name of ["a) S 1 2", ") R 1\n1 (b", "", "((("]) {
    const row = parseProcessFiles(BOOT + files(`14911 (${name})${tail}`), [14911])?.get(14911);
    assertEquals([row?.comm, row?.ppid, row?.startTicks], [name, 1, 241342]);
  }
});

Deno.test("the last pid of a process is that in its own namespace", () => {
  const row = parseProcessFiles(
    BOOT + files(stats[0]!, { namespaced: "NSpid:\t14911\t17\t2\nNSpgid:\t14911\t0\t0\n" }),
    [14911],
  )?.get(14911);
  assertEquals([row?.pid, row?.innerPid, row?.depth], [14911, 2, 3]);
});

Deno.test("a process that is gone is skipped, the others are read", () => {
  const text = `${BOOT}${BOOT}${BOOT}${BOOT}${files(stats[1]!)}`;
  assertEquals([...parseProcessFiles(text, [14911, 14915])?.keys() ?? []], [14915]);
});

Deno.test("unexpected output is rejected as a whole", () => {
  const good = BOOT + files(stats[0]!);
  assertEquals(parseProcessFiles(good, [14915]), null, "another pid");
  assertEquals(parseProcessFiles(good, [14911, 14915]), null, "one process too few");
  assertEquals(parseProcessFiles(good.slice(0, -5), [14911]), null, "cut short");
  assertEquals(
    parseProcessFiles(BOOT + files(stats[0]!, { commandLine: `x${BOOT}y` }), [14911]),
    null,
    "a separator in a command line",
  );
  assertEquals(parseProcessFiles("", [14911]), null);
});

Deno.test("output that is cut short anywhere is refused, never half read", () => {
  const good = BOOT +
    files(stats[0]!, { commandLine: "a\0b\0", maps: "55d0-55d1 r--p 00000000 08:01 77 /x\n" });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: good.length - 1 }),
      (length) => assertEquals(parseProcessFiles(good.slice(0, length), [14911]), null),
    ),
  );
});

Deno.test("links are read by process, with exact paths", () => {
  const own = "mnt:[1]\0pid:[2]\0/home\0/\0";
  const text = `77\0${own}77\0mnt:[1]\0pid:[2]\0/re\npo (deleted)\0/\0` + "77\0" + "77\0" +
    "mnt:[9]\0pid:[2]\0/x\0/chroot\0" + "77\0";
  assertEquals(parseProcessLinks(text, [5, 6, 7]), {
    own: ["mnt:[1]", "pid:[2]"],
    rows: new Map([
      [5, { cwd: "/re\npo (deleted)", root: "/", namespaces: ["mnt:[1]", "pid:[2]"] as const }],
      [6, { cwd: null, root: null, namespaces: null }],
      [7, { cwd: "/x", root: "/chroot", namespaces: ["mnt:[9]", "pid:[2]"] as const }],
    ]),
  });
  assertEquals(parseProcessLinks(text.slice(0, -1), [5, 6, 7]), null, "cut short");
  assertEquals(parseProcessLinks(text, [5, 6]), null, "one process too many");
});

Deno.test("device and inode are read for the processes that have them", () => {
  assertEquals(
    parseWorkingDirectories("/proc/5/cwd 65024 77\n/proc/6/cwd x\n/proc/7/cwd 1 2"),
    new Map([[5, { device: 65024, inode: 77 }]]),
  );
});

Deno.test("arbitrary bytes never break the parsers", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, separated) => {
    const text = (separated ? BOOT : "") +
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    const rows = parseProcessFiles(text, [1]);
    assert(rows === null || rows.size <= 1);
    parseProcessLinks(text, [1]);
    parseWorkingDirectories(text);
  }));
});
