"""Sockets in another network namespace."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.streams.pod_network import LOCALHOST, Network


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """A process in a network of its own, with its loopback up."""
    command = "ip link set lo up && echo up && exec sleep 60"
    with subprocess.Popen(["unshare", "--net", "sh", "-c", command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "up\n":
            pytest.skip("no network namespace can be made here: that takes root")
        try:
            yield process.pid
        finally:
            process.kill()


def test_a_socket_inside(elsewhere: int) -> None:
    """It is in the other network, and the thread that asked for it is not."""
    own = Path("/proc/self/ns/net").stat().st_ino
    with socket.create_server((LOCALHOST, 0)) as here:
        port = here.getsockname()[1]
        sock, address = Network(LOCALHOST, elsewhere).socket()
        with sock, pytest.raises(ConnectionRefusedError):
            sock.connect((address, port))
        with socket.create_connection((LOCALHOST, port)):
            assert Path("/proc/thread-self/ns/net").stat().st_ino == own


@pytest.mark.parametrize("address", ["192.0.2.1"])
def test_a_network_that_is_not_the_pods(elsewhere: int, address: str) -> None:
    """The process is on another machine's engine: the number means another one here."""
    sock, target = Network(address, elsewhere).socket()
    sock.close()
    assert target == address


def test_a_process_that_is_gone() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    sock, target = Network("127.0.0.9", process.pid).socket()
    sock.close()
    assert target == "127.0.0.9"


def test_the_machines_own_network() -> None:
    sock, target = Network(LOCALHOST).socket()
    sock.close()
    assert target == LOCALHOST
