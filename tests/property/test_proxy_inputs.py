"""What the service proxy is given: its own copy of the table, after a disk had it, and datagrams of any sort."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.proxy.balance import Balancer
from agent.proxy.catalog import catalog, encode, load
from agent.proxy.table import Backend, Frontend, Route
from agent.proxy.udp import UdpListener
from orchestrator.api.meta import Key
from tests.fakes.running_loop import running_loop
from tests.fakes.services import endpoint, endpoint_slice, service

from .bounded import bounded, spoilt

_CATALOG = catalog([service()], [endpoint_slice(endpoint("172.17.0.2"))])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("node") / "proxy-table.json"


@bounded
@given(spoilt(encode(_CATALOG)) | st.binary(max_size=50))
def test_a_copy_that_was_spoilt(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert load(file) == ({} if content != encode(_CATALOG) else _CATALOG)


@pytest.fixture(scope="module")
def client() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's socket, connected to the proxy, and the backend's behind it."""
    with running_loop() as running, socket.socket(type=socket.SOCK_DGRAM) as backend:
        backend.bind(("127.0.0.1", 0))
        backend.settimeout(5)
        route = Route(Key("default/web"), (Backend(*backend.getsockname()),))
        balancer = Balancer(route, random.Random(0))
        listener = running.call(lambda: UdpListener(running.loop, Frontend("127.0.0.1", 0, "UDP"), balancer))
        with socket.socket(type=socket.SOCK_DGRAM) as made:
            made.connect(listener.address)
            made.settimeout(5)
            yield made, backend
        running.call(listener.close)


@bounded
@given(st.lists(st.binary(max_size=40) | st.sampled_from((b"", bytes(9000), bytes(60_000))), min_size=1, max_size=5))
def test_any_datagrams(client: tuple[socket.socket, socket.socket], datagrams: list[bytes]) -> None:
    """Each arrives as it is, also an empty one, and so does its answer."""
    made, backend = client
    for datagram in datagrams:
        made.send(datagram)
        data, proxy = backend.recvfrom(65535)
        backend.sendto(data[::-1], proxy)
        assert (data, made.recv(65535)) == (datagram, datagram[::-1])
