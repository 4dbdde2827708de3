"""How fast an autoscaler follows its metrics, by tables."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.hpa.defaults import fill_spec
from orchestrator.api.meta import Object
from orchestrator.controllers.hpa_behavior import History, Moment, pace, remember, rescaled

AT = 10_000.0


def spec(up: Object | None = None, down: Object | None = None, **fields: Any) -> Object:
    made: Object = {"minReplicas": 1, "maxReplicas": 100, **fields}
    if up is not None or down is not None:
        made["behavior"] = {"scaleUp": up or {}, "scaleDown": down or {}}
    fill_spec(made)
    return made


def ago(*moments: tuple[float, int]) -> tuple[Moment, ...]:
    return tuple(Moment(AT - seconds, pods) for seconds, pods in moments)


def policies(*each: tuple[str, int, int], select: str = "Max", window: int = 0) -> Object:
    named = [{"type": kind, "value": value, "periodSeconds": period} for kind, value, period in each]
    return {"policies": named, "selectPolicy": select, "stabilizationWindowSeconds": window}


@pytest.mark.parametrize(
    ("current", "wanted", "recommended", "replicas", "able", "limited"),
    [
        (3, 3, (), 3, "ReadyForNewScale", "DesiredWithinRange"),
        (3, 6, (), 6, "ReadyForNewScale", "DesiredWithinRange"),
        (3, 9, (), 6, "ReadyForNewScale", "ScaleUpLimit"),
        (1, 9, (), 4, "ReadyForNewScale", "ScaleUpLimit"),
        (9, 30, (), 10, "ReadyForNewScale", "TooManyReplicas"),
        (9, 1, (), 2, "ReadyForNewScale", "TooFewReplicas"),
        (9, 3, ((299, 5),), 5, "ScaleDownStabilized", "DesiredWithinRange"),
        (9, 3, ((301, 5),), 3, "ReadyForNewScale", "DesiredWithinRange"),
    ],
)
def test_without_a_behavior(
    current: int, wanted: int, recommended: tuple[tuple[float, int], ...], replicas: int, able: str, limited: str
) -> None:
    paced = pace(spec(minReplicas=2, maxReplicas=10), current, wanted, History(ago(*recommended)), AT)
    assert (paced.replicas, paced.able.reason, paced.limited.reason) == (replicas, able, limited)
    assert paced.limited.status == ("False" if limited == "DesiredWithinRange" else "True")


@pytest.mark.parametrize(
    ("rules", "current", "changes", "replicas"),
    [
        (policies(("Pods", 4, 60)), 10, (), 14),
        (policies(("Percent", 50, 60)), 10, (), 15),
        (policies(("Percent", 10, 60)), 3, (), 4),  # rounded up
        (policies(("Pods", 4, 60), ("Percent", 100, 60)), 10, (), 20),
        (policies(("Pods", 4, 60), ("Percent", 100, 60), select="Min"), 10, (), 14),
        (policies(("Pods", 4, 60), select="Disabled"), 10, (), 10),
        (policies(("Pods", 4, 60)), 13, ((30, 3),), 14),  # three of the four are spent
        (policies(("Pods", 4, 60)), 14, ((30, 4),), 14),
        (policies(("Pods", 4, 60)), 14, ((61, 4),), 18),
        (policies(("Pods", 4, 60)), 12, ((30, 4), (20, -2)), 14),  # what went since makes room
        (policies(("Pods", 1, 60)), 14, ((30, 4),), 14),  # a policy made narrower takes nothing back
    ],
)
def test_policies_up(rules: Object, current: int, changes: tuple[tuple[float, int], ...], replicas: int) -> None:
    paced = pace(spec(up=rules), current, 90, History((), ago(*changes)), AT)
    assert (paced.replicas, paced.limited.reason) == (replicas, "ScaleUpLimit")


@pytest.mark.parametrize(
    ("rules", "current", "changes", "replicas"),
    [
        (policies(("Pods", 4, 60)), 10, (), 6),
        (policies(("Percent", 50, 60)), 11, (), 5),  # rounded down
        (policies(("Pods", 4, 60), ("Percent", 80, 60)), 10, (), 2),
        (policies(("Pods", 4, 60), ("Percent", 80, 60), select="Min"), 10, (), 6),
        (policies(("Pods", 4, 60), select="Disabled"), 10, (), 10),
        (policies(("Pods", 4, 60)), 7, ((30, -3),), 6),
        (policies(("Pods", 4, 60)), 7, ((61, -3),), 3),
        (policies(("Pods", 4, 60)), 6, ((30, -8),), 6),
    ],
)
def test_policies_down(rules: Object, current: int, changes: tuple[tuple[float, int], ...], replicas: int) -> None:
    paced = pace(spec(down=rules), current, 1, History((), ago(*changes)), AT)
    assert (paced.replicas, paced.limited.reason) == (replicas, "ScaleDownLimit")


@pytest.mark.parametrize(
    ("window", "wanted", "recommended", "replicas", "able"),
    [
        ({"up": policies(("Pods", 99, 15), window=60)}, 20, ((59, 12), (30, 15)), 12, "ScaleUpStabilized"),
        ({"up": policies(("Pods", 99, 15), window=60)}, 20, ((61, 12), (30, 15)), 15, "ScaleUpStabilized"),
        ({"up": policies(("Pods", 99, 15), window=60)}, 20, ((30, 5),), 10, "ScaleUpStabilized"),
        ({"down": policies(("Pods", 99, 15), window=60)}, 2, ((59, 8), (30, 4)), 8, "ScaleDownStabilized"),
        ({"down": policies(("Pods", 99, 15), window=60)}, 2, ((30, 15),), 10, "ScaleDownStabilized"),
        ({"down": policies(("Pods", 99, 15))}, 2, ((1, 8),), 2, "ReadyForNewScale"),
        ({"down": {"policies": policies(("Pods", 99, 15))["policies"]}}, 2, ((299, 8),), 8, "ScaleDownStabilized"),
    ],
)
def test_windows(
    window: dict[str, Object], wanted: int, recommended: tuple[tuple[float, int], ...], replicas: int, able: str
) -> None:
    """Of ten pods."""
    paced = pace(spec(**window), 10, wanted, History(ago(*recommended)), AT)
    assert (paced.replicas, paced.able.reason) == (replicas, able)


def test_no_more_is_remembered_than_matters() -> None:
    rules = spec(up=policies(("Pods", 1, 90), window=10), down=policies(("Pods", 1, 30), window=60))
    old = History(ago((61, 1), (60, 2)), ago((91, 1), (89, 2)))
    assert remember(old, rules, 5, AT) == History(ago((60, 2), (0, 5)), old.changes)
    assert rescaled(old, rules, -3, AT) == History(old.recommended, ago((89, 2), (0, -3)))
    assert rescaled(old, spec(), 3, AT).changes == ago((0, 3))


def test_an_unlimited_direction_with_a_tolerance_alone() -> None:
    """`policies: []` is allowed beside a tolerance, and lets nothing through."""
    rules = {"policies": [], "tolerance": "0.2", "selectPolicy": "Max", "stabilizationWindowSeconds": 0}
    assert pace(spec(up=rules), 3, 9, History(), AT).replicas == 3
