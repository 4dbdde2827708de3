"""StatefulSets, DaemonSets, ReplicationControllers and disruption budgets, with real containers and kubectl."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.e2e.harness import RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

_WAIT = "trap 'exit 0' TERM; sleep 100000 & wait"


def workload(kind: str, name: str, image: str, version: str = "1", **spec: Any) -> str:
    container = {
        "name": "app",
        "image": image,
        "command": ["sh", "-c", _WAIT],
        "env": [{"name": "VERSION", "value": version}],
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    old = kind == "ReplicationController"
    selector: Any = {"app": name} if old else {"matchLabels": {"app": name}}
    return json.dumps(
        {
            "apiVersion": "v1" if old else "apps/v1",
            "kind": kind,
            "metadata": {"name": name, "annotations": {"kubernetes.io/change-cause": f"version {version}"}},
            "spec": {"selector": selector, "template": template, **spec},
        }
    )


def apply(cluster: RealCluster, *manifests: str) -> None:
    for manifest in manifests:
        cluster.kubectl("apply", "-f", "-", stdin=manifest)


def pods(cluster: RealCluster, app: str) -> dict[str, dict[str, Any]]:
    items = cluster.get("pods", "-l", f"app={app}")["items"]
    return {pod["metadata"]["name"]: pod for pod in items if "deletionTimestamp" not in pod["metadata"]}


def version_of(pod: dict[str, Any]) -> str:
    return str(pod["spec"]["containers"][0]["env"][0]["value"])


def rolled_out(cluster: RealCluster, what: str) -> str:
    return cluster.kubectl("rollout", "status", what, "--timeout=60s").stdout


def test_a_stateful_set(cluster: RealCluster, busybox_image: str) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "db"},
        "spec": {"clusterIP": "None", "selector": {"app": "db"}, "ports": [{"port": 80, "name": "http"}]},
    }
    shape = {"serviceName": "db", "replicas": 2}
    apply(cluster, json.dumps(service), workload("StatefulSet", "db", busybox_image, **shape))
    assert "2 new pods have been updated" in rolled_out(cluster, "sts/db")
    assert re.search(r"db +2/2 ", cluster.kubectl("get", "sts", "db").stdout)
    assert sorted(pods(cluster, "db")) == ["db-0", "db-1"]
    assert cluster.kubectl("exec", "db-1", "--", "hostname", "-f").stdout.startswith("db-1.db.default.svc.")
    address = pods(cluster, "db")["db-1"]["status"]["podIP"]
    looked_up = ("exec", "db-0", "--", "nslookup", "db-1.db.default.svc.cluster.local")
    eventually(lambda: address in cluster.kubectl(*looked_up, check=False).stdout)
    told = cluster.kubectl("describe", "sts", "db").stdout
    assert "create Pod db-0 in StatefulSet db successful" in told
    assert "Pods Status:        2 Running / 0 Waiting / 0 Succeeded / 0 Failed" in told

    apply(cluster, workload("StatefulSet", "db", busybox_image, "2", **shape))
    rolled_out(cluster, "sts/db")
    assert {version_of(pod) for pod in pods(cluster, "db").values()} == {"2"}
    history = cluster.kubectl("rollout", "history", "sts/db").stdout
    assert re.search(r"1 +version 1\n2 +version 2", history)
    assert "VERSION:\t1" in cluster.kubectl("rollout", "history", "sts/db", "--revision=1").stdout
    cluster.kubectl("rollout", "undo", "sts/db")
    rolled_out(cluster, "sts/db")
    assert {version_of(pod) for pod in pods(cluster, "db").values()} == {"1"}
    cluster.kubectl("scale", "sts/db", "--replicas=1")
    eventually(lambda: sorted(pods(cluster, "db")) == ["db-0"])
    cluster.kubectl("delete", "sts/db", "svc/db", "--timeout=60s")
    eventually(lambda: not pods(cluster, "db"))


def test_claims_of_a_stateful_set(cluster: RealCluster, busybox_image: str) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    shape = {"serviceName": "", "replicas": 1, "volumeClaimTemplates": [claim]}
    apply(cluster, workload("StatefulSet", "keep", busybox_image, **shape))
    eventually(lambda: "data-keep-0" in cluster.kubectl("get", "pvc").stdout)
    cluster.kubectl("delete", "sts/keep", "--timeout=60s")
    assert "data-keep-0" in cluster.kubectl("get", "pvc").stdout
    cluster.kubectl("delete", "pvc/data-keep-0", "--timeout=60s")


def test_a_daemon_set(cluster: RealCluster, busybox_image: str) -> None:
    apply(cluster, workload("DaemonSet", "watch", busybox_image))
    assert 'daemon set "watch" successfully rolled out' in rolled_out(cluster, "ds/watch")
    assert re.search(r"watch +2 +2 +2 +2 +2 +<none> ", cluster.kubectl("get", "ds", "watch").stdout)
    assert {pod["spec"]["nodeName"] for pod in pods(cluster, "watch").values()} == {"node-1", "node-2"}
    told = cluster.kubectl("describe", "ds", "watch").stdout
    assert "Desired Number of Nodes Scheduled: 2" in told
    assert re.search(r"SuccessfulCreate .* Created pod: watch-[a-z0-9]{5}", told)
    apply(cluster, workload("DaemonSet", "watch", busybox_image, "2"))
    rolled_out(cluster, "ds/watch")
    assert {version_of(pod) for pod in pods(cluster, "watch").values()} == {"2"}
    cluster.kubectl("rollout", "undo", "ds/watch")
    rolled_out(cluster, "ds/watch")
    assert re.search(r"2 +version 2\n3 +version 1", cluster.kubectl("rollout", "history", "ds/watch").stdout)
    cluster.kubectl("taint", "node", "node-2", "own=x:NoExecute")
    eventually(lambda: {p["spec"]["nodeName"] for p in pods(cluster, "watch").values()} == {"node-1"})
    cluster.kubectl("taint", "node", "node-2", "own-")
    eventually(lambda: len(pods(cluster, "watch")) == 2)
    cluster.kubectl("delete", "ds/watch", "--timeout=60s")
    eventually(lambda: not pods(cluster, "watch"))


def test_a_replication_controller(cluster: RealCluster, busybox_image: str) -> None:
    apply(cluster, workload("ReplicationController", "old", busybox_image, replicas=2))
    eventually(lambda: re.search(r"old +2 +2 +2 ", cluster.kubectl("get", "rc", "old").stdout))
    assert "2 current / 2 desired" in cluster.kubectl("describe", "rc", "old").stdout
    cluster.kubectl("scale", "rc/old", "--replicas=1")
    eventually(lambda: len(pods(cluster, "old")) == 1)
    cluster.kubectl("delete", "rc/old", "--timeout=60s")
    eventually(lambda: not pods(cluster, "old"))


def test_drain_respects_a_budget(cluster: RealCluster, busybox_image: str) -> None:
    apply(cluster, workload("Deployment", "guarded", busybox_image, replicas=2))
    cluster.kubectl("rollout", "status", "deploy/guarded", "--timeout=60s")
    cluster.kubectl("create", "pdb", "guarded", "--selector=app=guarded", "--min-available=2")
    eventually(lambda: re.search(r"guarded +2 +N/A +0 ", cluster.kubectl("get", "pdb", "guarded").stdout))
    before = pods(cluster, "guarded")
    node = next(pod["spec"]["nodeName"] for pod in before.values())
    refused = cluster.kubectl("drain", node, "--ignore-daemonsets", "--force", "--timeout=3s", check=False)
    assert refused.returncode != 0
    assert "Cannot evict pod as it would violate the pod's disruption budget." in refused.stderr
    assert pods(cluster, "guarded").keys() == before.keys()
    cluster.kubectl("patch", "pdb", "guarded", "-p", '{"spec":{"minAvailable":1}}')
    eventually(lambda: re.search(r"guarded +1 +N/A +1 ", cluster.kubectl("get", "pdb", "guarded").stdout))
    cluster.kubectl("drain", node, "--ignore-daemonsets", "--force", "--timeout=60s")
    assert node not in {pod["spec"]["nodeName"] for pod in pods(cluster, "guarded").values()}
    eventually(lambda: len(pods(cluster, "guarded")) == 2)
    assert "Allowed disruptions:  1" in eventually(lambda: cluster.kubectl("describe", "pdb", "guarded").stdout)
    cluster.kubectl("uncordon", node)
    cluster.kubectl("delete", "pdb/guarded", "deploy/guarded", "--timeout=60s")


def on(cluster: RealCluster, app: str) -> dict[str, str]:
    """The nodes of the ready pods."""
    return {
        name: pod["spec"]["nodeName"]
        for name, pod in pods(cluster, app).items()
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
    }


def test_a_node_is_emptied_and_then_lost(cluster: RealCluster, busybox_image: str) -> None:
    """The last test: it stops a node. A StatefulSet's pod stays bound to it until somebody says that it is gone."""
    bears = {"key": "maintenance", "operator": "Exists", "effect": "NoExecute"}
    loyal = json.loads(workload("StatefulSet", "loyal", busybox_image, replicas=1))
    loyal["spec"]["template"]["spec"]["tolerations"] = [bears | {"tolerationSeconds": 3600}]
    cluster.kubectl("cordon", "node-1")
    apply(cluster, json.dumps(loyal), workload("Deployment", "moves", busybox_image, replicas=1))
    rolled_out(cluster, "sts/loyal")
    rolled_out(cluster, "deploy/moves")
    cluster.kubectl("uncordon", "node-1")
    cluster.kubectl("taint", "node", "node-2", "maintenance=now:NoExecute")
    eventually(lambda: [*on(cluster, "moves").values()] == ["node-1"])
    assert on(cluster, "loyal") == {"loyal-0": "node-2"}
    cluster.kubectl("taint", "node", "node-2", "maintenance-")
    cancelled = "Cancelling deletion of Pod default/loyal-0"
    eventually(lambda: cancelled in cluster.kubectl("events", "--for=pod/loyal-0").stdout)

    cluster.podlab("node", "stop", "node-2")
    cluster.kubectl("taint", "node", "node-2", "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
    eventually(lambda: on(cluster, "loyal") == {"loyal-0": "node-1"}, 60)
    cluster.kubectl("taint", "node", "node-2", "node.kubernetes.io/out-of-service-")
    cluster.podlab("node", "add", "node-2")
    cluster.kubectl("delete", "sts/loyal", "deploy/moves", "--timeout=60s")
