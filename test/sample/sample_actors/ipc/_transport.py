"""Listening and connecting, over TCP or over a unix socket."""

import socket

import trio

from sample_actors.discovery._addr import Address, TcpAddress, UdsAddress


async def listen(address: Address) -> trio.SocketListener:
    """Listen on `address`; TCP port 0 takes a free one."""
    if isinstance(address, TcpAddress):
        [listener] = await trio.open_tcp_listeners(address.port, host=address.host)
        return listener
    sock = trio.socket.socket(socket.AF_UNIX)
    await sock.bind(address.path)
    sock.listen()
    return trio.SocketListener(sock)


def address_of(listener: trio.SocketListener) -> Address:
    """The address that `listener` really has."""
    name = listener.socket.getsockname()
    return UdsAddress(name) if isinstance(name, str) else TcpAddress(*name[:2])


async def connect(address: Address) -> trio.SocketStream:
    """Connect to a listener."""
    if isinstance(address, TcpAddress):
        return await trio.open_tcp_stream(*address)
    return await trio.open_unix_socket(address.path)
