from __future__ import annotations

import threading

import pytest

from agent import pool
from agent.pool import Pool
from tests.fakes.agent import eventually


def test_at_most_so_many_tasks_run_at_one_time() -> None:
    gate, running, peak, lock = threading.Event(), 0, 0, threading.Lock()
    done = threading.Semaphore(0)

    def task() -> None:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        gate.wait(5)
        with lock:
            running -= 1
        done.release()

    three = Pool("test", 3)
    for _ in range(10):
        three.submit(task)
    eventually(lambda: peak == 3)
    gate.set()
    assert all(done.acquire(timeout=5) for _ in range(10))
    assert peak == 3


def test_threads_without_work_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "IDLE", 0.01)
    ran = threading.Event()
    idle = Pool("test", 2)
    idle.submit(ran.set)
    assert ran.wait(5)
    eventually(lambda: idle.threads == 0)


def test_a_task_that_fails_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("broken")

    ran = threading.Event()
    one = Pool("test", 1)
    one.submit(fail)
    one.submit(ran.set)
    assert ran.wait(5)
    assert "broken" in caplog.text
