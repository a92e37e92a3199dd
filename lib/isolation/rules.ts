import type { IsolationWish } from "../project/configuration.ts";
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

/**
 * With which rights the namespaces are made: root's own, or those that anybody has in a user
 * namespace.
 */
export type IsolationMethod = "root" | "user";

/** What has to be known to start a command in isolation. Paths are absolute. */
export interface IsolationPlan {
  readonly method: IsolationMethod;
  /** tractest's own pid: with it ends what it started. */
  readonly runner: number;
  /** Where `setpriv` stands. */
  readonly setpriv: string;
  /** The script that is the first process inside. */
  readonly script: string;
  /** The directories in which programs other than the command are searched for. */
  readonly standard: readonly string[];
  /** Directories that contain sockets of actors, among other files. */
  readonly mirrors: readonly string[];
  /** Whether pytest is to lose rights that it has in a user namespace only. */
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
  const enter = [String(plan.runner), own, plan.standard.join(":")];
  const init = [plan.drop ? plan.setpriv : "", report, ...plan.mirrors, "--"];
  return [
    plan.setpriv,
    "--pdeathsig",
    "KILL",
    "/bin/sh",
    plan.script,
    "enter",
    ...enter,
    ...init,
    ...argv,
  ];
}

/** What was seen when an isolation was tried and refused. */
export interface RefusalEvidence {
  readonly uid: number | null;
  /** What was said on standard error. */
  readonly said: string;
  /**
   * By the names of {@linkcode ISOLATION_SETTINGS}; a setting that this kernel has not is missing.
   */
  readonly settings: ReadonlyMap<string, string>;
  /** Whether this is a container. */
  readonly container: boolean;
}

/** Why there is no isolation here, and what would help; null when nothing is known to. */
export interface Refusal {
  readonly reason: string;
  readonly remedy: string | null;
}

/**
 * The reason why the system refused, from the first setting that forbids it, else in the system's
 * own words.
 */
export function refusalOf({ uid, said, settings, container }: RefusalEvidence): Refusal {
  const sysctl = (key: keyof typeof ISOLATION_SETTINGS) =>
    ISOLATION_SETTINGS[key].replaceAll("/", ".");
  const set = (key: keyof typeof ISOLATION_SETTINGS, value: string) =>
    `sudo sysctl -w ${sysctl(key)}=${value}`;
  const [words = ""] = said.trim().split("\n");
  if (settings.get("maximum") === "0") {
    return {
      reason: `user namespaces are switched off (${sysctl("maximum")} is 0)`,
      remedy: set("maximum", "10000"),
    };
  }
  if (container) {
    return {
      reason: `the container does not permit namespaces${words === "" ? "" : ` (${words})`}`,
      remedy: "start the container with --privileged, or with --cap-add=SYS_ADMIN " +
        "--cap-add=NET_ADMIN and --security-opt seccomp=unconfined " +
        "apparmor=unconfined systempaths=unconfined",
    };
  }
  if (uid !== 0 && settings.get("unprivileged") === "0") {
    return {
      reason: `only root may make user namespaces (${sysctl("unprivileged")} is 0)`,
      remedy: set("unprivileged", "1"),
    };
  }
  if (uid !== 0 && settings.get("apparmor") === "1") {
    return {
      reason: `AppArmor restricts user namespaces (${sysctl("apparmor")} is 1)`,
      remedy: set("apparmor", "0"),
    };
  }
  return {
    reason: words === ""
      ? "the system refuses namespaces without saying why"
      : `the system refuses namespaces (${words})`,
    remedy: null,
  };
}

/**
 * How pytest ended, from the code of the isolation around it, which says a signal as a shell does.
 */
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
