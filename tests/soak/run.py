"""One soak: rounds of churn on a cluster of its own, a census after each, and what the censuses tell."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from agent.runtime.docker import DockerRuntime
from orchestrator.cli.cluster import open_cluster
from tests.conftest import newest_kubectl
from tests.e2e.harness import RealCluster
from tests.fakes import images
from tests.soak import census
from tests.soak.churn import Churn
from tests.soak.leaks import Census, leaks

#: Seconds after a round until idle threads and connections have ended and volumes are gone.
SETTLE = 8.0
#: Without these the master would rightly grow for an hour.
_FORGETFUL = ("--set", "event_ttl=20", "--set", "history=20")


def soak(seconds: float, pods: int, rounds: int) -> list[str]:
    """What leaks, a sentence each. `seconds` are divided among the rounds, of which the first is the measure."""
    runtime = DockerRuntime()
    kubectl = newest_kubectl()
    assert kubectl is not None, "kubectl is needed"
    with tempfile.TemporaryDirectory(prefix="podlab-soak-") as folder:
        cluster = RealCluster(Path(folder), "soak", kubectl)
        try:
            cluster.podlab("up", *cluster.settings(), *_FORGETFUL)
            client = open_cluster(cluster.home).client()
            churn = Churn(cluster, client, runtime, images.busybox(runtime), pods)
            taken: list[Census] = []
            for number in range(rounds):
                made = churn.round(seconds / rounds)
                time.sleep(SETTLE)
                taken.append(census.take(cluster, client, runtime))
                print(f"round {number + 1}: {made} pods, {dict(taken[-1])}", flush=True)
            return leaks(taken)
        finally:
            cluster.podlab("down", "--purge", check=False)
