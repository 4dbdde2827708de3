"""kill -9 of every part, in turn and together, under a running load: nothing acknowledged is lost, nothing restarts."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.harness import RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl, pytest.mark.slow]

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: nginx
        image: {image}
        ports: [{{containerPort: 80}}]
        readinessProbe: {{httpGet: {{port: 80}}, periodSeconds: 2}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec:
  selector: {{app: web}}
  ports: [{{port: 80}}]
"""


@pytest.fixture(scope="module")
def web(cluster: RealCluster, nginx_image: str) -> RealCluster:
    cluster.kubectl("apply", "-f", "-", stdin=MANIFEST.format(image=nginx_image))
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=90s")
    return cluster


class Load:
    """Fetches pages from the service in a thread, one connection each, until stopped; counts what happened."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._ended = threading.Event()
        self.results: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(0.01):
            self.results[self._fetch()] += 1

    def _fetch(self) -> str:
        connection = http.client.HTTPConnection(self._host, 80, timeout=5)
        try:
            connection.request("GET", "/")
            return "ok" if connection.getresponse().status == 200 else "bad status"
        except OSError as error:
            return type(error).__name__
        finally:
            connection.close()

    def more(self, count: int) -> None:
        """Return when `count` further fetches have succeeded."""
        target = self.results["ok"] + count
        eventually(lambda: self.results["ok"] >= target)

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(10)


@pytest.fixture
def load(web: RealCluster) -> Iterator[Load]:
    running = Load(web.get("svc", "web")["spec"]["clusterIP"])
    running.more(10)
    yield running
    running.stop()


def containers(cluster: RealCluster) -> set[str]:
    """Ids of the cluster's running containers."""
    output = subprocess.run(
        ["docker", "ps", "-q", "--no-trunc", "--filter", cluster.label],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return set(output.split())


def kill(cluster: RealCluster, *components: str) -> None:
    for component in components:
        os.kill(cluster.pid(component), signal.SIGKILL)


def acknowledge(cluster: RealCluster, prefix: str, count: int = 20) -> set[str]:
    """Create ConfigMaps; the names of those whose creation was acknowledged."""
    items = "\n---\n".join(
        f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {prefix}-{number}}}}}" for number in range(count)
    )
    output = cluster.kubectl("create", "-f", "-", stdin=items).stdout
    return {line.split()[0].removeprefix("configmap/") for line in output.splitlines()}


def config_maps(cluster: RealCluster) -> set[str]:
    return {item["metadata"]["name"] for item in cluster.get("configmaps")["items"]}


PARTS = {
    "master": ["master"],
    "agents": ["agent-node-1", "agent-node-2"],
    "proxies": ["proxy-node-1", "proxy-node-2"],
    "everything": ["master", "agent-node-1", "agent-node-2", "proxy-node-1", "proxy-node-2", "registry"],
}


@pytest.mark.parametrize("parts", PARTS)
def test_kill_and_up_again(web: RealCluster, load: Load, parts: str) -> None:
    names = acknowledge(web, f"before-{parts}")
    before = containers(web)
    kill(web, *PARTS[parts])
    if parts in ("master", "agents"):
        load.more(50)  # traffic needs neither
    web.podlab("up")
    load.more(50)
    assert names <= config_maps(web)
    web.kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=60s")
    web.kubectl("wait", "--for=condition=Ready", "pods", "-l", "app=web", "--timeout=60s")
    assert containers(web) == before
    statuses = [pod["status"]["containerStatuses"][0] for pod in web.get("pods", "-l", "app=web")["items"]]
    assert [status["restartCount"] for status in statuses] == [0, 0, 0]


def test_connections_flow_without_a_break_while_the_master_is_down(web: RealCluster, load: Load) -> None:
    load.results.clear()
    kill(web, "master")
    load.more(100)
    web.podlab("up")
    load.more(50)
    assert set(load.results) == {"ok"}


def test_pods_deleted_while_the_agent_is_down_lose_their_containers(web: RealCluster, load: Load) -> None:
    pod = next(p for p in web.get("pods", "-l", "app=web")["items"] if p["spec"]["nodeName"] == "node-1")
    kill(web, "agent-node-1")
    web.kubectl("delete", "pod", pod["metadata"]["name"], "--force", "--grace-period=0")
    ours = f"label=podlab.uid={pod['metadata']['uid']}"
    listing = ["docker", "ps", "-aq", "--filter", ours]
    assert subprocess.run(listing, check=True, capture_output=True, text=True).stdout
    web.podlab("up")
    eventually(lambda: not subprocess.run(listing, check=True, capture_output=True, text=True).stdout)
    web.kubectl("rollout", "status", "deployment/web", "--timeout=60s")


def test_down_and_up_is_the_same_cluster(web: RealCluster) -> None:
    names = acknowledge(web, "before-down")
    uids = {p["metadata"]["uid"] for p in web.get("pods", "-l", "app=web")["items"]}
    web.podlab("down")
    assert not containers(web)
    web.podlab("up")
    web.kubectl("wait", "--for=condition=Ready", "pods", "-l", "app=web", "--timeout=60s")
    assert names <= config_maps(web)
    assert {p["metadata"]["uid"] for p in web.get("pods", "-l", "app=web")["items"]} == uids


def test_node_stop_moves_its_pods(web: RealCluster) -> None:
    web.podlab("node", "stop", "node-2")
    eventually(lambda: _ready_on(web, "node-1") == 3, timeout=60)
    events = web.kubectl("get", "events", "-A").stdout
    assert "NodeNotReady" in events
    assert "TaintManagerEviction" in events
    assert "NotReady" in web.kubectl("get", "nodes").stdout
    web.podlab("node", "add", "node-2")
    eventually(lambda: "NotReady" not in web.kubectl("get", "nodes").stdout)
    eventually(lambda: len(web.get("pods", "-l", "app=web")["items"]) == 3, timeout=60)


def _ready_on(cluster: RealCluster, node: str) -> int:
    pods = cluster.get("pods", "-l", "app=web")["items"]
    return sum(
        pod["spec"].get("nodeName") == node
        and "deletionTimestamp" not in pod["metadata"]
        and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
        for pod in pods
    )
