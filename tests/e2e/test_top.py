"""kubectl top, and other readers of metrics.k8s.io, on real containers: the newest and the oldest kubectl."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.harness import RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl, pytest.mark.usefixtures("pods")]

_API = "/apis/metrics.k8s.io/v1beta1"
_PODS = """
apiVersion: v1
kind: Pod
metadata: {{name: busy, labels: {{app: busy}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: {busybox}
    command: [sh, -c, "while :; do :; done"]
    resources: {{limits: {{cpu: 100m}}}}
  - {{name: side, image: {busybox}, command: [sleep, "3600"]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: idle, labels: {{app: idle}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{{name: main, image: {busybox}, command: [sleep, "3600"]}}]
"""


@pytest.fixture(scope="module")
def pods(cluster: RealCluster, busybox_image: str) -> Iterator[RealCluster]:
    """A pod that takes a tenth of a core, and one that takes nothing; both measured."""
    manifest = _PODS.format(busybox=busybox_image)
    cluster.kubectl("apply", "-f", "-", stdin=manifest)
    eventually(lambda: len(items(cluster, "pods")) == 2 and len(items(cluster, "nodes")) == 2, 45)
    yield cluster
    cluster.kubectl("delete", "-f", "-", "--timeout=60s", stdin=manifest)


def items(user: RealCluster, resource: str, query: str = "") -> list[dict[str, Any]]:
    answer = user.kubectl("get", "--raw", f"{_API}/{resource}{query}").stdout
    return json.loads(answer)["items"]  # type: ignore[no-any-return]


def table(user: RealCluster, *arguments: str) -> list[list[str]]:
    """The cells, without the headers."""
    return [line.split() for line in user.kubectl(*arguments).stdout.splitlines()[1:]]


def test_top_nodes(user: RealCluster) -> None:
    rows = table(user, "top", "nodes")
    assert [row[0] for row in rows] == [node["metadata"]["name"] for node in user.get("nodes")["items"]]
    for _, cpu, cpu_share, memory, memory_share in rows:
        assert re.fullmatch(r"\d+m", cpu) and re.fullmatch(r"[1-9]\d*Mi", memory)
        assert re.fullmatch(r"\d+%", cpu_share) and re.fullmatch(r"\d+%", memory_share)
    assert len(table(user, "top", "node", rows[0][0])) == 1


def test_top_pods(user: RealCluster) -> None:
    rows = table(user, "top", "pods", "--sort-by=cpu")
    assert [row[0] for row in rows] == ["busy", "idle"]
    assert 50 <= int(rows[0][1].rstrip("m")) <= 150
    assert int(rows[1][1].rstrip("m")) < 20
    assert [row[0] for row in table(user, "top", "pods", "-l", "app=idle")] == ["idle"]
    assert [row[:2] for row in table(user, "top", "pods", "-A")] == [["default", "busy"], ["default", "idle"]]
    assert [row[1] for row in table(user, "top", "pod", "busy", "--containers")] == ["main", "side"]
    assert [row[0] for row in table(user, "top", "pods", "--field-selector=metadata.name=busy")] == ["busy"]


def test_top_of_nobody(user: RealCluster) -> None:
    for arguments, why in ((["pod", "none"], 'pods "none" not found'), (["node", "none"], '"none" not found')):
        done = user.kubectl("top", *arguments, check=False)
        assert (done.returncode, why in done.stderr) == (1, True), done.stderr


def test_the_objects(user: RealCluster) -> None:
    assert user.kubectl("get", "podmetrics").stdout.splitlines()[0].split() == ["NAME", "CPU", "MEMORY", "WINDOW"]
    (pod,) = items(user, "namespaces/default/pods", "?labelSelector=app%3Dbusy")
    seconds = float(str(pod["window"]).removesuffix("s"))
    assert 1 <= seconds <= 30
    one = json.loads(user.kubectl("get", "nodemetrics", "-o", "json").stdout)["items"][0]
    assert one["usage"]["cpu"] and re.fullmatch(r"\d+[KMG]i", one["usage"]["memory"])
    assert "The container's name" in user.kubectl("explain", "podmetrics.containers.name").stdout


def test_a_node_whose_agent_is_gone_is_missing(pods: RealCluster) -> None:
    """The last test: it stops a node."""
    pods.podlab("node", "stop", "node-2")
    try:
        assert [row["metadata"]["name"] for row in items(pods, "nodes")] == ["node-1"]
    finally:
        pods.podlab("node", "add", "node-2", check=False)
