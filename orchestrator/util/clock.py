"""Time as an argument: the real clock, and one that tests move."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Wall clock: seconds since the epoch. May jump either way."""

    def monotonic(self) -> float:
        """Seconds that never go back: for durations and deadlines."""

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until `event` is set (True) or `seconds` have passed (False)."""


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        return event.wait(seconds)


class FakeClock:
    """Stands still until `advance`; waiters wake when their time has come."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._moved = threading.Condition()

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        with self._moved:
            self._now += seconds
            self._moved.notify_all()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        deadline = None if seconds is None else self._now + seconds
        with self._moved:
            while not event.is_set() and (deadline is None or self._now < deadline):
                # A set event does not notify the condition, so look again now and then.
                self._moved.wait(0.01)
        return event.is_set()
