"""Counts what a cluster has on this machine while it has no pods: all that a leak could grow."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil

from agent.runtime.base import LABEL_CLUSTER, LABEL_CONTAINER, Runtime
from orchestrator.api.groups.core import PERSISTENT_VOLUME
from orchestrator.client.client import Client
from tests.e2e.harness import RealCluster
from tests.soak.leaks import Census

PROCESSES = ("master", "agent-node-1", "proxy-node-1")
_MEBIBYTE = 1 << 20


def take(cluster: RealCluster, client: Client, runtime: Runtime) -> Census:
    nodes = cluster.home / "nodes"
    counts: dict[str, float] = {
        "containers": len(containers(cluster, runtime)),
        "engine's volumes": _docker("volume", "ls", "--quiet", "--filter", cluster.label),
        "engine's networks": _docker("network", "ls", "--quiet", "--filter", cluster.label),
        "pods' folders": len(list(nodes.glob("*/pods/*"))),
        "persistent volumes": len(client.list(PERSISTENT_VOLUME).items),
        "mounts": Path("/proc/self/mounts").read_text().count(f" {cluster.home}/"),
    }
    for name in PROCESSES:
        process = psutil.Process(cluster.pid(name))
        counts[f"{name} threads"] = process.num_threads()
        counts[f"{name} descriptors"] = process.num_fds()
        counts[f"{name} MiB"] = round(process.memory_info().rss / _MEBIBYTE, 1)
    return counts


def containers(cluster: RealCluster, runtime: Runtime) -> list[str]:
    """Ids of the pods' containers, running or not."""
    label = cluster.label.partition("=")[2].partition("=")[2]
    return [found.id for found in runtime.list({LABEL_CLUSTER: label}) if LABEL_CONTAINER in found.labels]


def _docker(*arguments: str) -> int:
    listed = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout
    return len(listed.split())
