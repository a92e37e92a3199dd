import { openLocked } from "../../lib/system/file_lock.ts";
import { assert, assertEquals } from "../assert.ts";

/** Runs a test as on a Deno that has no `tryLock`. */
async function withoutTryLock(action: () => Promise<void>): Promise<void> {
  const prototype = Deno.FsFile.prototype as { tryLock?: unknown };
  const { tryLock } = prototype;
  delete prototype.tryLock;
  try {
    await action();
  } finally {
    prototype.tryLock = tryLock;
  }
}

async function withFile(action: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ prefix: "tractest-lock-" });
  try {
    await action(path);
  } finally {
    await Deno.remove(path);
  }
}

/** Another process that holds the lock until its input ends. */
async function holder(path: string): Promise<Deno.ChildProcess> {
  const script = 'exec 9>>"$1"; flock 9; echo held; cat >/dev/null';
  const child = new Deno.Command("sh", {
    args: ["-c", script, "sh", path],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await child.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
  return child;
}

for (const way of ["with tryLock", "on a Deno without tryLock"] as const) {
  const here = way === "with tryLock" ? (action: () => Promise<void>) => action() : withoutTryLock;
  Deno.test(`a file is locked once, and again after it was closed, ${way}`, async () => {
    await here(() =>
      withFile(async (path) => {
        const first = await openLocked(path);
        assert(first !== null);
        assertEquals(await openLocked(path), null);
        assertEquals(await openLocked(path), null);
        first.close();
        const second = await openLocked(path);
        assert(second !== null);
        second.close();
      })
    );
  });
}

Deno.test("without tryLock, a lock granted between two calls is released", async () => {
  await withoutTryLock(() =>
    withFile(async (path) => {
      const child = await holder(path);
      assertEquals(await openLocked(path), null);
      await child.stdin.close();
      await child.status;
      // `flock` waits until the lock is released, although openLocked() is not called again.
      const free = await new Deno.Command("flock", {
        args: ["--timeout", "20", path, "true"],
        stdin: "null",
      }).output();
      assertEquals(free.code, 0);
    })
  );
});
