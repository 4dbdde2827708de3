"""A stream over what other threads write under a lock."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class WaitingStream(Generic[T]):
    """An `agent.runtime.base.Stream`. `more` is called under the lock and gives what is new, or None at the end."""

    def __init__(self, changed: threading.Condition, more: Callable[[], Sequence[T] | None]) -> None:
        self._changed, self._more = changed, more
        self._waiting: deque[T] = deque()
        self._closed = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        with self._changed:
            while not self._waiting and not self._closed:
                new = self._more()
                if new is None:
                    self._closed = True
                elif new:
                    self._waiting.extend(new)
                else:
                    self._changed.wait()
            if self._closed and not self._waiting:
                raise StopIteration
            return self._waiting.popleft()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
