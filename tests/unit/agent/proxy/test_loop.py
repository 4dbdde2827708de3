"""The loop's promises to its handlers."""

from __future__ import annotations

import socket
import threading

import pytest

from agent.proxy.loop import READ, Loop


def run(loop: Loop) -> None:
    loop.run()
    loop.close()


def test_timers_fire_in_order_and_cancelled_ones_not_at_all() -> None:
    loop, fired = Loop(), list[str]()
    loop.call_later(0.02, lambda: fired.append("late"))
    loop.call_later(0.03, loop.stop)
    loop.call_later(0.0, lambda: fired.append("first"))
    loop.call_later(0.0, lambda: fired.append("second"))
    loop.call_later(0.01, lambda: fired.append("never")).cancel()
    run(loop)
    assert fired == ["first", "second", "late"]


def test_calls_from_threads_wake_it() -> None:
    loop, called = Loop(), list[int]()

    def call() -> None:
        for number in range(100):
            loop.call_from_thread(lambda number=number: called.append(number))  # type: ignore[misc]
        loop.call_from_thread(loop.stop)

    threading.Thread(target=call).start()
    run(loop)
    assert called == list(range(100))


def test_an_event_of_a_closed_socket_does_not_reach_the_next_with_its_number() -> None:
    """Both sockets are readable in one batch; the first handler closes the other's and opens a new one."""
    loop = Loop()
    pairs = [socket.socketpair() for _ in range(2)]
    heard: list[str] = []
    replacements: list[socket.socket] = []

    def take(mine: int) -> None:
        other = pairs[1 - mine][0]
        number = other.fileno()
        loop.dispose(other)
        loop.dispose(pairs[mine][0])
        new = socket.socket()
        replacements.append(new)
        assert new.fileno() != number, "the number is given away while its events are on their way"
        loop.add(new.fileno(), READ, lambda events: heard.append("stale"))
        loop.again(loop.stop)

    for index, (ours, theirs) in enumerate(pairs):
        theirs.send(b"x")
        loop.add(ours.fileno(), READ, lambda events, index=index: take(index))  # type: ignore[misc]
    run(loop)
    assert heard == []
    assert pairs[0][0].fileno() == pairs[1][0].fileno() == -1, "closed when the batch was done"
    for sock in [*replacements, *(theirs for _, theirs in pairs)]:
        sock.close()


def test_again_lets_others_have_their_turn() -> None:
    loop, turns = Loop(), list[str]()
    ours, theirs = socket.socketpair()
    theirs.send(b"x")

    def greedy() -> None:
        turns.append("greedy")
        if len(turns) < 6:
            loop.again(greedy)
        else:
            loop.stop()

    loop.add(ours.fileno(), READ, lambda events: turns.append("other"))
    loop.again(greedy)
    run(loop)
    assert turns[:4] == ["other", "greedy", "other", "greedy"]
    ours.close()
    theirs.close()


def test_a_handler_that_fails_ends_nothing_and_is_heard_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.proxy.loop._PAUSE", 0.02)
    loop, calls = Loop(), list[str]()
    (broken, one), (sound, two) = socket.socketpair(), socket.socketpair()
    one.send(b"x")
    two.send(b"x")

    def fail(events: int) -> None:
        calls.append("broken")
        if calls.count("broken") == 2:
            loop.stop()
        raise ValueError("a defect")

    def work(events: int) -> None:
        calls.append("sound")
        sound.recv(1)

    loop.add(broken.fileno(), READ, fail)
    loop.add(sound.fileno(), READ, work)
    run(loop)
    assert calls == ["broken", "sound", "broken"], "heard again after a while, and no busy loop until then"
    assert "a defect" in caplog.text
    for sock in (broken, one, sound, two):
        sock.close()


def test_a_call_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    loop = Loop()

    def fail() -> None:
        raise ValueError("a defect")

    loop.call_from_thread(fail)
    loop.again(fail)
    loop.call_later(0.0, fail)
    loop.call_later(0.01, loop.stop)
    run(loop)
    assert caplog.text.count("ValueError: a defect") == 3


def test_a_listener_can_be_closed_at_once_and_its_number_stays_taken() -> None:
    loop = Loop()
    listener = socket.create_server(("127.0.0.1", 0))
    address, number = listener.getsockname(), listener.fileno()
    loop.add(number, READ, lambda events: None)
    loop.dispose_now(listener)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(address, 10):
        pass
    with socket.socket() as other:
        assert other.fileno() != number
    loop.call_later(0.0, loop.stop)
    run(loop)
    assert listener.fileno() == -1, "given back when the batch was done"
