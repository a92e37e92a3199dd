/** A program that orphans get as their parent, though it did not start them. */
export interface AdopterRow {
  /** The kernel's name of the program, or the name by which it was started. */
  readonly name: RegExp;
  /** `first`: only as the first process of a pid namespace; `any`: also as a subreaper. */
  readonly as: "first" | "any";
  readonly reason: string;
}

/**
 * Programs that adopt orphans and never start an actor themselves. An actor below one of these has
 * lost its parent: actors are started by actors, or by the root of their tree. Anything else may be
 * below one because it was started by it (a service, say).
 */
export const ADOPTERS = [
  {
    name: /^systemd$/,
    as: "any",
    reason: "the system's first process, and the user's manager, which is a subreaper",
  },
  { name: /^(init|openrc-init|launchd)$/, as: "first", reason: "the system's first process" },
  {
    name: /^(tini|tini-static|docker-init|podman-init)$/,
    as: "any",
    reason: "first process of a container, or a subreaper with -s",
  },
  {
    name: /^(dumb-init|catatonit|pid1)$/,
    as: "any",
    reason: "first process of a container: it waits for what it adopts",
  },
  {
    name: /^(s6-svscan|s6-linux-init|runit|runit-init|finit|dinit)$/,
    as: "first",
    reason: "supervisors that are a first process",
  },
  { name: /^(my_init|phusion-init)$/, as: "first", reason: "first process of a base image" },
  {
    name: /^(containerd-shim.*|conmon|crun|runc)$/,
    as: "any",
    reason: "subreapers of container engines",
  },
  {
    name: /^(pause|sleep|tail|cat)$/,
    as: "first",
    reason: "keep a container alive and start nothing at all",
  },
  {
    name: /^(ba|da|z|k|mk|a|fi)?sh$|^busybox$/,
    as: "first",
    reason: "a container's script: what it starts by itself is no actor",
  },
] as const satisfies readonly AdopterRow[];
