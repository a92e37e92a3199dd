/** Which tests to run first when a module changed. */
export interface ChangeRow {
  /**
   * Files, or directories that end with `/`: below the package, or below the root if they start
   * with `/`.
   */
  readonly changed: readonly string[];
  /** Exceptions to these, written in the same way. */
  readonly except?: readonly string[];
  /** Files or directories below the tests directory; found by name if they have moved. */
  readonly tests: readonly string[];
  readonly note?: string;
}

/** The change map of tractor itself. Rows of `[tool.tractest] change-map` come before these. */
export const CHANGE_MAP = [
  {
    changed: ["runtime/_runtime.py", "runtime/_state.py"],
    tests: ["test_local.py", "test_rpc.py", "test_spawning.py", "test_root_runtime.py"],
  },
  { changed: ["discovery/"], tests: ["discovery/", "test_multi_program.py", "test_local.py"] },
  {
    changed: ["_context.py", "_streaming.py"],
    tests: ["test_context_stream_semantics.py", "test_advanced_streaming.py"],
  },
  { changed: ["ipc/"], tests: ["ipc/", "test_2way.py"] },
  {
    changed: ["runtime/_portal.py", "runtime/_rpc.py"],
    tests: ["test_rpc.py", "test_cancellation.py"],
  },
  { changed: ["spawn/"], tests: ["test_spawning.py", "test_multi_program.py"] },
  { changed: ["devx/debug/"], tests: ["devx/test_debugger.py"], note: "slow" },
  {
    changed: ["to_asyncio.py"],
    tests: ["test_infected_asyncio.py", "test_root_infect_asyncio.py"],
  },
  { changed: ["msg/"], tests: ["msg/"] },
  {
    changed: ["_exceptions.py"],
    tests: ["test_remote_exc_relay.py", "test_inter_peer_cancellation.py"],
  },
  { changed: ["runtime/_supervise.py"], tests: ["test_cancellation.py", "test_spawning.py"] },
  {
    changed: ["/examples/"],
    // The test leaves these out; other tests run the examples in them by name.
    except: [
      "/examples/advanced_faults/",
      "/examples/debugging/",
      "/examples/integration/",
      "/examples/multihost/",
      "/examples/trio/",
    ],
    tests: ["test_docs_examples.py"],
    note: "runs them as scripts",
  },
] as const satisfies readonly ChangeRow[];

/** Options of `run` that make the tests use a module that they don't use by default. */
export interface OptionRow {
  /** Paths below the package. */
  readonly changed: readonly string[];
  readonly options: readonly string[];
  readonly because: string;
}

/** The options for tractor itself, whose tests use TCP by default. */
export const OPTION_MAP = [
  {
    changed: ["ipc/_uds.py"],
    options: ["--tpt-proto", "uds"],
    because: "tests use Unix sockets only with it",
  },
] as const satisfies readonly OptionRow[];
