"""How fast an autoscaler follows its metrics: stabilisation windows, policies and bounds. Pure.

Its memory (`History`) is on the monotonic clock, so that setting the wall clock neither frees nor stops it. With no
`behavior` in its spec, an autoscaler goes by Kubernetes' older, simpler rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from orchestrator.api.meta import Object

#: Seconds for which the highest recommendation counts when scaling down, where nothing else is said.
DOWNSCALE_STABILIZATION = 300.0
#: Without a `behavior`: at most so many times as many pods at once, though so many always.
_FACTOR, _ALWAYS = 2, 4

_LOWER = "recent recommendations were lower than current one, applying the lowest recent recommendation"
_HIGHER = "recent recommendations were higher than current one, applying the highest recent recommendation"
_TOO_FAST_UP = "the desired replica count is increasing faster than the maximum scale rate"
_TOO_FAST_DOWN = "the desired replica count is decreasing faster than the maximum scale rate"
_TOO_MANY = "the desired replica count is more than the maximum replica count"
_TOO_FEW = "the desired replica count is less than the minimum replica count"


class Moment(NamedTuple):
    """A number of pods, or (in changes) by how many more there were, and when, on the monotonic clock."""

    at: float
    pods: int


@dataclass(frozen=True, slots=True)
class History:
    """What was recommended, and by how much the target was scaled, as long ago as it still matters."""

    recommended: tuple[Moment, ...] = ()
    changes: tuple[Moment, ...] = ()


class Why(NamedTuple):
    """A condition's status, reason and message."""

    status: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Pace:
    """The number of pods after all; whether it could be followed, and what limited it."""

    replicas: int
    able: Why
    limited: Why


def remember(history: History, hpa_spec: Object, recommended: int, at: float) -> History:
    windows = [DOWNSCALE_STABILIZATION]
    if (behavior := hpa_spec.get("behavior")) is not None:
        windows = [_window(behavior, "scaleUp"), _window(behavior, "scaleDown")]
    kept = _since(history.recommended, at - max(windows))
    return History((*kept, Moment(at, recommended)), history.changes)


def rescaled(history: History, hpa_spec: Object, by: int, at: float) -> History:
    """After scaling by so many pods. Only policies ask about it later."""
    behavior = hpa_spec.get("behavior") or {}
    periods = [policy["periodSeconds"] for rules in behavior.values() for policy in rules.get("policies") or []]
    kept = _since(history.changes, at - max(periods, default=0))
    return History(history.recommended, (*kept, Moment(at, by)))


def pace(hpa_spec: Object, current: int, wanted: int, history: History, at: float) -> Pace:
    """`history` is without `wanted`."""
    behavior = hpa_spec.get("behavior")
    if behavior is None:
        return _simple_pace(hpa_spec, current, wanted, history, at)
    stable = _stabilized(behavior, current, wanted, history, at)
    able = _able(wanted, stable, rising=wanted >= current)
    replicas, reason, message = _limited(hpa_spec, current, stable, history, at)
    return Pace(replicas, able, _within(replicas, stable, reason, message))


def _simple_pace(hpa_spec: Object, current: int, wanted: int, history: History, at: float) -> Pace:
    recent = _since(history.recommended, at - DOWNSCALE_STABILIZATION)
    stable = max([wanted, *(moment.pods for moment in recent)])
    limit = max(_FACTOR * current, _ALWAYS)
    least, most = bounds(hpa_spec)
    if stable < least:
        replicas, reason, message = least, "TooFewReplicas", _TOO_FEW
    elif most > limit:
        replicas, reason, message = min(stable, limit), "ScaleUpLimit", _TOO_FAST_UP
    else:
        replicas, reason, message = min(stable, most), "TooManyReplicas", _TOO_MANY
    return Pace(replicas, _able(wanted, stable, rising=False), _within(replicas, stable, reason, message))


def bounds(hpa_spec: Object) -> tuple[int, int]:
    return int(hpa_spec.get("minReplicas") or 1), int(hpa_spec["maxReplicas"])


def _able(wanted: int, stable: int, *, rising: bool) -> Why:
    if wanted == stable:
        return Why("True", "ReadyForNewScale", "recommended size matches current size")
    return Why("True", "ScaleUpStabilized", _LOWER) if rising else Why("True", "ScaleDownStabilized", _HIGHER)


def _within(replicas: int, stable: int, reason: str, message: str) -> Why:
    if replicas == stable:
        return Why("False", "DesiredWithinRange", "the desired count is within the acceptable range")
    return Why("True", reason, message)


def _stabilized(behavior: Object, current: int, wanted: int, history: History, at: float) -> int:
    """Up no further than the lowest recommendation of its window, down no further than the highest of its own."""
    lowest = min(_counts(history.recommended, at - _window(behavior, "scaleUp")), default=wanted)
    highest = max(_counts(history.recommended, at - _window(behavior, "scaleDown")), default=wanted)
    return min(max(current, min(lowest, wanted)), max(highest, wanted))


def _window(behavior: Object, direction: str) -> float:
    seconds = behavior[direction].get("stabilizationWindowSeconds")
    if seconds is not None:
        return float(seconds)
    return DOWNSCALE_STABILIZATION if direction == "scaleDown" else 0.0


def _limited(hpa_spec: Object, current: int, stable: int, history: History, at: float) -> tuple[int, str, str]:
    least, most = bounds(hpa_spec)
    if stable > current:
        fastest = max(current, _reach(hpa_spec["behavior"]["scaleUp"], current, history, at, 1))
        if most > fastest:
            return min(stable, fastest), "ScaleUpLimit", _TOO_FAST_UP
        return min(stable, most), "TooManyReplicas", _TOO_MANY
    if stable < current:
        fastest = min(current, _reach(hpa_spec["behavior"]["scaleDown"], current, history, at, -1))
        if least < fastest:
            return max(stable, fastest), "ScaleDownLimit", _TOO_FAST_DOWN
        return max(stable, least), "TooFewReplicas", _TOO_FEW
    return stable, "", ""


def _reach(rules: Mapping[str, Any], current: int, history: History, at: float, sign: int) -> int:
    """How far the policies let it go: 1 is up and -1 down. Each counts from how many there were as its period began."""
    select = rules.get("selectPolicy")
    if select == "Disabled":
        return current
    reached = []
    for policy in rules.get("policies") or []:
        before = current - sum(_counts(history.changes, at - policy["periodSeconds"]))
        if policy["type"] == "Pods":
            reached.append(before + sign * policy["value"])
        else:
            # The change is rounded up: a small target would never move otherwise.
            reached.append(before + sign * -(-before * policy["value"] // 100))
    highest = (select == "Min") == (sign < 0)
    return max(reached, default=current) if highest else min(reached, default=current)


def _counts(moments: Sequence[Moment], after: float) -> list[int]:
    return [moment.pods for moment in moments if moment.at > after]


def _since(moments: Sequence[Moment], since: float) -> list[Moment]:
    return [moment for moment in moments if moment.at >= since]
