from __future__ import annotations

import pytest

from orchestrator.api.meta import Object
from orchestrator.controllers.zones import EVICTION_RATE, SECONDARY_RATE, Evictions, rates, zone_of


def zone(name: str, well: int, failed: int) -> list[tuple[str, bool]]:
    return [(name, True)] * well + [(name, False)] * failed


@pytest.mark.parametrize(
    ("labels", "expected"),
    [({}, ""), ({"zone": "b"}, "b"), ({"region": "a"}, "a"), ({"region": "a", "zone": "b"}, "a:b")],
)
def test_zone_of(labels: dict[str, str], expected: str) -> None:
    node: Object = {"metadata": {"labels": {f"topology.kubernetes.io/{key}": value for key, value in labels.items()}}}
    assert zone_of(node) == expected


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        (zone("a", 1, 1), {"a": EVICTION_RATE}),
        (zone("a", 0, 1), {"a": 0.0}),
        (zone("a", 0, 9) + zone("b", 0, 2), {"a": 0.0, "b": 0.0}),
        # A zone that is down while another is not.
        (zone("a", 0, 9) + zone("b", 1, 0), {"a": EVICTION_RATE, "b": EVICTION_RATE}),
        # Two are few, whatever part of the zone they are.
        (zone("a", 1, 2), {"a": EVICTION_RATE}),
        (zone("a", 2, 3), {"a": 0.0}),
        (zone("a", 5, 6), {"a": EVICTION_RATE}),
        (zone("a", 22, 29), {"a": SECONDARY_RATE}),
        (zone("a", 22, 28), {"a": 0.0}),
        (zone("a", 2, 3) + zone("b", 3, 1), {"a": 0.0, "b": EVICTION_RATE}),
    ],
)
def test_rates(nodes: list[tuple[str, bool]], expected: dict[str, float]) -> None:
    assert rates(nodes) == expected


def test_nodes_take_turns_zone_by_zone() -> None:
    evictions, normal = Evictions(), {"a": 0.1, "b": 0.1, "c": 0.0}
    assert evictions.wait("a", normal, 100.0) == 0.0
    evictions.began("a", 100.0)
    assert evictions.wait("a", normal, 104.0) == pytest.approx(6.0)
    assert evictions.wait("b", normal, 104.0) == 0.0
    assert evictions.wait("c", normal, 104.0) is None
    assert evictions.wait("a", {"a": 0.01}, 104.0) == pytest.approx(96.0), "the rate of the moment counts"
    assert evictions.wait("a", normal, 110.0) == 0.0
