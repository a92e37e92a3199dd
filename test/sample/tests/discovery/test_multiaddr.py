"""Addresses as text."""

import pytest

from sample_actors.discovery._addr import TcpAddress, UdsAddress, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/ip4/127.0.0.1/tcp/1616", TcpAddress("127.0.0.1", 1616)),
        ("/ip6/::1/tcp/1616", TcpAddress("::1", 1616)),
        ("/unix/run/door.sock", UdsAddress("/run/door.sock")),
    ],
)
def test_roundtrip(text, address):
    assert parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["", "/", "/unix", "/ip4/::1/tcp/1616", "/ip4/127.0.0.1/udp/1616", "/ip4/a/tcp/1"],
    ids=repr,
)
def test_not_an_address(text):
    with pytest.raises(ValueError):
        parse(text)
