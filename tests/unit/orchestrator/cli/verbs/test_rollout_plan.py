"""How far rollouts are, and what there is to go back to."""

from __future__ import annotations

import pytest

from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs.rollout_history import find, revisions
from orchestrator.cli.verbs.rollout_status import Progress, progress


def workload(kind: str, spec: Object, status: Object, generation: int = 1) -> Object:
    metadata = {"name": "web", "uid": "u", "generation": generation}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": {"observedGeneration": 1, **status}}


WAIT = 'Waiting for deployment "web" rollout to finish: '


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({}, Progress(WAIT + "0 out of 3 new replicas have been updated...")),
        ({"updatedReplicas": 3, "replicas": 5}, Progress(WAIT + "2 old replicas are pending termination...")),
        (
            {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 1},
            Progress(WAIT + "1 of 3 updated replicas are available..."),
        ),
        (
            {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3},
            Progress('deployment "web" successfully rolled out', done=True),
        ),
    ],
)
def test_deployment(status: Object, said: Progress) -> None:
    assert progress(workload("Deployment", {"replicas": 3}, status)) == said


def test_a_change_that_no_controller_has_seen() -> None:
    done = {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}
    assert progress(workload("Deployment", {"replicas": 3}, done, generation=2)) == Progress(
        "Waiting for deployment spec update to be observed..."
    )


def test_a_deadline_that_passed() -> None:
    conditions = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    with pytest.raises(Failure, match="exceeded its progress deadline"):
        progress(workload("Deployment", {"replicas": 3}, {"conditions": conditions}))


def test_daemon_set() -> None:
    status = {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}
    assert "1 of 2 updated pods are available" in progress(workload("DaemonSet", {}, status)).sentence
    assert progress(workload("DaemonSet", {}, {**status, "numberAvailable": 2})).done
    with pytest.raises(Failure, match="RollingUpdate"):
        progress(workload("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, status))


def test_stateful_set() -> None:
    spec = {"replicas": 3}
    status = {"readyReplicas": 3, "updatedReplicas": 3, "currentReplicas": 3, "currentRevision": "a"}
    assert "1 pods to be ready" in progress(workload("StatefulSet", spec, {**status, "readyReplicas": 2})).sentence
    assert not progress(workload("StatefulSet", spec, {**status, "updateRevision": "b"})).done
    assert progress(workload("StatefulSet", spec, {**status, "updateRevision": "a"})).done
    parted = {**spec, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
    assert not progress(workload("StatefulSet", parted, {**status, "updatedReplicas": 0})).done
    assert progress(workload("StatefulSet", parted, {**status, "updatedReplicas": 1})).done


def replica_set(number: int, owner: str = "u") -> Object:
    labels = {"app": "web", "pod-template-hash": f"hash{number}"}
    annotations = {"deployment.kubernetes.io/revision": str(number), "kubernetes.io/change-cause": f"cause {number}"}
    return {
        "metadata": {"annotations": annotations, "ownerReferences": [{"uid": owner, "controller": True}]},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": {"number": number}}},
    }


def test_revisions_of_a_deployment() -> None:
    deployment = workload("Deployment", {}, {})
    found = revisions(deployment, [replica_set(10), replica_set(9), replica_set(11, owner="other")])
    assert [(each.number, each.cause) for each in found] == [(9, "cause 9"), (10, "cause 10")]
    back = find(found, 0)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"number": 9}}
    assert back.patch == [{"op": "replace", "path": "/spec/template", "value": template}]
    assert find(found, 10).number == 10
    with pytest.raises(Failure, match="unable to find specified revision 3"):
        find(found, 3)
    with pytest.raises(Failure, match="no rollout history"):
        find(found[:1], 0)


def test_revisions_of_a_stateful_set() -> None:
    data = {"spec": {"template": {"$patch": "replace", "spec": {"x": 1}}}}
    owned = {"ownerReferences": [{"uid": "u", "controller": True}]}
    found = revisions(workload("StatefulSet", {}, {}), [{"metadata": owned, "revision": 4, "data": data}])
    assert (found[0].number, found[0].template, found[0].patch) == (4, {"spec": {"x": 1}}, data)
