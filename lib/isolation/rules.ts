import type { IsolationWish } from "../project/configuration_keys.ts";
import { ISOLATION_SETTINGS } from "./methods.ts";

/**
 * What was asked for: the option before the configuration.
 *
 * @param option the value of `--isolate`; null when it was not given
 * @param refused whether `--no-isolate` was given, which excludes the option
 */
export function isolationWish(
  option: string | null,
  refused: boolean,
  configured: IsolationWish,
): IsolationWish {
  if (refused) return "never";
  return option === null ? configured : option === "auto" ? "auto" : "always";
}

/** Who makes the namespaces: root, or any user in a user namespace. */
export type IsolationMethod = "root" | "user";

/** How to start a command in isolation. Paths are absolute. */
export interface IsolationPlan {
  readonly method: IsolationMethod;
  /** tractest's own pid: the isolation ends with it. */
  readonly runner: number;
  /** The path of `setpriv`. */
  readonly setpriv: string;
  /** The script that is the first process inside. */
  readonly script: string;
  /** The directories in which programs other than the command are searched for. */
  readonly standard: readonly string[];
  /** The directory of the files from which the network inside is made. */
  readonly network: string;
  /** Directories that contain sockets of actors, among other files. */
  readonly mirrors: readonly string[];
  /** Whether pytest must lose the rights that it would have only in a user namespace. */
  readonly drop: boolean;
}

/**
 * The command that runs `argv` in isolation and writes what outlives it to the file `report`. It
 * ends with the code of `argv`.
 */
export function isolatedCommand(
  plan: IsolationPlan,
  argv: readonly string[],
  report: string,
): string[] {
  // The caller's own user inside too: files that are made belong to it.
  const own = plan.method === "user" ? "--user --map-current-user --keep-caps" : "";
  const start = [plan.setpriv, "--pdeathsig", "KILL", "/bin/sh", plan.script];
  const enter = ["enter", String(plan.runner), own, plan.standard.join(":")];
  const init = [plan.drop ? plan.setpriv : "", report, plan.network, ...plan.mirrors, "--"];
  return [...start, ...enter, ...init, ...argv];
}

/** What is known about a refused isolation. */
export interface RefusalEvidence {
  readonly uid: number | null;
  /** The text on standard error. */
  readonly said: string;
  /** By the names of {@linkcode ISOLATION_SETTINGS}, without those that this kernel lacks. */
  readonly settings: ReadonlyMap<string, string>;
  /** Whether this is a container. */
  readonly container: boolean;
}

/** Why there is no isolation here, and what would help; null when that is unknown. */
export interface Refusal {
  readonly reason: string;
  readonly remedy: string | null;
}

/**
 * The reason why the system refused, from the first setting that forbids it, else in the system's
 * own words.
 */
export function refusalOf({ uid, said, settings, container }: RefusalEvidence): Refusal {
  const setTo = (
    key: keyof typeof ISOLATION_SETTINGS,
    value: string,
    problem: string,
    wanted: string,
  ): Refusal | null => {
    const sysctl = ISOLATION_SETTINGS[key].replaceAll("/", ".");
    const remedy = `sudo sysctl -w ${sysctl}=${wanted}`;
    return settings.get(key) === value
      ? { reason: `${problem} (${sysctl} is ${value})`, remedy }
      : null;
  };
  const [words = ""] = said.trim().split("\n");
  const off = setTo("maximum", "0", "user namespaces are switched off", "10000");
  if (off !== null) return off;
  if (container) {
    return {
      reason: `the container does not permit namespaces${words === "" ? "" : ` (${words})`}`,
      remedy: "start the container with --privileged, or with --cap-add=SYS_ADMIN " +
        "--cap-add=NET_ADMIN and --security-opt seccomp=unconfined " +
        "apparmor=unconfined systempaths=unconfined",
    };
  }
  const forbidden = uid === 0 ? null : (
    setTo("unprivileged", "0", "only root may make user namespaces", "1") ??
      setTo("apparmor", "1", "AppArmor restricts user namespaces", "0")
  );
  const why = words === "" ? "without saying why" : `(${words})`;
  return forbidden ?? { reason: `the system refuses namespaces ${why}`, remedy: null };
}

/** How pytest ended, from the code of the isolation around it: 128 + n for signal n. */
export function endOfIsolated(
  end: { readonly code: number; readonly signal: string | null },
): { code: number; signal: string | null } {
  const signal = end.signal ?? SIGNALS[end.code - 128] ?? null;
  return { code: end.code, signal };
}

/** Signals that end processes, by their numbers on Linux. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
};

/**
 * Whether the source of tractor's Unix transport puts sockets into `/tmp` itself, as it once did;
 * today it takes the runtime directory.
 */
export function usesSharedTemporary(source: string): boolean {
  return /["'](?:file:)?\/tmp(?:\/[^"']*)?["']/.test(source.replace(/#.*$/gm, ""));
}
