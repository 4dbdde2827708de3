"""The routes that make service networks the machine's own."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network

import pytest

from agent.proxy import anyip
from tests.conftest import missing

#: For documentation (RFC 5737): nobody has it, and no cluster uses it.
NETWORK = IPv4Network("203.0.113.0/26")


@pytest.fixture
def network() -> Iterator[IPv4Network]:
    if os.geteuid() != 0:
        missing("root")
    assert not anyip.is_local(NETWORK)
    yield NETWORK
    anyip.remove_routes([NETWORK])
    assert not anyip.is_local(NETWORK)


def test_a_routed_address_is_served_without_being_configured(network: IPv4Network) -> None:
    assert anyip.ensure_routes([network]).service_addresses
    assert anyip.ensure_routes([network]).service_addresses, "once is enough, twice is harmless"
    with (
        socket.create_server(("203.0.113.20", 0)) as server,
        socket.create_connection(server.getsockname(), 10) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            accepted.sendall(b"hello")
            assert client.recv(10) == b"hello"


def test_loopback_needs_no_route() -> None:
    assert anyip.is_local(IPv4Network("127.96.0.0/16"))
    assert anyip.is_local(IPv4Network("127.0.0.1/32"))


def test_removing_what_is_not_there_is_no_error(network: IPv4Network) -> None:
    anyip.remove_routes([network])


def test_without_the_privilege_the_message_says_what_to_do() -> None:
    message = as_nobody(lambda: anyip.ensure_routes([NETWORK]).message)
    assert "sudo ip route add local 203.0.113.0/26 dev lo" in message
    assert "node ports" in message
    assert not anyip.is_local(NETWORK)


def as_nobody(function: Callable[[], str]) -> str:
    """What `function` returns in a process without privileges."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(PermissionError):  # nobody already
            os.setresuid(65534, 65534, 65534)
        os.write(writing, function().encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        result = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return result
