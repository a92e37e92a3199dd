"""Questions to the registrar."""

import tractor
import trio

from sample_actors.discovery._addr import TcpAddress

# tractor's own default.
REGISTRAR = TcpAddress("127.0.0.1", 1616)


async def registered(registrar: TcpAddress = REGISTRAR) -> set[str]:
    """The names of all registered actors."""
    async with tractor.get_arbiter(*registrar) as portal:
        registry = await portal.run_from_ns("self", "get_registry")
    # A key is "<name>.<uuid>"; names may contain dots, uuids don't.
    return {key.rpartition(".")[0] for key in registry}


async def wait_until_gone(name: str, registrar: TcpAddress = REGISTRAR) -> None:
    """Return when no actor called `name` is registered; the registrar sends no notice."""
    while name in await registered(registrar):
        await trio.sleep(0.02)
