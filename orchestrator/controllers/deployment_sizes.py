"""How many pods each ReplicaSet of a Deployment gets. Pure.

Sizes are {ReplicaSet name: replicas}. A ReplicaSet that is not in the answer stays as it is. The formulas are those
of Kubernetes' deployment controller (`rolling.go`, `recreate.go`, `sync.go`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from orchestrator.api.meta import Object, generation, name, spec, status
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.controllers.replicaset_plan import replicas

DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"

Sizes = dict[str, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """The wanted number of pods, and how far a rolling update may go beyond (`most`) and below (`least`)."""

    replicas: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        return self.replicas + self.surge

    @property
    def least(self) -> int:
        return self.replicas - self.unavailable


def limits(deployment: Object) -> Limits:
    """Percentages are of `spec.replicas`: the surge rounds up, the unavailable round down. When both come to 0 nothing
    could ever move, so one pod may be unavailable."""
    wanted = replicas(deployment)
    if not is_rolling(deployment):
        return Limits(wanted, 0, 0)
    rolling = (spec(deployment).get("strategy") or {}).get("rollingUpdate") or {}
    surge = int_or_percent(rolling.get("maxSurge", "25%"), wanted, round_up=True)
    unavailable = int_or_percent(rolling.get("maxUnavailable", "25%"), wanted, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Limits(wanted, surge, min(unavailable, wanted))


def is_rolling(deployment: Object) -> bool:
    strategy = spec(deployment).get("strategy") or {}
    return str(strategy.get("type") or "RollingUpdate") == "RollingUpdate"


def int_or_percent(value: int | str, total: int, *, round_up: bool) -> int:
    """`3` is 3; `"25%"` is a share of `total`. Validation has let nothing else through."""
    if isinstance(value, int):
        return value
    share = Fraction(int(value.removesuffix("%")) * total, 100)
    return math.ceil(share) if round_up else math.floor(share)


def total(sets: Iterable[Object]) -> int:
    return sum(replicas(rs) for rs in sets)


def available(rs: Object) -> int:
    return int(status(rs).get("availableReplicas") or 0)


def _sure(rs: Object) -> int:
    """Available pods that can be counted on. A status may be older than the last change of `spec.replicas`, and then
    pods that it counts may be gone, or about to go."""
    return min(available(rs), replicas(rs)) if _is_observed(rs) else 0


def _is_observed(rs: Object) -> bool:
    return int(status(rs).get("observedGeneration") or 0) >= generation(rs)


def active(sets: Iterable[Object]) -> list[Object]:
    return [rs for rs in sets if replicas(rs) > 0]


def by_age(sets: Iterable[Object]) -> list[Object]:
    """Oldest first."""
    return sorted(sets, key=lambda rs: (rs["metadata"].get("creationTimestamp") or "", name(rs)))


def new_size(bounds: Limits, current: int, olds: Sequence[Object]) -> int:
    """How large the new ReplicaSet, now of size `current`, may be.

    Pods of an old one go some time after its size says so, and take the room of new ones until then: a status counts
    them, once it is of the size that there is. (Kubernetes goes by sizes alone, and for a moment may have more pods.)
    """
    if not all(map(_is_observed, olds)):
        return current
    room = bounds.most - current - sum(max(replicas(rs), int(status(rs).get("replicas") or 0)) for rs in olds)
    return current + max(0, min(room, bounds.replicas - current))


def rolling_step(bounds: Limits, new: Object, olds: Sequence[Object]) -> Sizes:
    """One step of a rolling update: first the new ReplicaSet grows; only when it cannot, the old ones shrink."""
    size = new_size(bounds, min(replicas(new), bounds.replicas), olds)
    if size != replicas(new):
        return {name(new): size}
    return _shrink(bounds, new, by_age(active(olds)))


def _shrink(bounds: Limits, new: Object, olds: Sequence[Object]) -> Sizes:
    """Unhealthy old pods go first: nobody misses them. Then healthy ones, as availability allows. Replicas of the new
    ReplicaSet that are not available yet count as gone, or a broken update would eat all the old pods."""
    unavailable_new = replicas(new) - _sure(new)
    spare = total((new, *olds)) - bounds.least - unavailable_new
    if spare <= 0:
        return {}
    sizes = {name(old): replicas(old) for old in olds}
    for old in olds:
        sick = min(spare, replicas(old) - _sure(old)) if _is_observed(old) else 0
        sizes[name(old)] -= sick
        spare -= sick
    healthy = sum(_sure(rs) for rs in (new, *olds)) - bounds.least
    for old in olds:
        cut = max(0, min(healthy, sizes[name(old)]))
        sizes[name(old)] -= cut
        healthy -= cut
    return {name(old): sizes[name(old)] for old in olds if sizes[name(old)] != replicas(old)}


def was_resized(deployment: Object, sets: Iterable[Object]) -> bool:
    """`spec.replicas` changed since a ReplicaSet was last sized: scale, before any rollout goes on."""
    wanted = str(replicas(deployment))
    return any(annotations_of(rs).get(DESIRED_REPLICAS, wanted) != wanted for rs in active(sets))


def rescale(deployment: Object, bounds: Limits, new: Object | None, olds: Sequence[Object]) -> Sizes:
    """Sizes after a change of `spec.replicas`, or while paused: no rollout, only the same mix in another size."""
    everything = by_age([*olds, *([new] if new else [])])
    running = active(everything)
    if len(running) <= 1:
        target = running[0] if running else new or (everything[-1] if everything else None)
        return {name(target): bounds.replicas} if target else {}
    if new and _is_saturated(bounds, new):
        return {name(old): 0 for old in active(olds)}
    return _proportional(deployment, bounds, running) if is_rolling(deployment) else {}


def _is_saturated(bounds: Limits, new: Object) -> bool:
    sized_for = annotations_of(new).get(DESIRED_REPLICAS)
    return replicas(new) == available(new) == bounds.replicas and sized_for == str(bounds.replicas)


def _proportional(deployment: Object, bounds: Limits, running: Sequence[Object]) -> Sizes:
    """Spread the difference over the active ReplicaSets by their size, so that a bad rollout stays as small a share
    as it was. The largest takes what rounding leaves over."""
    allowed = bounds.most if bounds.replicas else 0
    missing = allowed - total(running)
    # Of equally large ones the newest grows first, and the oldest shrinks first.
    aged = by_age(running)
    ordered = sorted(reversed(aged) if missing > 0 else aged, key=replicas, reverse=True)
    sizes: Sizes = {}
    left = missing
    for rs in ordered:
        share = _share(deployment, bounds, rs)
        share = max(0, min(share, left)) if missing > 0 else min(0, max(share, left))
        sizes[name(rs)] = replicas(rs) + share
        left -= share
    largest = name(ordered[0])
    sizes[largest] = max(0, sizes[largest] + left)
    return sizes


def _share(deployment: Object, bounds: Limits, rs: Object) -> int:
    """How much `rs` grows (or shrinks, negative) to stay the same fraction of the whole."""
    if bounds.replicas == 0:
        return -replicas(rs)
    before = _count(annotations_of(rs).get(MAX_REPLICAS)) or int(status(deployment).get("replicas") or 0)
    if before == 0:
        return 0
    return math.floor(Fraction(replicas(rs) * bounds.most, before) + Fraction(1, 2)) - replicas(rs)


def _count(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
