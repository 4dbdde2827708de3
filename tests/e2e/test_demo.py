"""`podlab demo`, and what the CLI says when something is wrong."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.harness import RealCluster

pytestmark = [pytest.mark.engine, pytest.mark.kubectl, pytest.mark.slow]


def test_demo_serves_pages_from_three_pods(cluster: RealCluster) -> None:
    done = cluster.podlab("demo")
    pages = re.findall(r"\d+ x Hello from pod (web-\S+)", done.stdout)
    assert len(set(pages)) == 3
    nodes = {pod["spec"]["nodeName"] for pod in cluster.get("pods", "-l", "app=web")["items"]}
    assert nodes == {"node-1", "node-2"}
    assert f"{cluster.registry}/web" in cluster.podlab("images").stdout
    hosting = cluster.get("configmap", "local-registry-hosting", "-n", "kube-public")
    assert f'host: "{cluster.registry}"' in hosting["data"]["localRegistryHosting.v1"]
    assert cluster.podlab("demo").returncode == 0  # once more, on what is there


def test_status_says_what_is_down(cluster: RealCluster) -> None:
    assert cluster.podlab("status").returncode == 0
    cluster.podlab("node", "add", "node-9")
    assert "node node-9: Ready" in cluster.podlab("status").stdout
    cluster.podlab("node", "rm", "node-9")
    assert "node-9" not in cluster.podlab("status").stdout
    assert "node-9" not in cluster.kubectl("get", "nodes").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["push", "no/such:image"], "no/such:image"),
        (["node", "stop", "node-77"], "there is no node 'node-77'"),
        (["cluster-logs", "kitchen"], "there is no component 'kitchen'"),
        (["up", "--set", "api_port=1"], "settings can change only while the cluster is down"),
    ],
)
def test_failures_are_one_sentence(cluster: RealCluster, arguments: list[str], sentence: str) -> None:
    done = cluster.podlab(*arguments, check=False)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named(engine: str, kubectl: Path, tmp_path: Path) -> None:
    other = RealCluster(tmp_path, "taken", kubectl)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", other.api_port))
        taken.listen()
        done = other.podlab("up", *other.settings(), check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{other.api_port} cannot be listened on" in done.stderr
    assert other.podlab("down", "--purge").returncode == 0


def test_purge_leaves_nothing(engine: str, kubectl: Path, tmp_path: Path) -> None:
    gone = RealCluster(tmp_path, "gone", kubectl)
    gone.podlab("up", *gone.settings())
    gone.kubectl("get", "nodes")
    label = gone.label
    gone.podlab("down", "--purge")
    assert not gone.home.exists()
    assert "gone" not in gone.kubeconfig.read_text()
    for listing in (["ps", "-aq"], ["volume", "ls", "-q"]):
        left = subprocess.run(["docker", *listing, "--filter", label], check=True, capture_output=True, text=True)
        assert not left.stdout
    routes = subprocess.run(
        ["ip", "route", "show", "table", "local"], check=True, capture_output=True, text=True
    ).stdout
    assert f"10.{gone.second}.0.0" not in routes
