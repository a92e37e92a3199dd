import type {
  Clock,
  Files,
  Host,
  Output,
  Permissions,
  Programs,
  Terminal,
} from "../lib/system/host.ts";

/** A stream that records its text. */
export class Recorder implements Output {
  text = "";
  columns = 80;
  rows = 24;
  isBroken = false;
  failure: string | null = null;
  constructor(readonly isTerminal = false) {}
  write(text: string | Uint8Array): void {
    this.text += typeof text === "string" ? text : new TextDecoder().decode(text);
  }
}

/** Streams that are not a terminal and record their text. */
export function recordingTerminal(): Terminal & {
  readonly stdout: Recorder;
  readonly stderr: Recorder;
} {
  return {
    stdout: new Recorder(),
    stderr: new Recorder(),
    stdinIsTerminal: false,
    readKeys: () => null,
  };
}

/** The members of a host and of its groups. */
type Parts = Partial<
  & Omit<Host, "files" | "programs" | "terminal" | "clock" | "permissions">
  & Files
  & Programs
  & Terminal
  & Clock
  & Permissions
>;

/** A host with only the given members; using another one fails the test and names it. */
export function fakeHost<T extends Parts>(parts: T): Host & T {
  const base: Parts = {
    platform: "linux",
    pid: 1000,
    cwd: "/repo",
    ...recordingTerminal(),
    onProgram: null,
    env: () => undefined,
    uid: () => 1000,
    restrict: () => {},
  };
  const all: object = { ...base, ...parts };
  const only = (name: string) => {
    throw new Error(`the fake host has no "${name}"`);
  };
  const group: unknown = new Proxy(all, {
    get: (target, name) => name in target ? Reflect.get(target, name) : only(String(name)),
  });
  const groups: readonly unknown[] = ["files", "programs", "terminal", "clock", "permissions"];
  return new Proxy(all, {
    get: (target, name) =>
      groups.includes(name)
        ? group
        : name in target
        ? Reflect.get(target, name)
        : only(String(name)),
  }) as Host & T;
}
