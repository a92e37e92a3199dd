import type { Host, Output } from "../lib/system/host.ts";

/** A stream that keeps what was written. */
export class Recorder implements Output {
  text = "";
  columns = 80;
  rows = 24;
  isBroken = false;
  constructor(readonly isTerminal = false) {}
  write(text: string | Uint8Array): void {
    this.text += typeof text === "string" ? text : new TextDecoder().decode(text);
  }
}

/** A host of which only the given parts exist; using any other part fails the test and names it. */
export function fakeHost<T extends Partial<Host>>(parts: T): Host & T {
  const base: Partial<Host> = {
    platform: "linux",
    pid: 1000,
    cwd: "/repo",
    stdout: new Recorder(),
    stderr: new Recorder(),
    stdinIsTerminal: false,
    onProgram: null,
    env: () => undefined,
    uid: () => 1000,
    restrict: () => {},
  };
  return new Proxy({ ...base, ...parts } as Host & T, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name);
      throw new Error(`the fake host has no "${String(name)}"`);
    },
  });
}
