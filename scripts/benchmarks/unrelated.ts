/** How many unrelated processes there are. */
export const UNRELATED = 2_000;

/**
 * Many unrelated processes in a pid namespace, which all end with its first one.
 */
export async function unrelated(): Promise<AsyncDisposable> {
  const script =
    `i=0; while [ $i -lt ${UNRELATED} ]; do sleep 3600 & i=$((i + 1)); done; echo ready; wait`;
  const own = Deno.uid() === 0 ? [] : ["--map-root-user"];
  const args = [...own, "--pid", "--fork", "--kill-child", "sh", "-c", script];
  const child = new Deno.Command("unshare", {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  await reader.cancel();
  if (done) throw new Error("pid namespaces are not available here");
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
