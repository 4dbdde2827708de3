"""A quota that is full before a workload has all its pods: it has those that fit, says why no more, and goes on when
there is room."""

from __future__ import annotations

import pytest

from orchestrator.api.groups.apps import DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET
from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import PERSISTENT_VOLUME_CLAIM, REPLICATION_CONTROLLER, RESOURCE_QUOTA
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, condition
from orchestrator.controllers.daemonset import DaemonSetController
from orchestrator.controllers.deployment import DeploymentController
from orchestrator.controllers.job import JobController
from orchestrator.controllers.replicaset import ReplicaSetController, ReplicationManager
from orchestrator.controllers.resourcequota import ResourceQuotaController
from orchestrator.controllers.statefulset import StatefulSetController
from tests.unit.orchestrator.controllers.objects import daemon_set, deployment, job, replica_set, stateful_set
from tests.unit.orchestrator.controllers.world import World

_WANTED, _ROOM = 4, 2


def world() -> World:
    return World(
        DeploymentController,
        ReplicaSetController,
        ReplicationManager,
        StatefulSetController,
        DaemonSetController,
        JobController,
        ResourceQuotaController,
    )


def replication_controller() -> Object:
    made = replica_set("web", _WANTED)
    return {
        **made,
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "spec": {**made["spec"], "selector": {"app": "web"}},
    }


def limit(w: World, what: str) -> None:
    hard = {"hard": {what: str(_ROOM)}}
    w.client.create(RESOURCE_QUOTA, {"metadata": {"name": "q", "namespace": "default"}, "spec": hard})
    w.eventually(lambda: w.client.get(RESOURCE_QUOTA, "q", "default").get("status", {}).get("used"))


def make_room(w: World, what: str) -> None:
    w.client.patch(RESOURCE_QUOTA, "q", {"spec": {"hard": {what: str(_WANTED)}}}, "default")
    w.quiet()
    # Longer than any pause between two tries.
    w.clock.advance(1001)


@pytest.mark.parametrize(
    ("kind", "obj"),
    [
        (DEPLOYMENT, deployment(_WANTED)),
        (REPLICATION_CONTROLLER, replication_controller()),
        (STATEFUL_SET, stateful_set(_WANTED)),
        (STATEFUL_SET, stateful_set(_WANTED, podManagementPolicy="Parallel")),
        (DAEMON_SET, daemon_set()),
        (JOB, job("web", parallelism=_WANTED, completions=_WANTED)),
    ],
)
def test_pods(kind: Kind, obj: Object) -> None:
    with world().running() as w:
        for number in range(1, _WANTED + 1):
            w.add_node(f"node-{number}")
        limit(w, "pods")
        if kind is JOB:
            # The API server chooses its selector.
            spec = {field: value for field, value in obj["spec"].items() if field not in ("selector", "template")}
            obj = {**obj, "spec": {**spec, "template": {"spec": obj["spec"]["template"]["spec"]}}, "status": {}}
        w.create(kind, obj)
        w.eventually(lambda: any("exceeded quota: q" in told for told in w.events.messages("FailedCreate")))
        w.quiet()
        assert len(w.pods()) == _ROOM
        (told, *_) = w.events.messages("FailedCreate")
        assert told.endswith("is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2")
        make_room(w, "pods")
        w.eventually(lambda: len(w.pods()) == _WANTED)


def test_a_deployment_says_so_in_its_conditions() -> None:
    with world().running() as w:
        limit(w, "pods")
        w.create(DEPLOYMENT, deployment(_WANTED))
        failed = w.eventually(lambda: condition(w.client.get(DEPLOYMENT, "web", "default"), "ReplicaFailure"))
        assert (failed["status"], failed["reason"]) == ("True", "FailedCreate")
        assert "exceeded quota: q" in failed["message"]
        make_room(w, "pods")
        w.eventually(lambda: condition(w.client.get(DEPLOYMENT, "web", "default"), "ReplicaFailure") is None)


def test_a_quota_of_replica_sets_holds_a_rollout_up() -> None:
    with world().running() as w:
        limit(w, "count/replicasets.apps")
        w.create(DEPLOYMENT, deployment(1, revisionHistoryLimit=10))
        for version in (2, 3):
            w.eventually(lambda: condition(w.client.get(DEPLOYMENT, "web", "default"), "Progressing"))
            w.quiet()
            patch = {"spec": {"template": {"metadata": {"labels": {"app": "web", "version": str(version)}}}}}
            w.client.patch(DEPLOYMENT, "web", patch, "default")
        stuck = w.eventually(
            lambda: [
                c
                for c in w.client.get(DEPLOYMENT, "web", "default")["status"]["conditions"]
                if c["reason"] in ("ReplicaSetCreateError", "FailedCreate")
            ]
        )
        assert all("exceeded quota: q" in c["message"] for c in stuck)
        assert len(w.all(REPLICA_SET)) == _ROOM
        make_room(w, "count/replicasets.apps")
        w.eventually(lambda: len(w.all(REPLICA_SET)) == 3)


def test_claims() -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    claim["spec"]["resources"] = {"requests": {"storage": "1Gi"}}  # type: ignore[index]
    with world().running() as w:
        limit(w, "persistentvolumeclaims")
        w.create(STATEFUL_SET, stateful_set(3, podManagementPolicy="Parallel", volumeClaimTemplates=[claim]))
        w.eventually(lambda: w.events.messages("FailedCreate"))
        w.quiet()
        assert (len(w.all(PERSISTENT_VOLUME_CLAIM)), len(w.pods())) == (_ROOM, _ROOM)
        assert (
            "create Claim data-web-2 Pod web-2 in StatefulSet web failed error:" in w.events.messages("FailedCreate")[0]
        )
        make_room(w, "persistentvolumeclaims")
        w.eventually(lambda: len(w.pods()) == 3)
