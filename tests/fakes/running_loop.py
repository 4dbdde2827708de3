"""A loop that runs in a thread of its own, for tests with real sockets."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

from agent.proxy.loop import Loop

T = TypeVar("T")


class RunningLoop:
    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.ended = threading.Event()

    def call(self, function: Callable[[], T]) -> T:
        """Run `function` in the loop's thread and give back what it returns or raises."""
        outcome: Future[T] = Future()

        def run() -> None:
            try:
                outcome.set_result(function())
            except BaseException as error:  # noqa: BLE001 - it is raised in the caller
                outcome.set_exception(error)

        self.loop.call_from_thread(run)
        return outcome.result(timeout=10)


@contextlib.contextmanager
def running_loop() -> Iterator[RunningLoop]:
    """The test fails when a handler did: the loop itself only logs that."""
    loop = Loop()
    running = RunningLoop(loop)
    failures = _Failures()
    logger = logging.getLogger(Loop.__module__)

    def run() -> None:
        loop.run()
        running.ended.set()

    thread = threading.Thread(target=run)
    logger.addHandler(failures)
    thread.start()
    try:
        yield running
    finally:
        loop.call_from_thread(loop.stop)
        thread.join(timeout=10)
        loop.close()
        logger.removeHandler(failures)
    assert not failures.messages, failures.messages


class _Failures(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(logging.Formatter().format(record))


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until `condition()` is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
