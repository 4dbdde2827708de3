from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from orchestrator.server.workers import Workers
from orchestrator.util import waits


class Line:
    """Jobs in the order they came."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()

    def leave(self) -> None:
        """Nobody pauses."""

    def take(self, *, wait: bool) -> Job | None:
        try:
            return self.queue.get(block=wait)
        except queue.Empty:
            return None

    def put(self, connection: Job) -> None:
        raise AssertionError("no job stays")


class Job:
    """A connection whose request runs `work`."""

    remote_addr = "test"
    pause = None

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


Make = Callable[..., tuple[Workers, Line]]


@pytest.fixture
def make() -> Iterator[Make]:
    """Workers that have started, and the line they take jobs from."""
    made: list[tuple[Workers, Line]] = []

    def make(size: int, most: int = 8, limit: int = 10) -> tuple[Workers, Line]:
        line = Line()
        workers = Workers(line, size, most, limit)
        workers.start()
        made.append((workers, line))
        return workers, line

    yield make
    for workers, line in made:
        for _ in range(workers.threads + workers.waiters):
            line.queue.put(None)
        workers.stop()
        assert workers.threads == 0


def begin(line: Line, *work: Callable[[], None]) -> list[Job]:
    jobs = [Job(one) for one in work]
    for job in jobs:
        line.queue.put(job)
    return jobs


def waiting(workers: Workers, gate: Gate) -> Callable[[], None]:
    def wait() -> None:
        with workers.waiting():
            gate.pass_through()

    return wait


def shrinks_to(workers: Workers, count: int) -> bool:
    deadline = time.monotonic() + 10
    while workers.threads > count and time.monotonic() < deadline:
        time.sleep(0.01)
    return workers.threads == count


def test_no_more_work_than_there_are_workers(make: Make, gate: Gate) -> None:
    workers, line = make(2)
    jobs = begin(line, *[gate.pass_through] * 5)
    started(gate, 2)
    assert workers.threads == 2
    with pytest.raises(queue.Empty):
        gate.begun.get_nowait()
    gate.go.set()
    assert finished(jobs)


def test_who_waits_leaves_the_place_to_another(make: Make, gate: Gate) -> None:
    workers, line = make(1)
    held = Gate()
    waiters = begin(line, *[waiting(workers, held)] * 3)
    started(held, 3)
    other = begin(line, gate.pass_through)
    started(gate, 1)
    gate.go.set()
    assert finished(other)
    held.go.set()
    assert finished(waiters)
    # Too many now: they rest as they finish, but for the one that stood ready.
    assert shrinks_to(workers, 1)
    assert workers.spare == 3
    assert finished(begin(line, lambda: None))


def test_who_rests_is_called_before_another_thread_is_made(make: Make, gate: Gate) -> None:
    workers, line = make(1, limit=2)
    for _ in range(3):
        held = Gate()
        waiter = begin(line, waiting(workers, held))
        started(held, 1)
        assert finished(begin(line, lambda: None))
        held.go.set()
        assert finished(waiter)
        assert shrinks_to(workers, 1)
        assert workers.spare == 1


def test_no_more_rest_than_may_serve(make: Make, gate: Gate) -> None:
    workers, line = make(1, most=2)
    waiters = begin(line, *[waiting(workers, gate)] * 5)
    started(gate, 5)
    gate.go.set()
    assert finished(waiters)
    assert shrinks_to(workers, 1)
    assert workers.spare == 2


def test_others_serve_while_some_wait_for_the_disk(make: Make, gate: Gate) -> None:
    """Within bounds; and who finds no room for another waits all the same."""

    def writes() -> None:
        with waits.waiting():
            gate.pass_through()

    workers, line = make(1, most=2)
    jobs = begin(line, *[writes] * 5)
    started(gate, 3)
    with pytest.raises(queue.Empty):
        gate.begun.get_nowait()
    gate.go.set()
    assert finished(jobs)
    assert shrinks_to(workers, 1)


def test_those_that_are_held_up_are_helped_out_within_bounds(make: Make, gate: Gate) -> None:
    workers, line = make(1, most=3)
    jobs = begin(line, *[gate.pass_through] * 4)
    started(gate, 1)
    for _ in range(4):
        workers.help_out()
    started(gate, 2)
    assert workers.threads == 3
    gate.go.set()
    assert finished(jobs)
    assert shrinks_to(workers, 1)


def test_where_nobody_can_take_over_the_slow_are_dropped(make: Make, gate: Gate) -> None:
    workers, line = make(1, limit=3)
    first = begin(line, *[waiting(workers, gate)] * 2)
    started(gate, 2)
    dropped = begin(line, waiting(workers, gate))
    assert finished(dropped)
    assert finished(begin(line, lambda: None))
    gate.go.set()
    assert finished(first)


def test_a_connection_that_breaks_leaves_the_worker_whole(make: Make) -> None:
    def breaks() -> None:
        raise ConnectionResetError

    workers, line = make(1)
    assert finished(begin(line, breaks, lambda: None))
    assert workers.threads == 1


def test_every_connection_is_served_whatever_the_order(make: Make) -> None:
    """Many short jobs, some of which wait: none is forgotten."""
    workers, line = make(3, limit=50)

    def sometimes_waits(index: int) -> Callable[[], None]:
        def work() -> None:
            if index % 3 == 0:
                with workers.waiting():
                    time.sleep(0)

        return work

    assert finished(begin(line, *[sometimes_waits(index) for index in range(3000)]))
