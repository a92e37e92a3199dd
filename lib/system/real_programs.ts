import { ToolMissingError, TractestError } from "../errors.ts";
import { EXIT } from "../tables/exit_codes.ts";
import { type ProgramName, PROGRAMS, STANDARD_DIRECTORIES } from "../tables/programs.ts";
import { reason } from "./failures.ts";
import type {
  Clock,
  ProgramNotice,
  ProgramResult,
  Programs,
  RunOptions,
  Signal,
  StartedProgram,
  StartOptions,
} from "./host.ts";
import { pathsOf } from "./permission_flags.ts";

const DEFAULT_TIMEOUT_MS = 5_000;
/** Milliseconds between SIGTERM and SIGKILL for programs of an interrupted command. */
const ABANDON_MS = 1_000;
/** Milliseconds to wait for the end of an exited program's output: others may hold the pipe. */
const DRAIN_MS = 500;
const NOTHING = new Uint8Array();

/** The {@linkcode Programs} that starts real programs. */
export class RealPrograms implements Programs {
  onProgram: ((notice: ProgramNotice) => void) | null = null;
  readonly #clock: Clock;
  /** The programs that {@linkcode run} is waiting for. */
  readonly #awaited = new Set<Deno.ChildProcess>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async run(
    program: ProgramName,
    args: readonly string[],
    options: RunOptions,
  ): Promise<ProgramResult> {
    this.onProgram?.({ argv: [program, ...args], cwd: options.cwd, why: options.why });
    const child = this.#spawn(program, {
      args: [...args],
      cwd: options.cwd,
      clearEnv: !options.inherit,
      env: options.inherit
        ? {}
        : options.exactEnv
        ? { ...options.env }
        : { PATH: STANDARD_DIRECTORIES.join(":"), LC_ALL: "C", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    if (!child) return { outcome: "missing", code: -1, stdout: NOTHING, stderr: NOTHING };
    this.#awaited.add(child);
    void child.status.finally(() => this.#awaited.delete(child));
    const stdout = new Drain(child.stdout);
    const stderr = new Drain(child.stderr);
    // Not setTimeout: its first call costs more than a probe does.
    const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const timedOut = new Promise<null>((done) =>
      timeout.addEventListener("abort", () => done(null))
    );
    const status = await Promise.race([child.status, timedOut]);
    // Its end is not awaited: a process that hangs in the kernel survives even SIGKILL.
    if (!status) killChild(child, "SIGKILL");
    // A grandchild may hold the pipe for as long as it lives.
    const deadline = AbortSignal.timeout(DRAIN_MS);
    const [out, error] = await Promise.all([stdout.take(deadline), stderr.take(deadline)]);
    return {
      outcome: status ? "exited" : "timed-out",
      code: status?.code ?? -1,
      stdout: out,
      stderr: error,
    };
  }

  /** Ends the programs that {@linkcode run} is waiting for: by SIGTERM, then by SIGKILL. */
  async abandon(): Promise<void> {
    const children = [...this.#awaited];
    for (const child of children) killChild(child, "SIGTERM");
    const ended = Promise.all(children.map((child) => child.status));
    const late = new AbortController();
    await Promise.race([ended, this.#clock.sleep(ABANDON_MS, late.signal)]).finally(() =>
      late.abort()
    );
    for (const child of this.#awaited) killChild(child, "SIGKILL");
  }

  start(program: ProgramName, args: readonly string[], options: StartOptions): StartedProgram {
    this.onProgram?.({ argv: [program, ...args], cwd: options.cwd, why: options.why });
    const child = this.#spawn(program, {
      args: [...args],
      cwd: options.cwd,
      clearEnv: true,
      env: { ...options.env },
      stdin: options.input === undefined ? options.stdin : "piped",
      stdout: options.stdout,
      stderr: options.stderr,
      detached: options.detached,
    });
    if (!child) {
      const row = PROGRAMS.find((candidate) => candidate.name === program);
      throw new ToolMissingError(program, `install the package "${row?.packages ?? program}"`);
    }
    if (options.input !== undefined) void writeAll(child.stdin, options.input);
    return { pid: child.pid, status: child.status, kill: (signal) => killChild(child, signal) };
  }

  /** The child process; null if the program is not installed. */
  #spawn(program: ProgramName, options: Deno.CommandOptions): Deno.ChildProcess | null {
    for (const path of pathsOf(program)) {
      try {
        return new Deno.Command(path, options).spawn();
      } catch (error) {
        // Deno reports a missing cwd as NotFound too; trying the other paths is harmless then.
        const isMissing = error instanceof Deno.errors.NotFound ||
          error instanceof Deno.errors.PermissionDenied;
        if (isMissing) continue;
        const message = `Cannot start "${path}": ${reason(error)}`;
        throw new TractestError("cannot-start", message, EXIT.bug);
      }
    }
    return null;
  }
}

/** Collects a stream as it arrives, so that nothing before a deadline is lost. */
class Drain {
  #chunks: Uint8Array[] = [];
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #ended: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.#ended = this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      for (let part = await this.#reader.read(); !part.done; part = await this.#reader.read()) {
        this.#chunks.push(part.value);
      }
    } catch {
      // Cancelled at the deadline.
    }
  }

  /** Everything that arrives before the stream ends or `deadline` aborts. */
  async take(deadline: AbortSignal): Promise<Uint8Array> {
    const cancel = () => void this.#reader.cancel().catch(() => {});
    deadline.addEventListener("abort", cancel);
    await this.#ended;
    deadline.removeEventListener("abort", cancel);
    const whole = new Uint8Array(this.#chunks.reduce((size, chunk) => size + chunk.length, 0));
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }
}

/** Writes a text and closes; its reader may leave before the end. */
async function writeAll(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  await writer.write(new TextEncoder().encode(text)).catch(() => {});
  await writer.close().catch(() => {});
}

function killChild(child: Deno.ChildProcess, signal: Signal): boolean {
  try {
    child.kill(signal);
    return true;
  } catch {
    return false;
  }
}
