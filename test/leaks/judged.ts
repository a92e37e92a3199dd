import { Judge, type Judged } from "../../lib/leaks/rules.ts";
import type { Seen, Viewpoint } from "../../lib/leaks/rules_scene.ts";
import { Forest } from "../../lib/processes/forest.ts";
import type { DetailedProcess } from "../../lib/processes/process.ts";

/** The venv of the project. */
export const VENV = "/repo/py313";

/** The project from which processes are judged. */
export const VIEW: Viewpoint = {
  root: "/repo",
  venvs: [VENV],
  uid: 1000,
  ownPids: new Set([900, 901]),
};

/** What a test says of a process; the rest is the same for all. */
export type Row = Partial<DetailedProcess> & { readonly pid: number };

/** A process below pid 1 in the checkout; `args` and `comm` follow from `argv`. */
export function detailsOf(row: Row & Pick<DetailedProcess, "argv" | "mapped">): DetailedProcess {
  const { argv } = row;
  return {
    ppid: 1,
    uid: 1000,
    startTicks: 5000 + row.pid,
    state: "S",
    args: argv?.join(" ") ?? "",
    comm: argv?.[0]?.split("/").at(-1)?.slice(0, 15) ?? "",
    cwd: "/repo",
    place: "checkout",
    sameNamespaces: true,
    ...row,
  };
}

/** The first process of the machine. */
export const INIT: DetailedProcess = detailsOf({
  pid: 1,
  ppid: 0,
  uid: 0,
  argv: ["/sbin/init"],
  mapped: null,
  cwd: null,
  place: "unknown",
});

/** The verdict on the first of these processes, which are all that there are. */
export function judgeFirst(
  all: readonly DetailedProcess[],
  seen: Partial<Seen> = {},
  view: Partial<Viewpoint> = {},
): Judged {
  const details = new Map(all.map((row) => [row.pid, row]));
  const judge = new Judge({ ...VIEW, ...view }, { forest: new Forest(all), details, ...seen });
  return judge.judge(all[0]!);
}
