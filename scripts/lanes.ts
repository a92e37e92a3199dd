/**
 * Runs test files in parallel: most tests wait for other processes, so two lanes take little more
 * than half the time. Each lane has its own namespaces, because the tests bind the registry's port,
 * count actors and search the whole machine for leaks.
 */

/** How a test process ended, and its results as JUnit XML; "" if there are none. */
export interface TestResult {
  readonly files: readonly string[];
  readonly success: boolean;
  readonly report: string;
}

/**
 * The files that take longest (a minute or more), longest first; the order of the others hardly
 * matters.
 */
const LONGEST = [
  "run_sample",
  "differential",
  "run_jobs",
  "hang/verdicts",
  "isolation/killed",
  "cli/hang",
  "soak",
  "run_grown",
  "run_engine",
  "cli/isolate",
  "background",
];

/** Rooms whose tests are fast: one process runs all tests of a room. */
const FAST_ROOMS: readonly string[] = [
  "affected",
  "agent_guide",
  "background",
  "base",
  "bisect",
  "flaky",
  "hooks",
  "layout",
  "matrix",
  "merge",
  "preflight",
  "project",
  "pytest",
  "report",
  "run",
  "stress",
  "system",
  "terminal",
];

/**
 * Keeps package registries reachable for the two programs that need them; everything else has a
 * network of its own. The first process of a pid namespace must collect orphans, which a shell does
 * while it waits.
 */
const SETUP = `set -e
lane=$1; shift
mkdir "$lane/bin"
touch "$lane/network"
mount --bind /proc/self/ns/net "$lane/network"
for program in uv npm; do
  if path=$(command -v $program); then
    script='#!/bin/sh\\nexec nsenter --net=%s %s "$@"\\n'
    printf "$script" "$lane/network" "$path" >"$lane/bin/$program"
    chmod +x "$lane/bin/$program"
  fi
done
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
PATH=$lane/bin:$PATH unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$@"
exit $?`;

const NAMESPACES = ["--mount", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"];

/**
 * How many lanes there are: more than one only for root and with namespaces. TRACTEST_TEST_LANES
 * overrides it.
 */
export async function laneCount(): Promise<number> {
  const wanted = Number(
    Deno.env.get("TRACTEST_TEST_LANES") ?? Math.min(4, navigator.hardwareConcurrency),
  );
  if (wanted < 2 || Deno.build.os !== "linux" || Deno.uid() !== 0) return 1;
  const directory = await Deno.makeTempDir({ prefix: "tractest-lane-" });
  try {
    const { success } = await lane(["nsenter", `--net=${directory}/network`, "true"], directory)
      .output();
    return success ? wanted : 1;
  } catch {
    return 1;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/**
 * Runs the files in lanes, and prints the output of each process when it is over.
 *
 * @param test the command line for some files, which writes its results to a path
 * @param isHung whether a line of the output reports that a test takes too long: its process is
 *   ended
 */
export async function inLanes(
  count: number,
  files: readonly string[],
  test: (files: readonly string[], results: string) => readonly string[],
  isHung: (output: string) => boolean,
): Promise<TestResult[]> {
  // The first process of a pid namespace ignores signals from a terminal.
  const interrupted = () => {
    for (const [directory, end] of running) {
      end();
      Deno.removeSync(directory, { recursive: true });
    }
    Deno.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, interrupted);
  }
  const waiting = batches(files);
  const results: TestResult[] = [];
  const work = async () => {
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
      results.push(await runBatch(batch, test, isHung));
    }
  };
  await Promise.all(Array.from({ length: count }, work));
  return results;
}

function batches(files: readonly string[]): string[][] {
  const rank = (file: string) => {
    const index = LONGEST.findIndex((part) => file.includes(part));
    return index < 0 ? LONGEST.length : index;
  };
  const byKey = Map.groupBy(
    [...files].sort((a, b) => rank(a) - rank(b)),
    (file) => FAST_ROOMS.find((room) => file.startsWith(`test/${room}/`)) ?? file,
  );
  return [...byKey.values()];
}

/** A function to end each running test process, by its directory. */
const running = new Map<string, () => void>();

async function runBatch(
  files: readonly string[],
  test: (files: readonly string[], results: string) => readonly string[],
  isHung: (output: string) => boolean,
): Promise<TestResult> {
  const directory = await Deno.makeTempDir({ prefix: "tractest-lane-" });
  const results = `${directory}/results.xml`;
  try {
    const child = lane(test(files, results), directory).spawn();
    const end = () => child.kill("SIGKILL");
    running.set(directory, end);
    let output = "";
    const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        output += text;
        if (isHung(text)) end();
      }
    };
    const [{ success }] = await Promise.all([child.status, read(child.stdout), read(child.stderr)]);
    running.delete(directory);
    console.log(output.trimEnd());
    return { files, success, report: await Deno.readTextFile(results).catch(() => "") };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function lane(argv: readonly string[], directory: string): Deno.Command {
  const args = [...NAMESPACES, "sh", "-c", SETUP, "sh", directory, ...argv];
  return new Deno.Command("unshare", { args, stdin: "null", stdout: "piped", stderr: "piped" });
}
