"""ReplicationController, StatefulSet, DaemonSet, and what belongs to them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from orchestrator.api.groups.apps import CONTROLLER_REVISION, DAEMON_SET, STATEFUL_SET
from orchestrator.api.groups.core import POD_TEMPLATE, REPLICATION_CONTROLLER
from orchestrator.api.groups.policy import POD_DISRUPTION_BUDGET
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, labels, spec
from orchestrator.api.meta import annotations as annotations_of
from tests.unit.orchestrator.api.strategies.rows import changed, defaulted, problems, sentences

LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
SELECTORS = {REPLICATION_CONTROLLER: LABELS, STATEFUL_SET: {"matchLabels": LABELS}, DAEMON_SET: {"matchLabels": LABELS}}
GENERATION = "deprecated.daemonset.template.generation"


def of(kind: Kind, **fields: Any) -> Object:
    return copy.deepcopy(
        {"metadata": {"name": "web"}, "spec": {"selector": SELECTORS[kind], "template": TEMPLATE, **fields}}
    )


def pod(**fields: Any) -> Object:
    return {"template": {**TEMPLATE, "spec": {**TEMPLATE["spec"], **fields}}}


def rest(obj: Object) -> Object:
    return {name: value for name, value in spec(obj).items() if name not in ("selector", "template")}


def rolling(kind: str = "RollingUpdate", **fields: Any) -> Object:
    return {"updateStrategy": {"type": kind, "rollingUpdate": fields}}


def test_defaults() -> None:
    assert rest(defaulted(REPLICATION_CONTROLLER, of(REPLICATION_CONTROLLER))) == {"replicas": 1}
    assert rest(defaulted(DAEMON_SET, of(DAEMON_SET))) == {
        "revisionHistoryLimit": 10,
        **rolling(maxUnavailable=1, maxSurge=0),
    }
    assert rest(defaulted(STATEFUL_SET, of(STATEFUL_SET))) == {
        "replicas": 1,
        "podManagementPolicy": "OrderedReady",
        "revisionHistoryLimit": 10,
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        **rolling(partition=0),
    }


def test_a_claim_template_is_a_claim() -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    obj = defaulted(STATEFUL_SET, of(STATEFUL_SET, volumeClaimTemplates=[claim]))
    assert spec(obj)["volumeClaimTemplates"] == [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"},
            "status": {"phase": "Pending"},
        }
    ]


def test_a_replication_controller_has_its_pods_labels() -> None:
    obj = defaulted(REPLICATION_CONTROLLER, {"spec": {"template": copy.deepcopy(TEMPLATE)}})
    assert (spec(obj)["selector"], labels(obj)) == (LABELS, LABELS)


@pytest.mark.parametrize(
    "strategy", [rolling(maxSurge="100%", maxUnavailable=0), {"updateStrategy": {"type": "OnDelete"}}]
)
def test_right_daemon_sets(strategy: Object) -> None:
    assert problems(DAEMON_SET, of(DAEMON_SET, **strategy)) == []


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        (REPLICATION_CONTROLLER, {"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal"),
        (REPLICATION_CONTROLLER, {"selector": {"a": "b"}}, "`selector` does not match template `labels`"),
        (REPLICATION_CONTROLLER, {"template": {"spec": TEMPLATE["spec"]}, "selector": {}}, "spec.selector: Required"),
        (REPLICATION_CONTROLLER, pod(restartPolicy="Never"), 'restartPolicy: Unsupported value: "Never"'),
        (REPLICATION_CONTROLLER, pod(activeDeadlineSeconds=1), "activeDeadlineSeconds in ReplicationController is not"),
        (REPLICATION_CONTROLLER, pod(containers=[]), "spec.template.spec.containers: Required value"),
        (DAEMON_SET, {"selector": None}, "spec.selector: Required value"),
        (DAEMON_SET, {"selector": {}}, "spec.selector: Invalid value: {}: empty selector is invalid for daemonset"),
        (DAEMON_SET, {"revisionHistoryLimit": -1}, "spec.revisionHistoryLimit: Invalid value: -1"),
        (DAEMON_SET, pod(activeDeadlineSeconds=1), "activeDeadlineSeconds in DaemonSet is not Supported"),
        (DAEMON_SET, {"updateStrategy": {"type": "x"}}, 'spec.updateStrategy.type: Unsupported value: "x"'),
        (DAEMON_SET, rolling(maxUnavailable=0), "maxUnavailable: Required value: cannot be 0 when maxSurge is 0"),
        (DAEMON_SET, rolling(maxSurge=1), "maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"),
        (DAEMON_SET, rolling(maxUnavailable="101%"), "must not be greater than 100%"),
        (STATEFUL_SET, {"selector": {}}, "empty selector is invalid for statefulset"),
        (STATEFUL_SET, {"podManagementPolicy": "x"}, "Invalid value: \"x\": must be 'OrderedReady' or 'Parallel'"),
        (STATEFUL_SET, {"minReadySeconds": -1}, "spec.minReadySeconds: Invalid value: -1"),
        (STATEFUL_SET, {"ordinals": {"start": -1}}, "spec.ordinals.start: Invalid value: -1"),
        (STATEFUL_SET, pod(restartPolicy="Never"), 'restartPolicy: Unsupported value: "Never"'),
        (STATEFUL_SET, rolling(partition=-1), "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1"),
        (STATEFUL_SET, rolling(maxUnavailable=0), "rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0"),
        (STATEFUL_SET, rolling("OnDelete"), "only allowed for updateStrategy 'RollingUpdate'"),
        (STATEFUL_SET, {"updateStrategy": {"type": "x"}}, "must be 'RollingUpdate' or 'OnDelete'"),
        (
            STATEFUL_SET,
            {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "x"}},
            'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "x"',
        ),
    ],
)
def test_wrong(kind: Kind, fields: Object, expected: str) -> None:
    found = problems(kind, of(kind, **fields))
    assert len(found) == 1, found
    assert expected in found[0]


def test_the_template_of_a_stateful_set_mounts_its_claims() -> None:
    container = {"name": "web", "image": "nginx", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    claims = [{"metadata": {"name": "data"}}]
    assert problems(STATEFUL_SET, of(STATEFUL_SET, volumeClaimTemplates=claims, **pod(containers=[container]))) == []


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({"replicas": 3}, True),
        ({"ordinals": {"start": 1}}, True),
        ({"minReadySeconds": 3, "revisionHistoryLimit": 3}, True),
        (pod(hostNetwork=True), True),
        ({"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}, True),
        ({"serviceName": "other"}, False),
        ({"podManagementPolicy": "Parallel"}, False),
        ({"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}, False),
        ({"selector": {"matchLabels": {"a": "b"}}}, False),
    ],
)
def test_a_stateful_set_keeps_its_identity(fields: Object, allowed: bool) -> None:
    old = of(STATEFUL_SET, serviceName="web")
    new = changed(STATEFUL_SET, of(STATEFUL_SET, **{"serviceName": "web", **fields}), old)
    found = sentences(STATEFUL_SET.strategy.validate_update(new, old))
    assert (not found) == allowed
    assert allowed or found[0].startswith(
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas'"
    )


def test_selectors_stay_but_for_a_replication_controller() -> None:
    other = {"matchLabels": {"app": "x"}}
    daemons = DAEMON_SET.strategy.validate_update(of(DAEMON_SET, selector=other), of(DAEMON_SET))
    assert [error.field for error in daemons] == ["spec.selector"]
    kind = REPLICATION_CONTROLLER
    assert kind.strategy.validate_update(of(kind, selector={"app": "x"}), of(kind)) == []


def test_a_daemon_set_counts_its_templates() -> None:
    old = defaulted(DAEMON_SET, of(DAEMON_SET))
    DAEMON_SET.strategy.prepare_create(old, 0)
    assert annotations_of(old) == {GENERATION: "1"}
    same = changed(DAEMON_SET, of(DAEMON_SET, minReadySeconds=5), old)
    assert annotations_of(same) == {GENERATION: "1"}
    other = of(DAEMON_SET, **pod(hostNetwork=True))
    other["metadata"]["annotations"] = {GENERATION: "7"}
    assert annotations_of(changed(DAEMON_SET, other, old)) == {GENERATION: "2"}


def test_a_negative_history_is_doubtful() -> None:
    assert STATEFUL_SET.strategy.warnings(of(STATEFUL_SET, revisionHistoryLimit=-1)) == [
        "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
    ]
    assert STATEFUL_SET.strategy.warnings(of(STATEFUL_SET)) == []


def test_a_stateful_set_is_called_as_a_host() -> None:
    assert STATEFUL_SET.strategy.name_problems("a.b")
    assert not DAEMON_SET.strategy.name_problems("a.b")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (REPLICATION_CONTROLLER, {"replicas": 0}),
        (STATEFUL_SET, {"replicas": 0, "availableReplicas": 0}),
        (
            DAEMON_SET,
            {"currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0},
        ),
    ],
    ids=repr,
)
def test_first_status(kind: Kind, status: Object) -> None:
    obj = {**of(kind), "status": {"replicas": 9}}
    kind.strategy.prepare_create(obj, 0)
    assert obj["status"] == status


def test_wrong_statuses() -> None:
    new, old = {"status": {"replicas": 1, "currentReplicas": 2}}, {"status": {}}
    assert sentences(STATEFUL_SET.strategy.validate_status(new, old)) == [
        "status.currentReplicas: Invalid value: 2: cannot be greater than status.replicas"
    ]
    assert sentences(DAEMON_SET.strategy.validate_status({"status": {"numberReady": -1}}, old)) == [
        "status.numberReady: Invalid value: -1: must be greater than or equal to 0"
    ]


def test_a_pod_template() -> None:
    template = copy.deepcopy({"metadata": {"name": "web"}, "template": TEMPLATE})
    assert problems(POD_TEMPLATE, template) == []
    assert template["template"]["spec"]["dnsPolicy"] == "ClusterFirst"
    assert problems(POD_TEMPLATE, {"template": {}}) == ["template.spec.containers: Required value"]


def test_a_controller_revision_stays_as_it_is() -> None:
    strategy = CONTROLLER_REVISION.strategy
    assert sentences(strategy.validate({"revision": -1})) == [
        "data: Required value: data is mandatory",
        "revision: Invalid value: -1: must be greater than or equal to 0",
    ]
    old, new = {"data": {"a": 1}, "revision": 1}, {"data": {"a": 2}, "revision": 2}
    assert [error.field for error in strategy.validate_update(new, old)] == ["data"]


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({"minAvailable": "50%", "selector": {"matchLabels": LABELS}}, []),
        ({}, []),
        (
            {"minAvailable": 1, "maxUnavailable": 1},
            [
                'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: '
                "minAvailable and maxUnavailable cannot be both set"
            ],
        ),
        ({"minAvailable": -1}, ["spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"]),
        ({"maxUnavailable": "101%"}, ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%']),
        (
            {"unhealthyPodEvictionPolicy": "x"},
            [
                'spec.unhealthyPodEvictionPolicy: Unsupported value: "x": '
                'supported values: "AlwaysAllow", "IfHealthyBudget"'
            ],
        ),
    ],
)
def test_budgets(budget: Object, expected: list[str]) -> None:
    assert problems(POD_DISRUPTION_BUDGET, {"spec": budget}) == expected
