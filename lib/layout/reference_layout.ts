/** One entry of the tests tree as the recipe describes it. */
export interface ReferenceRow {
  /** Below the tests directory; a directory ends with `/`. */
  readonly path: string;
  readonly about: string;
}

/** The tests tree of tractor as the recipe describes it; the tree on disk has moved on since. */
export const REFERENCE_LAYOUT = [
  { path: "conftest.py", about: "root fixtures, daemon, signals" },
  { path: "devx/", about: "debugger/tooling tests" },
  { path: "ipc/", about: "transport protocol tests" },
  { path: "msg/", about: "messaging layer tests" },
  { path: "discovery/", about: "discovery subsystem tests" },
  { path: "discovery/test_multiaddr.py", about: "multiaddr construction" },
  { path: "discovery/test_registrar.py", about: "registry/discovery protocol" },
  { path: "test_local.py", about: "registrar + local actor basics" },
  { path: "test_rpc.py", about: "RPC error handling" },
  { path: "test_spawning.py", about: "subprocess spawning" },
  { path: "test_multi_program.py", about: "multi-process tree tests" },
  { path: "test_cancellation.py", about: "cancellation semantics" },
  { path: "test_context_stream_semantics.py", about: "ctx streaming" },
  { path: "test_inter_peer_cancellation.py", about: "peer cancel" },
  { path: "test_infected_asyncio.py", about: "trio-in-asyncio" },
] as const satisfies readonly ReferenceRow[];
