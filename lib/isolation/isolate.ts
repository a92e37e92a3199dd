import { join, resolve } from "@std/path";
import {
  isolatedCommand,
  type IsolationMethod,
  type IsolationPlan,
  type Refusal,
  refusalOf,
  usesSharedTemporary,
} from "./rules.ts";
import {
  interfaceRefusal,
  LOOPBACK_ALONE,
  networkDifferences,
  networkInside,
  type NetworkPlan,
  networkScript,
  type OutsideNetwork,
  withoutInterface,
} from "./rules_network.ts";
import { readNetwork } from "./gather.ts";
import type { Mark } from "../base/cookie.ts";
import type { Host } from "../system/host.ts";
import { parseRecords } from "../system/programs/environ.ts";
import { probe } from "../system/programs/probe.ts";
import { parseProcessFiles, type ProcessFiles } from "../system/programs/proc.ts";
import { findInStandardDirectories } from "../system/programs/standard_directory.ts";
import { embeddedDirectory } from "../project/directories.ts";
import type { Project } from "../project/project.ts";
import { ISOLATION_PROGRAMS, ISOLATION_SETTINGS, type IsolationProgramRow } from "./methods.ts";
import { type HeldSocket, parseHeldSockets } from "../system/programs/ss.ts";
import { STANDARD_DIRECTORIES } from "../tables/programs.ts";
import script from "./isolate.sh" with { type: "text" };

/** Namespaces of its own for each session of a run: network, pids, mounts, IPC. */
export interface Isolation {
  readonly method: IsolationMethod;
  /** What the network inside lacks, although the one outside has it; a sentence each. */
  readonly differences: readonly string[];
  /**
   * Wraps the command of a session. Its first process ends everything left inside when it ends, and
   * it ends when tractest does.
   */
  wrap(argv: readonly string[], session: string): string[];
  /** The exit code of the command; null while it runs. The namespaces may outlive it shortly. */
  exitCode(session: string): Promise<number | null>;
  /**
   * Processes that the session left behind, with their pids inside. They ended with its namespaces,
   * so nothing has to be cleaned up.
   */
  outlived(session: string): Promise<Outlived>;
}

/**
 * Processes that ended with an isolation, by pid the marks of the tests that started them, and on
 * what they listened.
 */
export interface Outlived {
  readonly processes: readonly ProcessFiles[];
  readonly marks: ReadonlyMap<number, Mark>;
  readonly sockets: readonly HeldSocket[];
}

const SCRIPT = "isolate.sh";
/** Milliseconds that a trial may take; it usually takes a few hundredths of a second. */
const TRY_MS = 10_000;
/** The exit code of a successful trial. */
const TRIED = 42;

/**
 * Tries once whether sessions can be isolated here, and says why if they can't. Starts and ends a
 * session that does nothing.
 *
 * @param directory a private directory of this run, for the reports of its sessions
 */
export async function isolate(
  host: Host,
  project: Project,
  { directory }: { readonly directory: string },
): Promise<Isolation | Refusal> {
  if (host.platform !== "linux") {
    return {
      reason: "namespaces are Linux's; this system has none",
      remedy: "run it in a Linux container or machine",
    };
  }
  const places = await Promise.all(
    ISOLATION_PROGRAMS.map(async (row) => ({
      row,
      place: await findInStandardDirectories(host, row.name),
    })),
  );
  const missing: readonly IsolationProgramRow[] = places.filter(({ place }) => place === null)
    .map(({ row }) => row);
  if (missing.some((row) => !row.canBeMissing)) return notInstalled(missing);
  const uid = host.uid();
  const own = await embeddedDirectory(host, "isolation", { [SCRIPT]: script }, directory);
  const network = join(directory, "network");
  const common = {
    runner: host.pid,
    setpriv: places.find(({ row }) => row.name === "setpriv")!.place!,
    script: join(own, SCRIPT),
    standard: STANDARD_DIRECTORIES,
    network,
    // A plain user has all rights in its user namespace; pytest must have no more than outside.
    drop: uid !== 0,
  };
  const outside = await readNetwork(host);
  const methods: readonly IsolationMethod[] = uid === 0 ? ["root", "user"] : ["user"];
  let said = "";
  for (const method of methods) {
    const plan: IsolationPlan = { ...common, method, mirrors: [] };
    const tried = await tryNetworks(host, plan, outside, directory);
    if ("differences" in tried) {
      const mirrors = await mirrorsOf(host, project);
      return new Namespaces(host, { ...plan, mirrors }, directory, tried.differences);
    }
    said = tried.said;
  }
  // All that can be missing is what brings the network up.
  if (missing.length > 0) return notInstalled(missing);
  const container = await isContainer(host);
  return refusalOf({ uid, said, settings: await settings(host), container });
}

