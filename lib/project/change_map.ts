/** Which tests to run first when a module changed. */
export interface ChangeRow {
  /**
   * Paths below the package, or with `/` in front below the root, outside of package and tests: a
   * file, or a directory that ends with `/`.
   */
  readonly changed: readonly string[];
  /** What of these it is not about, written in the same way. */
  readonly except?: readonly string[];
  /**
   * Files or directories below the tests directory, by the name they had when the row was written;
   * found wherever they live today.
   */
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
    // As the test itself leaves them out; others run what is in them by its name.
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

/** Options of `run` with which the tests use a module that they do not use by default. */
export interface OptionRow {
  /** Paths below the package. */
  readonly changed: readonly string[];
  /** As `run` takes them. */
  readonly options: readonly string[];
  readonly because: string;
}

/** Of tractor itself: its tests run over TCP unless they are asked for something else. */
export const OPTION_MAP = [
  {
    changed: ["ipc/_uds.py"],
    options: ["--tpt-proto", "uds"],
    because: "tests use Unix sockets only with it",
  },
] as const satisfies readonly OptionRow[];
