"""The workload kinds with the oldest and the newest kubectl. No controller runs: what the API says is what counts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.util.settings import Settings
from tests.fakes.api import live_api
from tests.fakes.kubectl import Kubectl, admin_config

pytestmark = pytest.mark.kubectl

SETS = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, labels: {app: db}}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - {name: db, image: 'db:1', volumeMounts: [{name: data, mountPath: /data}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: 'agent:1'}]}
---
apiVersion: v1
kind: ReplicationController
metadata: {name: old}
spec:
  template:
    metadata: {labels: {app: old}}
    spec: {containers: [{name: old, image: 'old:1'}]}
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with live_api(tmp_path_factory.mktemp("home")) as (_, settings):
        admin_config(settings)
        yield settings


@pytest.fixture(scope="module", params=["oldest", "newest"])
def run(request: pytest.FixtureRequest, kubectl: Path, settings: Settings) -> Kubectl:
    """In a namespace of its own, which is not cleaned up: the server goes with the module."""
    versions = sorted(kubectl.parent.glob("kubectl.1.*"), key=lambda file: int(file.name.rpartition(".")[2]))
    program = versions[0] if versions and request.param == "oldest" else kubectl
    run = Kubectl(program, settings.home / "kubeconfig", request.param)
    run(f"create namespace {request.param}")
    return run


@pytest.fixture(scope="module")
def sets(run: Kubectl) -> Kubectl:
    said = run("apply -f -", stdin=SETS)
    assert re.findall(r"(\S+) created", said) == [
        "statefulset.apps/db",
        "daemonset.apps/agent",
        "replicationcontroller/old",
    ]
    return run


def rows(text: str) -> list[list[str]]:
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines()]


def test_jobs(run: Kubectl) -> None:
    assert run("create job pi --image=perl -- perl -e 1") == "job.batch/pi created\n"
    job = json.loads(run("get job pi -o json"))
    uid = job["metadata"]["uid"]
    assert job["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert job["spec"]["template"]["spec"]["containers"][0]["command"] == ["perl", "-e", "1"]
    head, row = rows(run("get job pi -o wide"))
    assert head == ["NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"]
    assert row[:3] == ["pi", "Running", "0/1"]
    assert row[-3:] == ["pi", "perl", f"batch.kubernetes.io/controller-uid={uid}"]
    assert run("get jobs -o name --field-selector status.successful=1") == ""
    shown = run("describe job pi")
    assert re.search(r"Completion Mode: +NonIndexed", shown)
    assert re.search(r"Pods Statuses: +0 Active .*/ 0 Succeeded / 0 Failed", shown)
    said = run("patch job pi -p", '{"spec":{"template":{"spec":{"hostNetwork":true}}}}', fails=True)
    assert said.startswith('The Job "pi" is invalid: spec.template: Invalid value: ')
    assert said.endswith(": field is immutable\n")
    assert "Specifies the policy of handling failed pods" in run("explain job.spec.podFailurePolicy")
    assert 'job.batch "pi" deleted' in run("delete job pi")


def test_cron_jobs(run: Kubectl) -> None:
    assert "cronjob.batch/tick created" in run(
        "create cronjob tick --image=busybox --schedule", "*/5 * * * *", "--", "date"
    )
    assert "job.batch/now created" in run("create job now --from=cronjob/tick")
    owner = json.loads(run("get job now -o json"))["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("CronJob", "tick")
    head, row = rows(run("get cj"))
    assert head == ["NAME", "SCHEDULE", "TIMEZONE", "SUSPEND", "ACTIVE", "LAST SCHEDULE", "AGE"]
    assert row[:6] == ["tick", "*/5 * * * *", "<none>", "False", "0", "<none>"]
    assert re.search(r"Concurrency Policy: +Allow", run("describe cj tick"))
    said = run("create cronjob bad --image=busybox --schedule", "0 0 * * 7", fails=True)
    assert 'spec.schedule: Invalid value: "0 0 * * 7": end of range (7) above maximum (6): 7' in said
    assert "patched" in run("patch cj tick -p", '{"spec":{"suspend":true,"timeZone":"Europe/Zurich"}}')
    assert rows(run("get cj tick --no-headers"))[0][2:4] == ["Europe/Zurich", "True"]


def test_budgets(run: Kubectl) -> None:
    assert "created" in run("create pdb guard --selector=app=db --min-available=50%")
    assert rows(run("get pdb guard"))[1][:4] == ["guard", "50%", "N/A", "0"]
    assert re.search(r"Min available: +50%", run("describe pdb guard"))
    # A selector is replaced as a whole, not merged.
    run("patch pdb guard -p", '{"spec":{"selector":{"matchLabels":{"x":"y"}}}}')
    assert run("get pdb guard -o jsonpath={.spec.selector}") == '{"matchLabels":{"x":"y"}}'
    said = run("patch pdb guard -p", '{"spec":{"maxUnavailable":1}}', fails=True)
    assert "minAvailable and maxUnavailable cannot be both set" in said


def test_tables_of_sets(sets: Kubectl) -> None:
    everything = sets("get all")
    for name in ("statefulset.apps/db", "daemonset.apps/agent", "replicationcontroller/old"):
        assert name in everything
    assert rows(sets("get sts -o wide"))[1][1::2] == ["0/1", "db"]
    assert rows(sets("get ds -o wide"))[0][-5:] == ["NODE SELECTOR", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"]
    assert re.search(r"Update Strategy: +RollingUpdate", sets("describe sts db"))
    assert re.search(r"Access Modes: +\[ReadWriteOnce\]", sets("describe sts db"))
    assert "Desired Number of Nodes Scheduled: 0" in sets("describe ds agent")
    assert re.search(r"Replicas: +0 current / \d desired", sets("describe rc old"))


def test_changes_of_sets(sets: Kubectl) -> None:
    assert "scaled" in sets("scale sts/db --replicas=3")
    assert "scaled" in sets("scale rc/old --replicas=2")
    assert sets("get sts/db rc/old -o jsonpath={.items[*].spec.replicas}") == "3 2"
    assert "image updated" in sets("set image sts/db db=db:2")
    assert "image updated" in sets("set image ds/agent agent=agent:2")
    assert "restarted" in sets("rollout restart ds/agent")
    generations = (
        "jsonpath={.metadata.generation} {.metadata.annotations.deprecated\\.daemonset\\.template\\.generation}"
    )
    assert sets("get ds/agent -o", generations) == "3 3"
    assert "Waiting for" in sets("rollout status ds/agent --timeout=1s", fails=True)
    said = sets("patch sts/db -p", '{"spec":{"serviceName":"other"}}', fails=True)
    assert "spec: Forbidden: updates to statefulset spec for fields other than 'replicas'" in said


def test_server_side_apply_merges_containers_by_name(sets: Kubectl) -> None:
    sidecar = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec: {template: {spec: {containers: [{name: log, image: 'log:1'}]}}}
"""
    assert "serverside-applied" in sets("apply --server-side --field-manager=ops -f -", stdin=sidecar)
    names = "jsonpath={.spec.template.spec.containers[*].name}"
    assert sorted(sets("get ds/agent -o", names).split()) == ["agent", "log"]
    again = sets("apply -f -", stdin=SETS)
    assert "daemonset.apps/agent configured" in again