/** Tries an isolation with the best network first, and says what that lacks, or why it failed. */
async function tryNetworks(
  host: Host,
  plan: IsolationPlan,
  outside: OutsideNetwork | null,
  directory: string,
): Promise<{ readonly differences: readonly string[] } | { readonly said: string }> {
  const report = join(directory, "outlived-try");
  const command = isolatedCommand(plan, ["/bin/sh", "-c", `exit ${TRIED}`], report);
  const why = "whether sessions can be isolated";
  const lost: string[] = [];
  for (const carrier of ["interface", "loopback"] as const) {
    const inside = outside === null ? LOOPBACK_ALONE : networkInside(outside, plan.method, carrier);
    await writeNetwork(host, inside, plan.network);
    const tried = await host.programs.run("env", command, { cwd: "/", why, timeoutMs: TRY_MS });
    if (tried.outcome !== "exited" || tried.code !== TRIED) {
      const words = () => new TextDecoder().decode(tried.stderr);
      return { said: tried.outcome === "timed-out" ? "it timed out" : words() };
    }
    const complaints = await host.files.readText(`${report}-network`) ?? "";
    const refusal = interfaceRefusal(inside, complaints);
    if (refusal !== null) lost.push(withoutInterface(refusal));
    else if (outside === null) return { differences: [`loopback alone (${UNKNOWN_NETWORK})`] };
    else return { differences: [...lost, ...networkDifferences(inside, complaints)] };
  }
  return { differences: lost };
}

/** Why the network inside has no more than loopback if nothing is known about that outside. */
const UNKNOWN_NETWORK = "the network outside can't be read";

/** Writes the files that the first process of each session makes its network from. */
async function writeNetwork(host: Host, plan: NetworkPlan, directory: string): Promise<void> {
  const etc = join(directory, "etc");
  await host.files.makeDirectory(etc);
  await Promise.all([
    ...Object.entries(networkScript(plan, directory)).map(([name, text]) =>
      host.files.writeFile(join(directory, name), text)
    ),
    // Tests may change their user.
    ...[...plan.etc].map(([name, text]) => host.files.writeFile(join(etc, name), text, 0o644)),
  ]);
}

function notInstalled(missing: readonly IsolationProgramRow[]): Refusal {
  const packages = [...new Set(missing.map((row) => row.packages))];
  const names = missing.map((row) => `"${row.name}"`).join(", ");
  const are = missing.length === 1 ? "is" : "are";
  return {
    reason: `${names} ${are} not installed in any standard directory`,
    remedy: `install the package ${packages.join(", ")}`,
  };
}

/** Whether isolation was refused. */
export function isRefusal(answer: Isolation | Refusal): answer is Refusal {
  return "reason" in answer;
}

class Namespaces implements Isolation {
  constructor(
    private readonly host: Host,
    private readonly plan: IsolationPlan,
    private readonly directory: string,
    readonly differences: readonly string[],
  ) {}

  get method(): IsolationMethod {
    return this.plan.method;
  }

