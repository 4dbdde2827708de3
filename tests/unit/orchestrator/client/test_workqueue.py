from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, strategies

from orchestrator.api.meta import Key
from orchestrator.client.workqueue import MAX_DELAY, WorkQueue, failure_delay
from orchestrator.util.clock import FakeClock

A, B, C = Key("ns/a"), Key("ns/b"), Key("ns/c")


@pytest.fixture
def queue(clock: FakeClock) -> Iterator[WorkQueue]:
    queue = WorkQueue(clock)
    yield queue
    queue.shut_down()


def ready(queue: WorkQueue) -> list[Key]:
    """Take and finish what is there."""
    taken = []
    while len(queue):
        key = queue.get()
        assert key is not None
        queue.done(key)
        taken.append(key)
    return taken


def test_hands_keys_out_in_order_and_once(queue: WorkQueue) -> None:
    for key in (A, B, A, C, B):
        queue.add(key)
    assert len(queue) == 3
    assert ready(queue) == [A, B, C]


def test_a_key_added_while_taken_comes_again_after_done(queue: WorkQueue) -> None:
    queue.add(A)
    assert queue.get() == A
    queue.add(A)
    queue.add(A)
    queue.add(B)
    assert queue.get() == B
    assert len(queue) == 0
    queue.done(A)
    assert ready(queue) == [A]
    queue.done(B)
    assert len(queue) == 0


def test_get_waits_for_a_key(queue: WorkQueue) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queue.get)
        queue.add(A)
        assert waiting.result(10) == A


def test_shut_down_lets_workers_finish_what_is_ready(queue: WorkQueue) -> None:
    with ThreadPoolExecutor(1) as pool:
        queue.add(A)
        queue.add_after(B, 1)
        assert queue.get() == A
        waiting = pool.submit(queue.get)
        queue.shut_down()
        assert waiting.result(10) is None
    queue.add(C)
    assert queue.get() is None


def test_shut_down_hands_out_what_is_ready_first(queue: WorkQueue) -> None:
    queue.add(A)
    queue.shut_down()
    assert queue.get() == A
    assert queue.get() is None


def test_a_later_key_comes_when_its_time_has_come(queue: WorkQueue, clock: FakeClock) -> None:
    queue.add_after(A, 10)
    queue.add_after(B, 5)
    queue.add_after(C, 0)
    assert ready(queue) == [C]
    clock.advance(5)
    assert queue.get() == B
    clock.advance(5)
    assert queue.get() == A


def test_a_waiting_worker_gets_a_later_key(queue: WorkQueue, clock: FakeClock) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queue.get)
        queue.add_after(A, 60)
        queue.add_after(B, 5)
        while not waiting.done():
            clock.advance(1)
            threading.Event().wait(0.005)
        assert waiting.result() == B


@pytest.mark.parametrize("delays", [(10, 5), (5, 10)])
def test_of_two_times_the_earlier_counts(queue: WorkQueue, clock: FakeClock, delays: tuple[int, int]) -> None:
    for delay in delays:
        queue.add_after(A, delay)
    clock.advance(5)
    assert queue.get() == A
    queue.done(A)
    clock.advance(5)
    queue.add(B)
    assert queue.get() == B, "the later time is forgotten"
    assert len(queue) == 0


def test_failures_wait_longer_each_time(queue: WorkQueue, clock: FakeClock) -> None:
    for delay in (0.005, 0.01, 0.02):
        queue.add_rate_limited(A)
        clock.advance(delay - 0.001)
        queue.add(B)
        assert queue.get() == B
        queue.done(B)
        assert len(queue) == 0
        clock.advance(0.002)
        assert queue.get() == A
        queue.done(A)
    assert queue.failures(A) == 3
    queue.forget(A)
    assert queue.failures(A) == 0
    queue.add_rate_limited(A)
    clock.advance(0.006)
    assert queue.get() == A


@given(strategies.integers(0, 10_000))
def test_delays_grow_up_to_a_limit(failures: int) -> None:
    assert 0 < failure_delay(failures) <= failure_delay(failures + 1) <= MAX_DELAY
    assert failure_delay(10_000) == MAX_DELAY


def test_no_two_workers_have_one_key(clock: FakeClock) -> None:
    queue = WorkQueue(clock)
    keys = [Key(f"ns/{n}") for n in range(5)]
    working: Counter[Key] = Counter()
    worked: Counter[Key] = Counter()
    lock = threading.Lock()
    overlaps: list[Key] = []

    def work() -> None:
        while (key := queue.get()) is not None:
            with lock:
                working[key] += 1
                if working[key] > 1:
                    overlaps.append(key)
            with lock:
                working[key] -= 1
                worked[key] += 1
            queue.done(key)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for n in range(2000):
        queue.add(keys[n % len(keys)])
    queue.shut_down()
    for worker in workers:
        worker.join(10)
        assert not worker.is_alive()
    assert not overlaps
    assert set(worked) == set(keys)
