from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from orchestrator.server.workers import Workers


class Job:
    """A connection whose request runs `work`."""

    remote_addr = "test"

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self.closed = threading.Event()

    def communicate(self) -> bool:
        self._work()
        return False

    def close(self) -> None:
        self.closed.set()


class Gate:
    """Work that signals its start and goes on when it may."""

    def __init__(self) -> None:
        self.begun: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.go = threading.Event()

    def pass_through(self) -> None:
        self.begun.put(None)
        assert self.go.wait(10)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.go.set()


def finished(jobs: list[Job]) -> bool:
    return all(job.closed.wait(10) for job in jobs)


def started(gate: Gate, count: int) -> None:
    for _ in range(count):
        gate.begun.get(timeout=10)


def test_no_more_work_than_there_are_workers(gate: Gate) -> None:
    workers = Workers(None, size=2, limit=10)
    jobs = [Job(gate.pass_through) for _ in range(5)]
    for job in jobs:
        workers.put(job)
    started(gate, 2)
    assert workers.threads == 2
    with pytest.raises(queue.Empty):
        gate.begun.get_nowait()
    gate.go.set()
    assert finished(jobs)
    workers.stop()
    assert workers.threads == 0


def test_who_waits_leaves_the_place_to_another(gate: Gate) -> None:
    workers = Workers(None, size=1, limit=10)
    waits = Gate()

    def wait() -> None:
        with workers.waiting():
            waits.pass_through()

    waiting = [Job(wait) for _ in range(3)]
    for job in waiting:
        workers.put(job)
    started(waits, 3)
    other = Job(gate.pass_through)
    workers.put(other)
    started(gate, 1)
    gate.go.set()
    assert finished([other])
    waits.go.set()
    assert finished(waiting)
    # Too many now: they end as they finish.
    deadline = time.monotonic() + 10
    while workers.threads > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert workers.threads == 1
    workers.stop()


def test_work_that_was_queued_before_the_wait_is_taken_up(gate: Gate) -> None:
    """The only worker is busy, a connection waits for it, and only then the worker begins to wait."""
    workers = Workers(None, size=1, limit=10)
    busy, waits = Gate(), Gate()

    def first() -> None:
        busy.pass_through()
        with workers.waiting():
            waits.pass_through()

    one, other = Job(first), Job(gate.pass_through)
    workers.put(one)
    started(busy, 1)
    workers.put(other)
    busy.go.set()
    started(gate, 1)
    gate.go.set()
    waits.go.set()
    assert finished([one, other])
    workers.stop()


def test_a_full_house_turns_away() -> None:
    workers, gate = Workers(None, size=1, limit=2), Gate()

    def wait() -> None:
        with workers.waiting():
            gate.pass_through()

    jobs = [Job(wait), Job(wait)]
    for job in jobs:
        workers.put(job)
    started(gate, 2)
    with pytest.raises(queue.Full):
        workers.put(Job(wait))
    gate.go.set()
    assert finished(jobs)
    workers.stop()


def test_a_connection_that_breaks_leaves_the_worker_whole() -> None:
    def breaks() -> None:
        raise ConnectionResetError

    workers = Workers(None, size=1, limit=2)
    workers.put(Job(breaks))
    good = Job(lambda: None)
    workers.put(good)
    assert finished([good])
    assert workers.threads == 1
    workers.stop()


def test_every_connection_is_served_whatever_the_order() -> None:
    """Many short jobs, some of which wait: none is forgotten in the queue."""
    workers = Workers(None, size=3, limit=50)

    def sometimes_waits(index: int) -> Callable[[], None]:
        def work() -> None:
            if index % 3 == 0:
                with workers.waiting():
                    time.sleep(0)

        return work

    jobs = [Job(sometimes_waits(index)) for index in range(3000)]
    for job in jobs:
        workers.put(job)
    assert finished(jobs)
    workers.stop()