  wrap(argv: readonly string[], session: string): string[] {
    return isolatedCommand(this.plan, argv, this.#report(session));
  }

  async exitCode(session: string): Promise<number | null> {
    const code = await this.host.files.readText(`${this.#report(session)}-code`);
    return code === null ? null : Number(code);
  }

  async outlived(session: string): Promise<Outlived> {
    const report = this.#report(session);
    const [processes = "", marks = "", sockets = ""] = await Promise.all(
      ["", "-marks", "-sockets"].map((end) => this.host.files.readText(`${report}${end}`)),
    );
    return {
      processes: parseOutlived(processes ?? ""),
      marks: parseRecords((marks ?? "").split("\0").slice(0, -1)) ?? new Map(),
      sockets: parseHeldSockets(sockets ?? "").rows,
    };
  }

  #report(session: string): string {
    return join(this.directory, `outlived-${session}`);
  }
}

/** Parses the report of the first process: pids on a line, then their files, if complete. */
export function parseOutlived(text: string): ProcessFiles[] {
  const [, list = "", files = ""] = /^([\d ]*)\n(.*)$/s.exec(text) ?? [];
  const rows = parseProcessFiles(files, list.split(" ").filter((word) => word !== "").map(Number));
  return [...rows?.values() ?? []].filter((row) => row.state !== "Z" && row.state !== "X");
}

/**
 * Directories in which actors leave sockets among files that tests share with the outside: those of
 * the configuration, and `/tmp` if this tractor uses it. Newer ones use the runtime directory,
 * which is private as a whole.
 */
async function mirrorsOf(host: Host, project: Project): Promise<string[]> {
  const configured = project.configuration.socketDirectories.map((path) =>
    resolve(project.root, path)
  );
  const wanted = [...configured, ...await usesTemporary(host, project) ? ["/tmp"] : []];
  const resolved = await Promise.all([...new Set(wanted)].map(async (path) => {
    const real = await host.files.realPath(path).catch(() => null);
    return real !== null && (await host.files.stat(real).catch(() => null))?.kind === "directory"
      ? real
      : null;
  }));
  // Parents come first: mounting one hides earlier mounts below it.
  return [...new Set(resolved.filter((path) => path !== null))].sort();
}

async function usesTemporary(host: Host, project: Project): Promise<boolean> {
  const list = async (path: string) =>
    (await host.files.readDirectory(path).catch(() => null) ?? []).map(({ name }) => name);
  if (project.profile === "plain") return false;
  if ((await list("/tmp")).some((name) => /^registry@.*\.sock$/s.test(name))) return true;
  const [before, after = ""] = project.configuration.venv.split("<MINOR>");
  const isVenv = (name: string) =>
    (name.startsWith(before!) && name.endsWith(after)) || name === ".venv";
  const names = (await list(project.root)).filter(isVenv);
  const venvs = names.map((name) => join(project.root, name, "lib"));
  const installed = await Promise.all(
    venvs.map(async (lib) => (await list(lib)).map((name) => join(lib, name, "site-packages"))),
  );
  const files = [project.root, ...installed.flat()].flatMap((place) =>
    ["_addr.py", "ipc/_uds.py"].map((name) => join(place, "tractor", name))
  );
  const texts = await Promise.all(files.map((file) => host.files.readText(file).catch(() => null)));
  return texts.some((text) => text !== null && usesSharedTemporary(text));
}

async function settings(host: Host): Promise<Map<string, string>> {
  const read = await Promise.all(
    Object.entries(ISOLATION_SETTINGS).map(async ([key, path]) => {
      const why = "what forbids namespaces";
      const { text } = await probe(host, "cat", [`/proc/sys/${path}`], { why });
      return text === undefined || text === null ? [] : [[key, text.trim()] as const];
    }),
  );
  return new Map(read.flat());
}

async function isContainer(host: Host): Promise<boolean> {
  const marks = await Promise.all(
    ["/.dockerenv", "/run/.containerenv"].map((path) => host.files.stat(path).catch(() => null)),
  );
  return marks.some((mark) => mark !== null);
}
