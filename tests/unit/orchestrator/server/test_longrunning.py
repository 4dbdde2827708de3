from __future__ import annotations

import socket
import threading

import pytest

from orchestrator.api.errors import TooManyRequests
from orchestrator.server.longrunning import LongRunning


def test_ends_when_the_client_goes() -> None:
    running, ended = LongRunning(), threading.Event()
    ours, theirs = socket.socketpair()
    with ours, running.running(ours, ended.set):
        assert len(running) == 1
        assert not ended.is_set()
        theirs.close()
        assert ended.wait(5)
    assert len(running) == 0


def test_a_client_that_says_something_has_not_gone() -> None:
    running, ended, other_ended = LongRunning(), threading.Event(), threading.Event()
    ours, theirs = socket.socketpair()
    other, others_peer = socket.socketpair()
    with ours, theirs, other, running.running(ours, ended.set), running.running(other, other_ended.set):
        theirs.send(b"more")
        others_peer.close()
        assert other_ended.wait(5)
        assert not ended.is_set()


def test_is_bounded() -> None:
    running = LongRunning(limit=1)
    one, two = socket.socketpair()
    with one, two:
        first = running.running(one, lambda: None)
        with first, pytest.raises(TooManyRequests, match="which is the limit: try again later"):
            running.running(two, lambda: None).__enter__()
        with running.running(two, lambda: None):
            assert len(running) == 1


def test_stop_ends_all_and_lets_none_begin() -> None:
    running, ended = LongRunning(), threading.Event()
    one, two = socket.socketpair()
    with one, two, running.running(one, ended.set):
        running.stop()
        assert ended.is_set()
        with pytest.raises(TooManyRequests), running.running(two, lambda: None):
            raise AssertionError("stopped")
