"""Whatever is sent through the proxy, in chunks of whatever sizes, arrives unchanged in both directions."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.proxy.server import Proxy
from agent.proxy.table import Frontend, Route
from orchestrator.api.meta import Key
from tests.fakes.running_loop import RunningLoop, eventually, running_loop
from tests.fakes.tcp_servers import receive_all, serving

FRONTEND = Frontend("127.0.0.1", 0)
#: Around what the proxy reads at once, and what makes it splice.
sizes = st.one_of(st.integers(1, 100), st.integers(65_000, 66_000), st.integers(200_000, 1_500_000))
chunks = st.lists(sizes, max_size=5)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningLoop]:
    with running_loop() as made:
        yield made


def contents(lengths: list[int], seed: int) -> list[bytes]:
    rng = random.Random(seed)
    return [rng.randbytes(length) for length in lengths]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks, chunks, st.integers(1000, 200_000))
def test_bytes_arrive_unchanged(running: RunningLoop, up: list[int], down: list[int], read: int) -> None:
    upward, downward = contents(up, 1), contents(down, 2)
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        writer = threading.Thread(target=send, args=(connection, downward))
        writer.start()
        heard.append(receive_all(connection))
        writer.join(timeout=10)

    proxy = Proxy(running.loop, lambda route, message: None)
    with serving(serve) as backend:
        running.call(lambda: proxy.apply({FRONTEND: Route(Key("default/web"), (backend,))}))
        address = running.call(lambda: proxy.listening[FRONTEND])
        with socket.create_connection(address, timeout=10) as client:
            writer = threading.Thread(target=send, args=(client, upward))
            writer.start()
            received = bytearray()
            while data := client.recv(read):
                received += data
            writer.join(timeout=10)
        running.call(lambda: proxy.apply({}))
    assert received == b"".join(downward)
    eventually(lambda: heard)
    assert heard == [b"".join(upward)]


def send(sock: socket.socket, parts: list[bytes]) -> None:
    for part in parts:
        sock.sendall(part)
    sock.shutdown(socket.SHUT_WR)
