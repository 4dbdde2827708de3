"""A forwarded connection over a WebSocket, with the agent's own end of it on the other side."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from agent.streams.carrier import WebSocket as AgentSocket
from orchestrator.cli.verbs.port_forward import relay
from orchestrator.client.websocket import WebSocket
from orchestrator.util.link import Link

PORT = (80).to_bytes(2, "little")


@dataclass
class Relayed:
    """`user` is the program on this machine, `pod` the agent's connection, which speaks through `carrier`."""

    user: socket.socket
    pod: socket.socket
    problems: list[str] = field(default_factory=list)
    carrier: AgentSocket = field(default_factory=AgentSocket)

    def say(self, channel: int, data: bytes) -> None:
        self.carrier.send(bytes([channel]) + data)
        self.pod.sendall(self.carrier.outgoing())

    def end(self) -> None:
        self.carrier.close()
        self.pod.sendall(self.carrier.outgoing())

    def got(self, size: int) -> bytes:
        """That many bytes, as the user gets them."""
        said = b""
        while len(said) < size and (piece := self.user.recv(size - len(said))):
            said += piece
        return said

    def hear(self) -> bytes:
        """The next message."""
        while True:
            for message in self.carrier.receive(self.pod.recv(1 << 16)):
                return message


@pytest.fixture
def relayed() -> Iterator[Relayed]:
    with running(patience=10.0) as found:
        yield found


@contextmanager
def running(patience: float) -> Iterator[Relayed]:
    """A relay in a thread, whose end is waited for."""
    (user, local), (pod, remote) = socket.socketpair(), socket.socketpair()
    found = Relayed(user, pod)
    for end in (user, pod):
        end.settimeout(10)
    tunnel = WebSocket(Link(remote))
    thread = threading.Thread(target=lambda: found.problems.append(relay(Link(local), tunnel, patience)))
    thread.start()
    try:
        yield found
        thread.join(10)
        assert not thread.is_alive()
    finally:
        for end in (user, local, pod, remote):
            end.close()


def test_bytes_go_both_ways_without_the_ports_number(relayed: Relayed) -> None:
    relayed.say(0, PORT[:1])
    relayed.say(0, PORT[1:] + b"wel")
    relayed.say(0, b"come")
    assert relayed.got(7) == b"welcome"
    relayed.user.sendall(b"hello")
    assert relayed.hear() == b"\x00hello"
    relayed.end()
    assert relayed.user.recv(1) == b""
    relayed.user.close()


def test_an_error_is_told() -> None:
    with running(patience=10.0) as relayed:
        relayed.say(0, PORT)
        relayed.say(1, PORT)
        relayed.say(1, b"connection refused")
        relayed.end()
        assert relayed.user.recv(1) == b""
        relayed.user.close()
    assert relayed.problems == ["connection refused"]


def test_the_pod_is_heard_out(relayed: Relayed) -> None:
    """A program may say that it has asked all, and still want the answer."""
    relayed.user.sendall(b"question")
    relayed.user.shutdown(socket.SHUT_WR)
    assert relayed.hear() == b"\x00question"
    relayed.say(0, PORT + b"answer")
    assert relayed.got(6) == b"answer"
    relayed.end()
    assert relayed.user.recv(1) == b""


def test_a_silent_pod_is_left_when_nobody_asks_any_more() -> None:
    with running(patience=0.1) as relayed:
        relayed.user.shutdown(socket.SHUT_WR)
        assert relayed.user.recv(1) == b""


def test_pings_are_answered(relayed: Relayed) -> None:
    relayed.pod.sendall(b"\x89\x02hi")
    pong = relayed.pod.recv(64)
    assert pong[0] == 0x8A
    relayed.end()
    assert relayed.user.recv(1) == b""
    relayed.user.close()
