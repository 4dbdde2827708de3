"""The figures podlab promises, printed by one script, each as a ratio to a floor or peer measured in the same run.

    python -m tests.bench.headline [up] [pods] [idle] [store] [proxy] [server]

Needs a Docker Engine; `proxy` and `server` also need haproxy, nginx and wrk. Traffic goes to loopback only.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.runtime.docker import DockerRuntime
from orchestrator.api import meta
from orchestrator.api.groups import apps, core
from orchestrator.api.meta import Object
from orchestrator.api.pods import is_ready
from orchestrator.cli.cluster import Cluster, open_cluster
from tests.bench.floor import Floor
from tests.e2e.harness import RealCluster
from tests.fakes import images

_TICKS = os.sysconf("SC_CLK_TCK")
_COMMAND = ["sleep", "3600"]


@contextmanager
def cluster() -> Iterator[RealCluster]:
    """One node, up, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="podlab-bench-") as folder:
        running = RealCluster(Path(folder), "bench", Path("kubectl"))
        try:
            running.podlab("up", "--no-kubeconfig", *running.settings())
            yield running
        finally:
            running.podlab("down", "--purge", check=False)


def bench_up() -> None:
    """Seconds of `podlab up` from nothing to node Ready, and again after `down`."""
    fresh, again = [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory(prefix="podlab-bench-") as folder:
            under_test = RealCluster(Path(folder), "bench", Path("kubectl"))
            fresh.append(_timed(lambda: under_test.podlab("up", "--no-kubeconfig", *under_test.settings())))  # noqa: B023
            under_test.podlab("down")
            again.append(_timed(lambda: under_test.podlab("up", "--no-kubeconfig")))  # noqa: B023
            under_test.podlab("down", "--purge")
    _print("up, fresh", f"{statistics.median(fresh):.2f} s", "<= 2 s")
    _print("up, after down", f"{statistics.median(again):.2f} s", "<= 2 s")


def bench_pods() -> None:
    """Create to Ready over the bare SDK loop: one pod, and 20 replicas over the loop with 8 threads."""
    runtime = DockerRuntime()
    with cluster() as running:
        floor = Floor(images.busybox(runtime), runtime.ensure_pause_image(), command=_COMMAND)
        under_test = _Pods(open_cluster(running.home), images.busybox(runtime))
        _ratio("one pod, create to Ready / SDK loop", lambda n: under_test.one(f"one-{n}"), lambda _: floor.pod(), 7)
        floor.clear()
        _ratio("20 replicas / SDK loop, 8 threads", lambda n: under_test.many(20), lambda _: floor.pods(20), 3)
        floor.clear()


class _Pods:
    """Makes pods through the API and waits, by a watch, until they are Ready."""

    def __init__(self, cluster: Cluster, image: str) -> None:
        self._client = cluster.client()
        self._container = {"name": "main", "image": image, "command": _COMMAND}

    def one(self, name: str) -> float:
        begun = time.perf_counter()
        self._client.create(core.POD, self._pod(name))
        self._wait_ready(1)
        elapsed = time.perf_counter() - begun
        self._clear()
        return elapsed

    def many(self, count: int) -> float:
        begun = time.perf_counter()
        self._client.create(apps.DEPLOYMENT, self._deployment(count))
        self._wait_ready(count)
        elapsed = time.perf_counter() - begun
        self._client.delete(apps.DEPLOYMENT, "bench", "default", propagation="Foreground")
        self._clear()
        return elapsed

    def _pod(self, name: str) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "labels": {"app": "bench"}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [self._container]},
        }

    def _deployment(self, replicas: int) -> Object:
        template = self._pod("")
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "bench", "namespace": "default"},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "bench"}},
                "template": {"metadata": {"labels": {"app": "bench"}}, "spec": template["spec"]},
            },
        }

    def _wait_ready(self, count: int) -> None:
        ready: set[str] = set()
        found = self._client.list(core.POD, "default", labelSelector="app=bench")
        ready.update(meta.name(pod) for pod in found.items if is_ready(pod))
        watch = self._client.watch(
            core.POD, "default", labelSelector="app=bench", resourceVersion=found.resource_version
        )
        events = iter(watch)
        while len(ready) < count:
            event = next(events)
            if is_ready(event.object):
                ready.add(meta.name(event.object))
        watch.close()

    def _clear(self) -> None:
        """Remove all pods and wait until they are gone, so that the next round finds a quiet engine."""
        self._client.delete_collection(core.POD, "default", labelSelector="app=bench")
        while self._client.list(core.POD, "default", labelSelector="app=bench").items:
            time.sleep(0.1)
        time.sleep(1)


def bench_idle() -> None:
    """Resident memory of master, one agent and proxy; CPU of all with 20 pods running."""
    with cluster() as running:
        components = ["master", "agent-node-1", "proxy-node-1"]
        time.sleep(5)
        sizes = {component: _resident(running.pid(component)) for component in components}
        text = ", ".join(f"{component} {size:.0f}" for component, size in sizes.items())
        _print("resident memory, idle", f"{sum(sizes.values()):.0f} MiB ({text})", "<= 160 MB")
        under_test = _Pods(open_cluster(running.home), images.busybox(DockerRuntime()))
        under_test._client.create(apps.DEPLOYMENT, under_test._deployment(20))
        under_test._wait_ready(20)
        time.sleep(5)
        components.append("registry")
        before, begun = [_cpu(running.pid(component)) for component in components], time.monotonic()
        time.sleep(30)
        elapsed = time.monotonic() - begun
        used = [
            (_cpu(running.pid(component)) - start) / elapsed
            for component, start in zip(components, before, strict=True)
        ]
        text = ", ".join(f"{c} {share:.2%}" for c, share in zip(components, used, strict=True))
        _print("CPU with 20 pods, idle", f"{sum(used):.2%} of a core ({text})", "< 2%")
        sizes = {component: _resident(running.pid(component)) for component in components[:3]}
        _print("resident memory with 20 pods", f"{sum(sizes.values()):.0f} MiB", "")


def bench_module(name: str) -> Callable[[], None]:
    """Another benchmark script, as its own process."""

    def run() -> None:
        subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=True)

    return run


def _ratio(title: str, ours: Callable[[int], float], floor: Callable[[int], float], rounds: int) -> None:
    """Alternate the two, pair by pair, after one round that does not count."""
    ours(-1)
    floor(-1)
    pairs = [(ours(number), floor(number)) for number in range(rounds)]
    ratio = statistics.median(a / b for a, b in pairs)
    a, b = (statistics.median(values) for values in zip(*pairs, strict=True))
    _print(title, f"{ratio:.2f}x ({a:.2f} s / {b:.2f} s)", "<= 1.25x" if rounds > 3 else "<= 1.2x")


def _timed(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def _resident(pid: int) -> float:
    """MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _cpu(pid: int) -> float:
    """Seconds of CPU time used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _print(title: str, value: str, goal: str) -> None:
    print(f"{title:<38} {value}" + (f"   (goal {goal})" if goal else ""), flush=True)


BENCHES: dict[str, Callable[[], None]] = {
    "up": bench_up,
    "pods": bench_pods,
    "idle": bench_idle,
    **{name: bench_module(name) for name in ("store", "proxy", "server")},
}


def main() -> None:
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()


if __name__ == "__main__":
    main()