def test_history_of_a_stateful_set(sets: Kubectl) -> None:
    uid = sets("get sts/db -o jsonpath={.metadata.uid}")
    for revision in (1, 2):
        sets("create -f -", stdin=json.dumps(_revision(uid, revision)))
    assert rows(sets("get controllerrevisions"))[1][:3] == ["db-1", "statefulset.apps/db", "1"]
    assert rows(sets("rollout history sts/db"))[2:4] == [["1", "<none>"], ["2", "<none>"]]
    assert "rolled back" in sets("rollout undo sts/db --to-revision=1")
    assert sets("get sts/db -o jsonpath={.spec.template.spec.containers[0].image}") == "db:0.1"


def _revision(uid: str, number: int) -> dict[str, object]:
    """As the controller keeps it: a patch that puts the template back."""
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": uid, "controller": True}
    template = {
        "$patch": "replace",
        "metadata": {"labels": {"app": "db"}},
        "spec": {"containers": [{"name": "db", "image": f"db:0.{number}"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": f"db-{number}", "labels": {"app": "db"}, "ownerReferences": [owner]},
        "data": {"spec": {"template": template}},
        "revision": number,
    }


def test_drain_leaves_the_pods_of_a_daemon_set(sets: Kubectl) -> None:
    uid, node = sets("get ds/agent -o jsonpath={.metadata.uid}"), f"node-{sets.namespace}"
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": uid, "controller": True}
    containers = [{"name": "agent", "image": "agent"}]
    pod = {
        "metadata": {"name": "agent-x", "ownerReferences": [owner]},
        "spec": {"nodeName": node, "containers": containers},
    }
    sets("create -f -", stdin=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}}))
    sets("create -f -", stdin=json.dumps({"apiVersion": "v1", "kind": "Pod", **pod}))
    said = sets(f"drain {node}", fails=True)
    assert f"cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): {sets.namespace}/agent-x" in said
    said = sets(f"drain {node} --ignore-daemonsets")
    assert f"ignoring DaemonSet-managed Pods: {sets.namespace}/agent-x".lower() in said.lower()
    assert f"node/{node} drained" in said
