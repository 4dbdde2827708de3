"""An autoscaler's safety, whatever its metrics say and whenever it looks."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.hpa.defaults import fill_spec
from orchestrator.api.meta import Object
from orchestrator.controllers.hpa_behavior import DOWNSCALE_STABILIZATION, History, Moment, pace, remember, rescaled
from orchestrator.controllers.hpa_pods import Groups
from orchestrator.controllers.hpa_replicas import AverageValue, Tolerance, proposed

TENTH = Tolerance(0.1, 0.1)
MOST = 40
windows = st.sampled_from([None, 0, 30, 120])
#: Looks: so many seconds after the last one, the metrics ask for so many pods.
looks = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 60)), min_size=1, max_size=30)


@st.composite
def rules(draw: st.DrawFn) -> Object:
    kind, value = draw(st.sampled_from(["Pods", "Percent"])), draw(st.integers(1, 200))
    policy = {"type": kind, "value": value, "periodSeconds": draw(st.sampled_from([1, 15, 60]))}
    return {"policies": [policy], "stabilizationWindowSeconds": draw(windows)}


@st.composite
def autoscalers(draw: st.DrawFn) -> Object:
    spec: Object = {"minReplicas": draw(st.integers(1, 5)), "maxReplicas": draw(st.integers(5, MOST))}
    if draw(st.booleans()):
        spec["behavior"] = {"scaleUp": draw(rules()), "scaleDown": draw(rules())}
    fill_spec(spec)
    return spec


def series(spec: Object, first: int, steps: list[tuple[int, int]]) -> list[tuple[float, int, int]]:
    """(when, what the metrics asked for, how many pods there were from then on); the first look asks for nothing."""
    at, current = 0.0, first
    history = History((Moment(at, current),))
    seen = [(at, current, current)]
    for seconds, wanted in steps:
        at += seconds
        paced = pace(spec, current, wanted, history, at)
        history = remember(history, spec, wanted, at)
        if paced.replicas != current:
            history = rescaled(history, spec, paced.replicas - current, at)
        current = paced.replicas
        seen.append((at, wanted, current))
    return seen


@given(spec=autoscalers(), first=st.integers(0, MOST), steps=looks)
def test_never_outside_the_bounds(spec: Object, first: int, steps: list[tuple[int, int]]) -> None:
    least, most = spec["minReplicas"], spec["maxReplicas"]
    first = min(max(first, least), most)
    assert all(least <= pods <= most for _, _, pods in series(spec, first, steps))


def _window(spec: Object, direction: str) -> float:
    default = DOWNSCALE_STABILIZATION if direction == "scaleDown" else 0.0
    seconds = spec.get("behavior", {}).get(direction, {}).get("stabilizationWindowSeconds")
    return default if seconds is None else float(seconds)


@given(spec=autoscalers(), steps=looks)
def test_no_move_goes_beyond_what_a_window_recommends(spec: Object, steps: list[tuple[int, int]]) -> None:
    least, most = spec["minReplicas"], spec["maxReplicas"]
    seen = series(spec, least, steps)
    for index, (at, _, pods) in enumerate(seen[1:], 1):
        before = seen[index - 1][2]
        direction = "scaleUp" if pods > before else "scaleDown"
        recent = [asked for when, asked, _ in seen[: index + 1] if when > at - _window(spec, direction) or when == at]
        if pods < before:
            assert pods >= min(max(recent), most)
        elif pods > before and "behavior" in spec:
            assert pods <= max(min(recent), least)


def _reachable(policy: Any, before: int, sign: int) -> int:
    if policy["type"] == "Pods":
        return before + sign * int(policy["value"])
    return before + sign * -(-before * int(policy["value"]) // 100)


@given(spec=autoscalers().filter(lambda spec: "behavior" in spec), first=st.integers(5, MOST), steps=looks)
def test_never_faster_than_the_policies(spec: Object, first: int, steps: list[tuple[int, int]]) -> None:
    first = min(max(first, spec["minReplicas"]), spec["maxReplicas"])
    seen = series(spec, first, steps)
    for index, (at, _, pods) in enumerate(seen[1:], 1):
        before = seen[index - 1][2]
        if pods == before:
            continue
        sign = 1 if pods > before else -1
        (policy,) = spec["behavior"]["scaleUp" if sign > 0 else "scaleDown"]["policies"]
        began = [count for when, _, count in seen[:index] if when <= at - policy["periodSeconds"]]
        limit = _reachable(policy, began[-1] if began else first, sign)
        assert pods <= limit if sign > 0 else pods >= limit


@given(total=st.integers(0, 5_000), aim=st.integers(10, 500), current=st.integers(1, MOST))
def test_a_steady_load_comes_to_rest(total: int, aim: int, current: int) -> None:
    """Where as many pods as there should be are there and measured at once."""
    for _ in range(4):
        used = {str(pod): total // current for pod in range(current)}
        wanted, _ = proposed(Groups(used, frozenset(), frozenset()), AverageValue(aim), TENTH, current)
        if max(1, wanted) == current:
            break
        current = max(1, wanted)
    else:
        raise AssertionError(f"still moving at {current}")
    assert current == 1 or total // current <= aim * 1.1


names = st.integers(0, 9).map(str)


@given(
    used=st.dictionaries(names, st.integers(0, 400), min_size=1),
    missing=st.frozensets(names.map("missing-{}".format)),
    unready=st.frozensets(names.map("unready-{}".format)),
)
def test_what_is_not_known_turns_nothing_round(
    used: dict[str, int], missing: frozenset[str], unready: frozenset[str]
) -> None:
    current = len(used) + len(missing) + len(unready)
    aim = AverageValue(100)
    wanted, _ = proposed(Groups(used, unready, missing), aim, TENTH, current)
    ratio, _ = aim.reading(used)
    if missing:
        assert wanted <= current if ratio < 1 else wanted >= current
    if ratio < 1:
        # All that nothing is known of might use what they should: their pods stay.
        assert wanted >= min(current, len(missing))
