"""Whether the node is short of something, since when, and whether pods must go. Pure; times are monotonic seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.eviction.config import EvictionConfig, Threshold
from agent.eviction.signals import CONDITIONS, MEMORY, Observations


@dataclass(frozen=True, slots=True)
class Shortage:
    """`since` says when a threshold was first met, `seen` when a condition was last; `conditions` are what the node
    shows; `due` the thresholds whose grace period is over, those first that are to be dealt with first."""

    since: Mapping[Threshold, float] = field(default_factory=dict)
    seen: Mapping[str, float] = field(default_factory=dict)
    conditions: frozenset[str] = frozenset()
    due: tuple[Threshold, ...] = ()


def update(before: Shortage, found: Observations, config: EvictionConfig, now: float) -> Shortage:
    """What was acted on is over only when its minimum was reclaimed, too."""
    met = [t for t in config.thresholds if is_met(t, found) or (t in before.due and is_met(t, found, reclaiming=True))]
    since = {threshold: before.since.get(threshold, now) for threshold in met}
    seen = {**before.seen, **dict.fromkeys((CONDITIONS[threshold.signal] for threshold in met), now)}
    lasting = {kind: at for kind, at in seen.items() if at == now or now - at < config.transition}
    due = [threshold for threshold, at in since.items() if now - at >= threshold.grace]
    return Shortage(since, lasting, frozenset(lasting), tuple(sorted(due, key=_order)))


def is_met(threshold: Threshold, found: Observations, *, reclaiming: bool = False) -> bool:
    """A signal that could not be observed meets nothing."""
    seen = found.get(threshold.signal)
    if seen is None:
        return False
    least = threshold.value.of(seen.capacity) + (threshold.reclaim.of(seen.capacity) if reclaiming else 0)
    return seen.available < least


def any_met(thresholds: Iterable[Threshold], found: Observations) -> bool:
    """As after a reclaim: with the minimum that is to be won."""
    return any(is_met(threshold, found, reclaiming=True) for threshold in thresholds)


def _order(threshold: Threshold) -> tuple[bool, bool]:
    """Memory first: without it nothing else can be done. Then hard thresholds, which give less time."""
    return threshold.signal != MEMORY, not threshold.hard
