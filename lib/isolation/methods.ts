/** A program that an isolation needs, and the package that has it (Debian's name first). */
export interface IsolationProgramRow {
  readonly name: string;
  readonly packages: string;
  readonly purpose: string;
  /** Without it another program does the least of what is needed, if there is one. */
  readonly canBeMissing?: true;
}

/**
 * Every program that a session in isolation is started with, besides `/bin/sh`. `env` starts them,
 * as it starts pytest.
 */
export const ISOLATION_PROGRAMS = [
  { name: "unshare", packages: "util-linux", purpose: "makes the namespaces" },
  {
    name: "setpriv",
    packages: "util-linux",
    purpose: "ends the session when tractest dies, and drops the rights of a namespace's owner",
  },
  { name: "mount", packages: "mount (util-linux)", purpose: "a /proc and a /dev/shm of its own" },
  {
    name: "ip",
    packages: "iproute2",
    purpose: "makes the network; without it `ifconfig` or `python3` make one of loopback alone",
    canBeMissing: true,
  },
] as const satisfies readonly IsolationProgramRow[];

/** Kernel settings that can refuse it, as paths below `/proc/sys`. */
export const ISOLATION_SETTINGS = {
  apparmor: "kernel/apparmor_restrict_unprivileged_userns",
  unprivileged: "kernel/unprivileged_userns_clone",
  maximum: "user/max_user_namespaces",
} as const;
