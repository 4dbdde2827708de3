"""Autoscalers on containers that burn CPU and on containers that do not, as a user of kubectl meets them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import RealCluster, eventually, two_nodes

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

_BURN = "while :; do :; done"
_SLEEP = "trap 'exit 0' TERM; sleep 100000 & wait"


@pytest.fixture(scope="module")
def cluster(engine: str, kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """Two nodes, whose autoscalers look at their targets every five seconds."""
    folder = tmp_path_factory.mktemp("podlab")
    with two_nodes(folder, "hpa", kubectl, "--set", "autoscaler_sync=5") as under_test:
        yield under_test


def deployment(name: str, image: str, command: str, replicas: int) -> str:
    """Of pods that request a tenth of a core, and get no more."""
    container = {
        "name": "app",
        "image": image,
        "command": ["sh", "-c", command],
        "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "100m"}},
    }
    pod = {"containers": [container], "terminationGracePeriodSeconds": 0}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})


def row(cluster: RealCluster, name: str) -> str:
    return cluster.kubectl("get", "hpa", name, "--no-headers").stdout


def test_a_busy_deployment_grows_and_an_idle_one_shrinks(cluster: RealCluster, busybox_image: str) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=deployment("busy", busybox_image, _BURN, 1))
    cluster.kubectl("apply", "-f", "-", stdin=deployment("idle", busybox_image, _SLEEP, 2))
    cluster.kubectl("autoscale", "deploy/busy", "--cpu-percent=50", "--min=1", "--max=2")
    cluster.kubectl("autoscale", "deploy/idle", "--cpu-percent=50", "--max=3")
    at_once = '{"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}'
    cluster.kubectl("patch", "hpa.v2.autoscaling", "idle", "--type=merge", "-p", at_once)
    assert re.match(r"busy +Deployment/busy +cpu: <unknown>/50% +1 +2 ", row(cluster, "busy"))

    eventually(lambda: len(cluster.get("pods", "-l", "app=busy")["items"]) == 2, 75)
    eventually(lambda: len(cluster.get("pods", "-l", "app=idle")["items"]) == 1, 30)
    assert re.match(r"busy +Deployment/busy +cpu: \d+%/50% +1 +2 +[12] ", row(cluster, "busy"))
    told = cluster.kubectl("describe", "hpa", "busy").stdout
    cpu = r"resource cpu on pods +\(as a percentage of request\): +\d+% \(\d+m\) / 50%"
    assert re.search(cpu, told), told
    assert re.search(r"AbleToScale +True +\w+ ", told) and re.search(r"ScalingActive +True +ValidMetricFound ", told)
    assert re.search(r"Deployment pods: +\d current / 2 desired", told)
    reason = r"New size: 2; reason: cpu resource utilization \(percentage of request\) above target"
    eventually(lambda: re.search(reason, cluster.kubectl("describe", "hpa", "busy").stdout))
    assert "All metrics below target" in cluster.kubectl("events", "--for=hpa/idle").stdout
    cluster.kubectl("delete", "hpa,deploy", "busy", "idle", "--timeout=60s")
