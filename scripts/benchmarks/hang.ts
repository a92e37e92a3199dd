import {
  both,
  type Comparison,
  isThere,
  removeIfThere,
  type Scene,
  type Side,
  SLOW_ROUNDS,
  TRACTEST,
  until,
} from "./harness.ts";
import { UNRELATED, unrelated } from "./unrelated.ts";

/** Processes of a tree that hangs. */
const STUCK = 30;

/** A pytest that hangs: its children write to a pipe that no process reads. */
async function stuck(root: string, python: string): Promise<AsyncDisposable> {
  const test = `${root}/tests/test_stuck.py`;
  const ready = `${root}/stuck`;
  removeIfThere(ready);
  await Deno.writeTextFile(
    test,
    `
import os
def test_stuck():
    read, write = os.pipe()
    for _ in range(${STUCK - 1}):
        if os.fork() == 0:
            os.write(write, b"x" * 1_000_000)
    open(${JSON.stringify(ready)}, "w").close()
    os.wait()
`,
  );
  const args = ["-w", python, "-m", "pytest", "-q", test];
  const child = new Deno.Command("setsid", {
    args,
    cwd: root,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(() => isThere(ready), "a pytest to hang");
  return {
    async [Symbol.asyncDispose]() {
      const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,args="] }).output();
      for (const [, pid, args] of new TextDecoder().decode(stdout).matchAll(/^ *(\d+) (.*)$/gm)) {
        if (args!.includes(test) && Number(pid) !== Deno.pid) Deno.kill(Number(pid), "SIGKILL");
      }
      await child.status;
      removeIfThere(test);
    },
  };
}

/** A stuck process tree. */
export function hang({ root, python, bareDeno }: Scene): Comparison[] {
  const hang: Side = { name: `tractest hang, ${STUCK} stuck processes`, argv: [TRACTEST, "hang"] };
  return [
    {
      name: `hang, ${STUCK} stuck`,
      rounds: SLOW_ROUNDS,
      ours: hang,
      theirs: bareDeno,
      company: () => stuck(root, python),
      goal: { seconds: 1 },
    },
    {
      name: `hang, ${UNRELATED} others`,
      rounds: SLOW_ROUNDS,
      ours: { ...hang, name: `tractest hang, ${STUCK} stuck processes and ${UNRELATED} others` },
      theirs: bareDeno,
      company: async () => both(await stuck(root, python), await unrelated()),
      goal: { seconds: 1 },
    },
  ];
}
