"""Exponential back-off with jitter."""

from __future__ import annotations

import random


class Backoff:
    """Delays that grow from `first` to `limit` seconds, each lengthened by up to `jitter` of itself."""

    def __init__(
        self, first: float, limit: float, *, factor: float = 2.0, jitter: float = 0.5, rng: random.Random | None = None
    ) -> None:
        self._first = first
        self._limit = limit
        self._factor = factor
        self._jitter = jitter
        self._rng = rng or random.Random()
        self._next = first

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        delay = self._next
        self._next = min(self._limit, delay * self._factor)
        return delay * (1 + self._jitter * self._rng.random())

    def reset(self) -> None:
        """It worked: the next delay is the first one again."""
        self._next = self._first
