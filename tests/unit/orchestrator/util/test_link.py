from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from orchestrator.util import link as link_module
from orchestrator.util.link import Link, linger, read_no_more, relay, wait

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def other() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    with ours, theirs:
        yield ours, theirs


def receive(sock: socket.socket) -> bytes:
    """All there is, to the end."""
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def test_reading_does_not_wait_and_sees_the_end(pair: Pair) -> None:
    link = Link(pair[0], b"early")
    assert link.read() == b"early"
    assert (link.read(), link.ended) == (b"", False)
    pair[1].sendall(b"late")
    pair[1].close()
    assert (link.read(), link.ended) == (b"late", False)
    assert (link.read(), link.ended, link.error) == (b"", True, None)


def test_what_does_not_fit_is_written_later_and_then_the_end(pair: Pair) -> None:
    link = Link(pair[0])
    content = b"x" * (2 << 20)
    link.write(content)
    link.finish()
    assert link.full and not link.flushed
    got = []
    reader = threading.Thread(target=lambda: got.append(receive(pair[1])))
    reader.start()
    while not link.flushed:
        wait([(link, False)], 10)
    reader.join(10)
    assert got == [content]


def test_what_nobody_takes_is_dropped(pair: Pair) -> None:
    link = Link(pair[0])
    pair[1].close()
    link.write(b"lost")
    link.write(b"lost")
    assert link.flushed
    assert isinstance(link.error, BrokenPipeError)


def test_an_error_is_an_end_with_a_reason() -> None:
    refused = socket.socket()
    refused.setblocking(False)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused.connect_ex(unused.getsockname())
    with refused:
        link = Link(refused)
        while not link.ended:
            wait([(link, True)], 10)
            link.read()
        assert isinstance(link.error, ConnectionRefusedError)


def test_waiting_ends_with_the_time(pair: Pair) -> None:
    wait([(Link(pair[0]), True)], 0.01)
    link = Link(pair[0], b"here already")
    wait([(link, True)])
    assert link.events(reading=False) == 0
    assert link.events(reading=True) & select.POLLIN


def start_relay(pair: Pair, other: Pair) -> threading.Thread:
    thread = threading.Thread(target=relay, args=(Link(pair[0]), Link(other[0])))
    thread.start()
    return thread


def test_a_relay_passes_both_ways_and_one_end_after_the_other(pair: Pair, other: Pair) -> None:
    thread = start_relay(pair, other)
    pair[1].sendall(b"question")
    assert other[1].recv(100) == b"question"
    pair[1].shutdown(socket.SHUT_WR)
    assert other[1].recv(100) == b""
    other[1].sendall(b"answer")
    assert pair[1].recv(100) == b"answer"
    other[1].shutdown(socket.SHUT_WR)
    assert pair[1].recv(100) == b""
    thread.join(10)
    assert not thread.is_alive()


def test_a_relay_holds_little_for_who_does_not_read(pair: Pair, other: Pair) -> None:
    """The writer is held back, and gets on as soon as the other reads."""
    thread = start_relay(pair, other)
    content = b"x" * (4 << 20)
    writer = threading.Thread(target=lambda: (pair[1].sendall(content), pair[1].shutdown(socket.SHUT_WR)))
    writer.start()
    writer.join(0.2)
    assert writer.is_alive()
    assert receive(other[1]) == content
    other[1].close()
    thread.join(10)
    assert not thread.is_alive()


def test_reading_no_more_ends_a_relay_after_what_had_come(pair: Pair, other: Pair) -> None:
    pair[1].sendall(b"last words")
    read_no_more(pair[0])
    thread = start_relay(pair, other)
    assert receive(other[1]) == b"last words"
    other[1].close()
    thread.join(10)
    assert not thread.is_alive()
    pair[0].close()
    read_no_more(pair[0])


def test_lingering_waits_for_the_other_end_but_not_forever(pair: Pair) -> None:
    link = Link(pair[0])
    begun = time.monotonic()
    linger(link, 0.05)
    assert 0.04 < time.monotonic() - begun < 5
    assert pair[1].recv(10) == b""
    pair[1].sendall(b"never mind")
    pair[1].close()
    begun = time.monotonic()
    linger(link, 60)
    assert link.ended
    assert time.monotonic() - begun < 5


def test_who_takes_nothing_is_given_up(pair: Pair, other: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stops reading; the program that it left sees the end, and nobody waits on."""
    monkeypatch.setattr(link_module, "LINGER", 0.1)
    pair[1].sendall(b"request")
    writer = threading.Thread(target=_pour, args=(other[1],), daemon=True)
    writer.start()
    begun = time.monotonic()
    relay(Link(pair[0], patience=0.2), Link(other[0]))
    assert 0.2 <= time.monotonic() - begun < 5
    assert other[1].recv(100) == b"request"
    other[0].close()
    writer.join(10)
    assert not writer.is_alive()


def test_who_takes_a_little_is_not_given_up(pair: Pair) -> None:
    link = Link(pair[0], patience=0.2)
    link.write(b"x" * (1 << 20))
    for _ in range(6):
        pair[1].recv(1 << 16)
        wait([(link, True)], 0.05)
    assert not (link.ended or link.flushed)
    wait([(link, True)])
    wait([(link, True)])
    assert (link.read(), link.ended, link.flushed) == (b"", True, True)


def _pour(sock: socket.socket) -> None:
    """Until nobody takes it."""
    with suppress(OSError):
        while True:
            sock.sendall(b"x" * 65536)
