"""Numbers that no two objects may share: service addresses and node ports."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable


class Exhausted(Exception):
    """Every number of the range is taken."""


class OutOfRange(ValueError):
    """The asked-for number is not in the range."""


class Taken(ValueError):
    """The asked-for number is taken."""


class Pool:
    """The whole numbers from `low` to `high`. Those in `kept` are given out only when asked for by value."""

    def __init__(self, low: int, high: int, rng: random.Random, kept: Iterable[int] = ()) -> None:
        self._low, self._high, self._rng = low, high, rng
        self._kept = frozenset(kept)
        self._taken: set[int] = set()
        self._lock = threading.Lock()

    def take(self, number: int) -> None:
        """Reserve `number`. Raises OutOfRange, Taken."""
        if not self._low <= number <= self._high:
            raise OutOfRange(number)
        with self._lock:
            if number in self._taken:
                raise Taken(number)
            self._taken.add(number)

    def next(self) -> int:
        """Reserve a free number: a random one, so that a released number is not soon somebody else's.

        Raises Exhausted.
        """
        size = self._high - self._low + 1
        with self._lock:
            first = self._rng.randrange(size)
            for offset in range(size):
                number = self._low + (first + offset) % size
                if number not in self._taken and number not in self._kept:
                    self._taken.add(number)
                    return number
        raise Exhausted

    def release(self, number: int) -> None:
        with self._lock:
            self._taken.discard(number)
