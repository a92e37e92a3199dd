"""Addresses, as multiaddrs: `/ip4/127.0.0.1/tcp/1616` or `/unix/run/door.sock`."""

from __future__ import annotations

import ipaddress
from pathlib import PurePosixPath
from typing import NamedTuple


class TcpAddress(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        version = ipaddress.ip_address(self.host).version
        return f"/ip{version}/{self.host}/tcp/{self.port}"


class UdsAddress(NamedTuple):
    path: str

    def __str__(self) -> str:
        return f"/unix{self.path}"


Address = TcpAddress | UdsAddress


def parse(text: str) -> Address:
    """The address that `text` names; `ValueError` if it names none."""
    match PurePosixPath(text).parts:
        case ("/", "ip4" | "ip6" as key, host, "tcp", port):
            if ipaddress.ip_address(host).version != int(key[2:]):
                raise ValueError(f"not an {key} host: {host!r}")
            return TcpAddress(host, int(port))
        case ("/", "unix", _, *_):
            return UdsAddress(text.removeprefix("/unix"))
    raise ValueError(f"not an address: {text!r}")
