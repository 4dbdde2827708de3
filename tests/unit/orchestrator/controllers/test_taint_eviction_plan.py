from __future__ import annotations

import pytest

from orchestrator.api.meta import Object
from orchestrator.api.taints import tolerates
from orchestrator.controllers.taint_eviction_plan import patience
from tests.unit.orchestrator.controllers.objects import pod

DOWN = {"key": "down", "effect": "NoExecute"}
GPU = {"key": "gpu", "value": "yes", "effect": "NoExecute"}


def toleration(key: str = "down", seconds: int | None = None, **fields: str) -> Object:
    made: Object = {"key": key, "operator": "Exists", **fields}
    return made if seconds is None else made | {"tolerationSeconds": seconds}


@pytest.mark.parametrize(
    ("tolerations", "taints", "expected"),
    [
        pytest.param([], [], None, id="no taints"),
        pytest.param([], [{"key": "x", "effect": "NoSchedule"}], None, id="other effects do not evict"),
        pytest.param([], [DOWN], 0.0, id="not tolerated"),
        pytest.param([toleration()], [DOWN], None, id="tolerated for ever"),
        pytest.param([toleration(seconds=30)], [DOWN], 30.0, id="for a while"),
        pytest.param([toleration(seconds=-1)], [DOWN], 0.0, id="negative is none"),
        pytest.param([toleration(seconds=30), toleration(seconds=5)], [DOWN], 5.0, id="the shortest counts"),
        pytest.param([toleration(seconds=30)], [DOWN, GPU], 0.0, id="every taint must be tolerated"),
        pytest.param([toleration(seconds=30), toleration("gpu")], [DOWN, GPU], 30.0, id="both tolerated"),
        pytest.param([toleration("")], [DOWN, GPU], None, id="an empty key tolerates everything"),
    ],
)
def test_patience(tolerations: list[Object], taints: list[Object], expected: float | None) -> None:
    assert patience(pod(tolerations=tolerations), taints) == expected


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"key": "gpu", "value": "yes"}, True),
        ({"key": "gpu", "operator": "Equal", "value": "no"}, False),
        ({"key": "gpu", "operator": "Exists"}, True),
        ({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}, False),
        ({"key": "cpu", "operator": "Exists"}, False),
        ({"operator": "Exists"}, True),
        ({"value": "yes"}, False),
    ],
)
def test_tolerates(toleration: Object, expected: bool) -> None:
    assert tolerates(toleration, GPU) is expected
