"""Pods that a node does not begin, or has to end, on real containers; and what the node tells of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

_PODS = """
apiVersion: v1
kind: Pod
metadata: {{name: scratch}}
spec:
  containers:
  - name: main
    image: {busybox}
    command: [sh, -c, "head -c 3000000 /dev/zero > /scratch/file; exec sleep 3600"]
    volumeMounts: [{{name: scratch, mountPath: /scratch}}]
  volumes: [{{name: scratch, emptyDir: {{sizeLimit: 1Mi}}}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: layer}}
spec:
  containers:
  - {{name: side, image: {busybox}, command: [sleep, "3600"], resources: {{limits: {{ephemeral-storage: 9Mi}}}}}}
  - name: main
    image: {busybox}
    command: [sh, -c, "head -c 3000000 /dev/zero > /file; exec sleep 3600"]
    resources: {{limits: {{ephemeral-storage: 2Mi}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: modest}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: {busybox}
    command: [sleep, "3600"]
    resources: {{requests: {{cpu: 100m}}, limits: {{ephemeral-storage: 5Mi, memory: 64Mi}}}}
    readinessProbe: {{exec: {{command: ["true"]}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Pod
metadata: {{name: huge}}
spec:
  nodeName: node-1
  containers: [{{name: main, image: {busybox}, resources: {{requests: {{cpu: "1000"}}}}}}]
"""


@pytest.fixture(scope="module")
def small(engine: str, kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """A node of which something is set aside."""
    cluster = RealCluster(tmp_path_factory.mktemp("podlab"), "pressure", kubectl)
    reserved = ["--set", "system_reserved=cpu=500m,memory=256Mi", "--set", "max_pods=7"]
    try:
        cluster.podlab("up", *cluster.settings(), *reserved)
        yield cluster
    finally:
        cluster.podlab("down", "--purge", check=False)


@pytest.fixture(scope="module")
def pods(small: RealCluster, busybox_image: str) -> RealCluster:
    small.kubectl("apply", "-f", "-", stdin=_PODS.format(busybox=busybox_image))
    small.kubectl("wait", "--for=condition=Ready", "pod/modest", "--timeout=30s")
    return small


def status(cluster: RealCluster, pod: str) -> Any:
    return cluster.get("pod", pod)["status"]


def test_capacity_and_allocatable(small: RealCluster) -> None:
    found = small.get("node", "node-1")["status"]
    whole, left = found["capacity"], found["allocatable"]
    assert (whole["pods"], left["pods"]) == ("7", "7")
    assert _milli(whole["cpu"]) - _milli(left["cpu"]) == 500
    # 100Mi more are the threshold of eviction.
    assert int(whole["memory"][:-2]) - int(left["memory"][:-2]) == 356 * 1024
    assert int(whole["ephemeral-storage"][:-2]) - int(left["ephemeral-storage"][:-2]) == 1024 * 1024


def _milli(cpu: str) -> int:
    return int(cpu[:-1]) if cpu.endswith("m") else int(cpu) * 1000


def test_a_pod_bound_by_hand_that_does_not_fit(pods: RealCluster) -> None:
    found = eventually(lambda: found if (found := status(pods, "huge")).get("reason") else None)
    assert (found["phase"], found["reason"]) == ("Failed", "OutOfcpu")
    assert found["message"].startswith("Pod was rejected: Node didn't have enough resource: cpu, requested: 1000000, ")
    assert pods.kubectl("get", "pod", "huge").stdout.splitlines()[1].split()[:4] == ["huge", "0/1", "OutOfcpu", "0"]
    eventually(lambda: "Warning  OutOfcpu" in pods.kubectl("describe", "pod", "huge").stdout)


def test_pods_that_use_more_disk_than_they_may_are_evicted(pods: RealCluster) -> None:
    scratch = eventually(lambda: found if (found := status(pods, "scratch"))["phase"] == "Failed" else None, 60)
    assert (scratch["reason"], scratch["message"]) == (
        "Evicted",
        'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ',
    )
    layer = eventually(lambda: found if (found := status(pods, "layer"))["phase"] == "Failed" else None, 60)
    assert layer["message"] == 'Container main exceeded its local ephemeral storage limit "2Mi". '
    target = next(each for each in layer["conditions"] if each["type"] == "DisruptionTarget")
    assert (target["status"], target["reason"]) == ("True", "TerminationByKubelet")
    rows = {row[0]: row[2] for row in map(str.split, pods.kubectl("get", "pods").stdout.splitlines()[1:])}
    # How its container ended comes before why, in kubectl's column as everywhere.
    assert rows == {"scratch": "Error", "layer": "Error", "modest": "Running", "huge": "OutOfcpu"}
    described = pods.kubectl("describe", "pod", "scratch").stdout
    assert "Reason:           Evicted" in described
    eventually(lambda: "Warning  Evicted" in pods.kubectl("describe", "pod", "scratch").stdout)
    folder = pods.home / "nodes/node-1/pods" / pods.get("pod", "scratch")["metadata"]["uid"]
    eventually(lambda: not folder.exists(), 30)


def raw(cluster: RealCluster, path: str) -> str:
    return cluster.kubectl("get", "--raw", f"/api/v1/nodes/node-1/proxy/{path}").stdout


def test_the_node_tells_of_itself(pods: RealCluster) -> None:
    summary = json.loads(raw(pods, "stats/summary"))
    node = summary["node"]
    assert 0 < node["fs"]["availableBytes"] < node["fs"]["capacityBytes"]
    assert node["runtime"]["imageFs"]["capacityBytes"] > 0 and 0 < node["rlimit"]["curproc"] < node["rlimit"]["maxpid"]
    modest = eventually(lambda: next((p for p in _measured(pods) if p["podRef"]["name"] == "modest"), None), 40)
    assert modest["network"]["interfaces"][0]["name"] == "eth0"
    assert modest["containers"][0]["memory"]["rssBytes"] > 0
    assert modest["process_stats"]["process_count"] >= 1
    assert modest["ephemeral-storage"]["usedBytes"] >= 0


def _measured(cluster: RealCluster) -> list[Any]:
    return json.loads(raw(cluster, "stats/summary"))["pods"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("page", "line"),
    [
        ("metrics", 'kubelet_node_name{node="node-1"} 1.0'),
        ("metrics", "kubelet_running_pods "),
        ("metrics", 'kubelet_admission_rejections_total{reason="OutOfcpu"} 1.0'),
        ("metrics", "kubelet_pod_start_duration_seconds_bucket"),
        ("metrics/resource", "node_memory_working_set_bytes "),
        ("metrics/cadvisor", 'container_cpu_usage_seconds_total{container="main",cpu="total",'),
        ("metrics/cadvisor", 'container_network_receive_bytes_total{container="",id="",image="",interface="eth0",'),
        ("metrics/cadvisor", 'container_spec_memory_limit_bytes{container="main",'),
        ("metrics/probes", 'prober_probe_total{container="main",namespace="default",pod="modest",'),
    ],
)
def test_metrics_are_had_through_the_api_server(pods: RealCluster, page: str, line: str) -> None:
    eventually(lambda: any(each.startswith(line) for each in raw(pods, page).splitlines()), 40)
