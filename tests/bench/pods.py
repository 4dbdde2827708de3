"""How fast pods come and go, over a bare SDK loop that does the same with the engine alone (`tests.bench.floor`).

python -m tests.bench.pods [one] [twenty] [delete] [hundred]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agent.runtime.base import LABEL_CLUSTER, LABEL_CONTAINER, Runtime
from agent.runtime.docker import DockerRuntime
from orchestrator.api import meta
from orchestrator.api.groups import apps, core
from orchestrator.api.meta import Object
from orchestrator.api.pods import is_ready
from orchestrator.cli.cluster import Cluster, open_cluster
from tests.bench.figures import busy, cluster, figure, ratio, resident, timed
from tests.bench.floor import Floor
from tests.fakes import images

#: Ends as soon as it is told to.
COMMAND = ["sh", "-c", "trap exit TERM; sleep 3600 & wait"]
_SELECTOR = "app=bench"
_STEP, _STEPS = 20, 5


class Pods:
    """Makes pods through the API, and waits by a watch until they are Ready. Times are in seconds."""

    def __init__(self, cluster: Cluster, image: str, runtime: Runtime) -> None:
        self._client, self._runtime = cluster.client(), runtime
        self._labels = {LABEL_CLUSTER: cluster.settings.engine_name}
        self._template: Object = {
            "metadata": {"labels": {"app": "bench"}},
            "spec": {
                "terminationGracePeriodSeconds": 10,
                "containers": [{"name": "main", "image": image, "command": COMMAND}],
            },
        }

    def one(self) -> float:
        """From the creation of a pod to its being Ready; it is gone afterwards."""
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": "default"}}
        pod["metadata"] |= self._template["metadata"]

        def make() -> None:
            self._client.create(core.POD, {**pod, "spec": self._template["spec"]})
            self._wait_ready(1)

        elapsed = timed(make)
        self._client.delete(core.POD, "one", "default")
        self._wait_gone()
        return elapsed

    def deploy(self, replicas: int) -> float:
        """From the creation of a Deployment to its pods being Ready."""
        deployment = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "bench", "namespace": "default"},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "bench"}},
                "template": self._template,
            },
        }

        def make() -> None:
            self._client.create(apps.DEPLOYMENT, deployment)
            self._wait_ready(replicas)

        return timed(make)

    def scale(self, replicas: int) -> float:
        """From the change to the pods being Ready."""

        def make() -> None:
            self._client.patch(apps.DEPLOYMENT, "bench", {"spec": {"replicas": replicas}}, "default")
            self._wait_ready(replicas)

        return timed(make)

    def undeploy(self) -> float:
        """From the deletion of the Deployment until neither API nor engine has anything of it."""

        def remove() -> None:
            self._client.delete(apps.DEPLOYMENT, "bench", "default", propagation="Foreground")
            self._wait_gone()

        return timed(remove)

    def deploy_and_clear(self, replicas: int) -> float:
        elapsed = self.deploy(replicas)
        self.undeploy()
        return elapsed

    def deploy_and_time_removal(self, replicas: int) -> float:
        self.deploy(replicas)
        return self.undeploy()

    def _wait_ready(self, count: int) -> None:
        found = self._client.list(core.POD, "default", labelSelector=_SELECTOR)
        ready = {meta.name(pod) for pod in found.items if is_ready(pod)}
        watch = self._client.watch(core.POD, "default", labelSelector=_SELECTOR, resourceVersion=found.resource_version)
        events = iter(watch)
        while len(ready) < count:
            event = next(events)
            if is_ready(event.object):
                ready.add(meta.name(event.object))
        watch.close()

    def _wait_gone(self) -> None:
        while self._client.list(core.POD, "default", labelSelector=_SELECTOR).items or self._on_the_engine():
            time.sleep(0.02)

    def _on_the_engine(self) -> bool:
        return any(LABEL_CONTAINER in found.labels for found in self._runtime.list(self._labels))


@contextmanager
def _both() -> Iterator[tuple[Pods, Floor]]:
    """Pods of a cluster, and the bare loop beside it."""
    runtime = DockerRuntime()
    image = images.busybox(runtime)
    floor = Floor(image, runtime.ensure_pause_image(), command=COMMAND)
    with cluster() as running:
        try:
            yield Pods(open_cluster(running.home), image, runtime), floor
        finally:
            floor.clear()


def bench_one() -> None:
    with _both() as (pods, floor):
        ratio("one pod, create to Ready / SDK loop", pods.one, floor.cleared(floor.pod), 15, "<= 1.0x")


def bench_twenty() -> None:
    with _both() as (pods, floor):
        title = "20 replicas / SDK loop, 8 threads"
        ratio(title, lambda: pods.deploy_and_clear(20), floor.cleared(lambda: floor.pods(20)), 3, "<= 1.05x")


def bench_delete() -> None:
    def remove() -> float:
        floor.pods(20)
        return floor.delete()

    with _both() as (pods, floor):
        title = "20 pods deleted / SDK loop, 8 threads"
        ratio(title, lambda: pods.deploy_and_time_removal(20), remove, 3, "<= 1.1x")


def bench_hundred() -> None:
    """A node that fills up, twenty by twenty; then what its agent needs to watch over it."""
    runtime = DockerRuntime()
    with cluster() as running:
        pods = Pods(open_cluster(running.home), images.busybox(runtime), runtime)
        pods.deploy_and_clear(1)
        steps = [pods.deploy(_STEP)]
        steps += [pods.scale(_STEP * number) for number in range(2, _STEPS + 1)]
        text = ", ".join(f"{step / _STEP:.2f}" for step in steps)
        figure("seconds a pod, 20 to 100 on one node", text, f"<= 1.3x the first; it is {max(steps) / steps[0]:.2f}x")
        time.sleep(10)
        agent = running.pid("agent-node-1")
        figure("agent's resident memory, 100 pods", f"{resident(agent):.0f} MiB", "< 60 MB")
        figure("agent's share of a core, 100 idle pods", f"{busy([agent], 30)[0]:.2%}", "< 3%")
        figure("100 pods deleted", f"{pods.undeploy():.1f} s")


BENCHES: dict[str, Callable[[], None]] = {
    "one": bench_one,
    "twenty": bench_twenty,
    "delete": bench_delete,
    "hundred": bench_hundred,
}


def main() -> None:
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()


if __name__ == "__main__":
    main()
