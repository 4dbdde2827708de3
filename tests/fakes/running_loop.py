"""A loop that runs in a thread of its own, for tests with real sockets."""

from __future__ import annotations

import contextlib
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
    """The test fails when a handler raised: that would have ended the proxy."""
    loop = Loop()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            loop.run()
        except BaseException as error:  # noqa: BLE001 - it is raised below
            errors.append(error)
        running.ended.set()

    running = RunningLoop(loop)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield running
    finally:
        loop.call_from_thread(loop.stop)
        thread.join(timeout=10)
        loop.close()
    if errors:
        raise errors[0]


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until `condition()` is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
