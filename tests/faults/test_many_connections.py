"""Far more connections than a shell's limit of descriptors allows, to an API server in a process of its own."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestrator.util import descriptors
from orchestrator.util.settings import Settings
from tests.fakes.api import cluster_home
from tests.unit.orchestrator.server.http_client import Https

ROOT = Path(__file__).parents[2]
MANY = 2000
#: What the server is started with.
_SOFT, _HARD = 256, 4096


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Settings]:
    settings = cluster_home(tmp_path)
    command = [sys.executable, "-m", "orchestrator", "--home", str(tmp_path), "--components", "api"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_SOFT, _HARD))

    with subprocess.Popen(command, cwd=ROOT, preexec_fn=limit, stderr=subprocess.PIPE, text=True) as process:
        try:
            _await(settings)
            yield settings
        finally:
            process.terminate()
            _, said = process.communicate(timeout=20)
    assert "Traceback" not in said


def _await(settings: Settings) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if Https(settings).get("/readyz").code == 200:
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_others_are_answered_meanwhile(server: Settings) -> None:
    descriptors.raise_limit()
    https = Https(server)
    kept = https.connect()
    address = (server.api_host, server.api_port)
    crowd: list[socket.socket] = []
    with ExitStack() as opened:
        for number in range(MANY):
            connection = opened.enter_context(socket.create_connection(address, timeout=10))
            crowd.append(connection)
            if number % 100 == 0:
                connection.sendall(b"\x16\x03\x01\x02\x00\x01")  # half a hello
                begun = time.monotonic()
                kept.request("GET", "/api/v1/namespaces/default")
                assert kept.getresponse().read().startswith(b"{")
                assert time.monotonic() - begun < 5
        for _ in range(20):
            assert https.get("/api/v1/namespaces").code == 200
        # The newest are held: none was turned away for want of descriptors.
        assert not any(_ended(connection) for connection in crowd[-_SOFT:])
    kept.close()


def _ended(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
