from __future__ import annotations

import copy
from typing import Any

import pytest

from orchestrator.api.groups.apps import DEPLOYMENT, REPLICA_SET
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.strategies.base import ScalePaths
from tests.unit.orchestrator.api.strategies.rows import defaulted, problems, sentences

LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
both = pytest.mark.parametrize("kind", [DEPLOYMENT, REPLICA_SET], ids=repr)


def workload(**spec: Any) -> Object:
    return copy.deepcopy({"metadata": {}, "spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE, **spec}})


def template(**spec: Any) -> Object:
    return {"template": {**TEMPLATE, "spec": {**TEMPLATE["spec"], **spec}}}


def rolling(unavailable: int | str, surge: int | str) -> Object:
    return {"strategy": {"rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": surge}}}


def test_deployment_defaults() -> None:
    spec = defaulted(DEPLOYMENT, workload())["spec"]
    assert {name: spec[name] for name in spec if name not in ("selector", "template")} == {
        "progressDeadlineSeconds": 600,
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    }
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert "enableServiceLinks" not in spec["template"]["spec"]


def test_recreate_has_no_rolling_update() -> None:
    assert defaulted(DEPLOYMENT, workload(strategy={"type": "Recreate"}))["spec"]["strategy"] == {"type": "Recreate"}


def test_zero_replicas_stay_zero() -> None:
    assert defaulted(REPLICA_SET, workload(replicas=0))["spec"]["replicas"] == 0


@both
def test_right(kind: Kind) -> None:
    assert problems(kind, workload()) == []


@both
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"),
        ({"selector": None}, "spec.selector: Required value"),
        (
            {"selector": {"matchLabels": {"app": "x"}}},
            'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
        ),
        ({"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}, "spec.selector.matchExpressions[0].va"),
        ({"template": {**TEMPLATE, "spec": {}}}, "spec.template.spec.containers: Required value"),
        (template(restartPolicy="Never"), 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported'),
        (template(activeDeadlineSeconds=5), "activeDeadlineSeconds in ReplicaSet is not Supported"),
    ],
)
def test_wrong(kind: Kind, spec: Object, expected: str) -> None:
    found = problems(kind, workload(**spec))
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(("kind", "noun"), [(DEPLOYMENT, "deployment"), (REPLICA_SET, "replicaset")])
def test_an_empty_selector(kind: Kind, noun: str) -> None:
    expected = f"spec.selector: Invalid value: {{}}: empty selector is invalid for {noun}"
    assert problems(kind, workload(selector={})) == [expected]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (rolling(0, 0), "maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"),
        (rolling("0%", 0), 'maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'),
        (rolling("101%", 1), 'maxUnavailable: Invalid value: "101%": must not be greater than 100%'),
        (rolling(-1, 1), "maxUnavailable: Invalid value: -1: must be greater than or equal to 0"),
        (rolling(1, "1"), 'maxSurge: Invalid value: "1": a valid percent string must be a numeric followed by'),
        ({"strategy": {"type": "X"}}, 'spec.strategy.type: Unsupported value: "X": supported values: "Recreate", "Rol'),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            {"minReadySeconds": 600},
            "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
        ),
        ({"revisionHistoryLimit": -1}, "spec.revisionHistoryLimit: Invalid value: -1"),
    ],
)
def test_wrong_deployments(spec: Object, expected: str) -> None:
    found = problems(DEPLOYMENT, workload(**spec))
    assert len(found) == 1
    assert expected in found[0]


def test_a_surge_may_be_more_than_all() -> None:
    assert problems(DEPLOYMENT, workload(**rolling(0, "200%"))) == []


@both
def test_the_selector_stays(kind: Kind) -> None:
    new, old = workload(selector={"matchLabels": {"app": "x"}}), workload()
    assert sentences(kind.strategy.validate_update(new, old)) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable'
    ]


@both
def test_scale(kind: Kind) -> None:
    assert kind.strategy.scale == ScalePaths(("spec", "replicas"), ("status", "replicas"), ("spec", "selector"))


@both
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (
            {"observedGeneration": -1},
            "status.observedGeneration: Invalid value: -1: must be greater than or equal to 0",
        ),
        ({"readyReplicas": 1}, "status.readyReplicas: Invalid value: 1: cannot be greater than status.replicas"),
        (
            {"replicas": 2, "readyReplicas": 1, "availableReplicas": 2},
            "status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas",
        ),
        ({"collisionCount": 1}, "status.collisionCount: Invalid value: 1: cannot be decremented"),
    ],
)
def test_wrong_status(kind: Kind, status: Object, expected: str) -> None:
    old = {"status": {"collisionCount": 2}}
    new = {"status": {"collisionCount": 2, **status}}
    assert sentences(kind.strategy.validate_status(new, old)) == [expected]


def test_first_status() -> None:
    for kind, status in ((DEPLOYMENT, {}), (REPLICA_SET, {"replicas": 0})):
        obj = {**workload(), "status": {"replicas": 9}}
        kind.strategy.prepare_create(obj, 0)
        assert obj["status"] == status
