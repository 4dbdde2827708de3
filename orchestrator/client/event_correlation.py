"""Which events are sent, and how repeats are folded together: the rules of `k8s.io/client-go/tools/record`.

Three steps, pure but for their memory. Many similar events (all alike but for the message) are combined into one; the
same event again raises a count instead of making a new object; a source that floods one object is cut short.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

#: With this many different messages, each within the interval (seconds) of the last, similar events are combined.
SIMILAR_EVENTS = 10
SIMILAR_INTERVAL = 600.0
#: An object may have this many events at once, then one more in so many seconds.
BURST = 25
REFILL_SECONDS = 300.0
COMBINED = "(combined from similar events): "
#: How many keys each step remembers.
MEMORY = 4096


@dataclass(frozen=True, slots=True)
class Happening:
    """What a component wants told. `target` names the object: apiVersion, kind, namespace, name, uid."""

    component: str
    target: tuple[str, ...]
    field_path: str
    type: str
    reason: str
    message: str

    @property
    def source(self) -> Hashable:
        """What may flood: one component about one object."""
        return self.component, self.target

    @property
    def similar(self) -> Hashable:
        """All but the message."""
        return self.component, self.target, self.type, self.reason


@dataclass(frozen=True, slots=True)
class Report:
    """What the API shall hold: `count` 1 is a new event, more an event that is there already. Times are in seconds
    since the epoch."""

    name: str
    message: str
    count: int
    first: float
    last: float


@dataclass(slots=True)
class _Similar:
    last: float
    messages: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Series:
    name: str
    first: float
    count: int = 0


@dataclass(slots=True)
class _Bucket:
    """A token bucket."""

    filled_at: float
    tokens: float = BURST

    def take(self, now: float) -> bool:
        self.tokens = min(BURST, self.tokens + max(0.0, now - self.filled_at) / REFILL_SECONDS)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


_V = TypeVar("_V")


class _Recent(Generic[_V]):
    """Values by key; those not used for longest are forgotten."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, _V] = OrderedDict()

    def use(self, key: Hashable, make: Callable[[], _V]) -> _V:
        if key not in self._values:
            self._values[key] = make()
            if len(self._values) > MEMORY:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        return self._values[key]


class Correlator:
    """The memory of one event source. One thread at a time."""

    def __init__(self) -> None:
        self._similar: _Recent[_Similar] = _Recent()
        self._series: _Recent[_Series] = _Recent()
        self._buckets: _Recent[_Bucket] = _Recent()

    def correlate(self, happening: Happening, name: str, now: float) -> Report | None:
        """What to write for a happening, under `name` if it makes a new event; None when it is one too many."""
        key, message = self._combine(happening, now)
        series = self._series.use(key, lambda: _Series(name, now))
        series.count += 1
        if not self._buckets.use(happening.source, lambda: _Bucket(now)).take(now):
            return None
        return Report(series.name, message, series.count, series.first, now)

    def _combine(self, happening: Happening, now: float) -> tuple[Hashable, str]:
        """The key of the series that the happening belongs to, and its message."""
        group = self._similar.use(happening.similar, lambda: _Similar(now))
        if now - group.last > SIMILAR_INTERVAL:
            group.messages.clear()
        group.last = now
        group.messages.add(happening.message)
        if len(group.messages) < SIMILAR_EVENTS:
            return happening, happening.message
        # Keep the group just below the limit, so that the next new message is combined as well.
        group.messages.pop()
        return happening.similar, COMBINED + happening.message
