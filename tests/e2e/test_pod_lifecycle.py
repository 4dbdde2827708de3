"""The life of a pod as kubectl shows it: last words, static pods, resize."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: sized}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: {image}
    command: [sh, -c, "trap exit TERM; sleep 600 & wait"]
    resources: {{requests: {{cpu: 100m, memory: 32Mi}}, limits: {{cpu: 500m, memory: 64Mi}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: words}}
spec:
  restartPolicy: Never
  containers:
  - name: app
    image: {image}
    command: [sh, -c, "echo out of cheese > /dev/termination-log; exit 3"]
"""
STATIC = """
apiVersion: v1
kind: Pod
metadata: {{name: web, labels: {{app: static}}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: nginx
    image: {image}
    readinessProbe: {{httpGet: {{port: 80}}, periodSeconds: 1}}
"""


@pytest.fixture(scope="module")
def pods(cluster: RealCluster, busybox_image: str) -> RealCluster:
    cluster.kubectl("apply", "-f", "-", stdin=POD.format(image=busybox_image))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/sized", "--timeout=30s")
    return cluster


def test_last_words_are_described(pods: RealCluster) -> None:
    pods.kubectl("wait", "--for=jsonpath={.status.phase}=Failed", "pod/words", "--timeout=30s")
    described = pods.kubectl("describe", "pod", "words").stdout
    assert re.search(r"Message: +out of cheese", described)
    assert re.search(r"Exit Code: +3", described)


def test_kubectl_resizes_a_running_pod(pods: RealCluster) -> None:
    patch = {"spec": {"containers": [{"name": "app", "resources": {"limits": {"cpu": "700m", "memory": "96Mi"}}}]}}
    done = pods.kubectl("patch", "pod", "sized", "--subresource=resize", "-p", json.dumps(patch))
    assert done.stdout == "pod/sized patched\n"
    limits = "jsonpath={.status.containerStatuses[0].resources.limits.memory}=96Mi"
    pods.kubectl("wait", f"--for={limits}", "pod/sized", "--timeout=20s")
    script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    assert pods.kubectl("exec", "sized", "--", "sh", "-c", script).stdout.strip() == str(96 << 20)
    assert pods.get("pod", "sized")["status"]["containerStatuses"][0]["restartCount"] == 0
    less = {"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "48Mi"}}}]}}
    refused = pods.kubectl("patch", "pod", "sized", "--subresource=resize", "-p", json.dumps(less), check=False)
    assert "memory limits cannot be decreased unless resizePolicy is RestartContainer" in refused.stderr


@pytest.fixture
def manifest(cluster: RealCluster, nginx_image: str) -> Iterator[Path]:
    file = cluster.home / "nodes" / "node-1" / "manifests" / "web.yaml"
    file.write_text(STATIC.format(image=nginx_image))
    yield file
    file.unlink(missing_ok=True)


def test_a_static_pod_is_shown_and_survives_kubectl(cluster: RealCluster, manifest: Path) -> None:
    eventually(lambda: "web-node-1" in cluster.kubectl("get", "pods", "-l", "app=static", "-o", "name").stdout)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/web-node-1", "--timeout=30s")
    before = cluster.get("pod", "web-node-1")
    assert "Controlled By:  Node/node-1" in cluster.kubectl("describe", "pod", "web-node-1").stdout
    assert "Started container nginx" in cluster.kubectl("describe", "pod", "web-node-1").stdout
    assert cluster.kubectl("exec", "web-node-1", "--", "echo", "hello").stdout == "hello\n"
    cluster.kubectl("delete", "pod", "web-node-1")

    def back() -> bool:
        found = cluster.kubectl("get", "pod", "web-node-1", "-o", "json", "--ignore-not-found").stdout
        return bool(found) and json.loads(found)["metadata"]["uid"] != before["metadata"]["uid"]

    eventually(back)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/web-node-1", "--timeout=30s")
    ids = [pod["status"]["containerStatuses"][0]["containerID"] for pod in (before, cluster.get("pod", "web-node-1"))]
    assert ids[0] == ids[1], "only its likeness in the API was deleted"
    manifest.unlink()
    eventually(lambda: not cluster.kubectl("get", "pods", "-l", "app=static", "-o", "name").stdout)
