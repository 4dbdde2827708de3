"""The figures podlab promises, printed by one script, each as a ratio to a floor or peer measured in the same run.

    python -m tests.bench.headline [up] [pods] [idle] [store] [proxy] [server]

Needs a Docker Engine; `proxy` and `server` also need haproxy, nginx and wrk. Traffic goes to loopback only.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agent.runtime.docker import DockerRuntime
from orchestrator.cli.cluster import open_cluster
from tests.bench.figures import busy, cluster, figure, resident, timed
from tests.bench.pods import Pods
from tests.e2e.harness import RealCluster
from tests.fakes import images


def bench_up() -> None:
    """Seconds of `podlab up` from nothing to node Ready, and again after `down`."""
    fresh, again = [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory(prefix="podlab-bench-") as folder:
            under_test = RealCluster(Path(folder), "bench", Path("kubectl"))
            fresh.append(timed(lambda: under_test.podlab("up", "--no-kubeconfig", *under_test.settings())))  # noqa: B023
            under_test.podlab("down")
            again.append(timed(lambda: under_test.podlab("up", "--no-kubeconfig")))  # noqa: B023
            under_test.podlab("down", "--purge")
    figure("up, fresh", f"{statistics.median(fresh):.2f} s", "<= 2 s")
    figure("up, after down", f"{statistics.median(again):.2f} s", "<= 2 s")


def bench_idle() -> None:
    """Resident memory of master, one agent and proxy; CPU of all with 20 pods running."""
    with cluster() as running:
        components = ["master", "agent-node-1", "proxy-node-1"]
        time.sleep(5)
        sizes = {component: resident(running.pid(component)) for component in components}
        text = ", ".join(f"{component} {size:.0f}" for component, size in sizes.items())
        figure("resident memory, idle", f"{sum(sizes.values()):.0f} MiB ({text})", "<= 160 MB")
        runtime = DockerRuntime()
        Pods(open_cluster(running.home), images.busybox(runtime), runtime).deploy(20)
        time.sleep(5)
        sizes = {component: resident(running.pid(component)) for component in components}
        components.append("registry")
        used = busy([running.pid(component) for component in components], 30)
        text = ", ".join(f"{c} {share:.2%}" for c, share in zip(components, used, strict=True))
        figure("CPU with 20 pods, idle", f"{sum(used):.2%} of a core ({text})", "< 2%")
        figure("resident memory with 20 pods", f"{sum(sizes.values()):.0f} MiB")


def bench_module(name: str) -> Callable[[], None]:
    """Another benchmark script, as its own process."""

    def run() -> None:
        subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=True)

    return run


BENCHES: dict[str, Callable[[], None]] = {
    "up": bench_up,
    "pods": bench_module("pods"),
    "idle": bench_idle,
    **{name: bench_module(name) for name in ("store", "proxy", "server")},
}


def main() -> None:
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()


if __name__ == "__main__":
    main()
