"""How fast workloads come up, roll over and run to their end, on hollow nodes; and what many pods cost at rest.

Three processes, as in a cluster: the master with its journal on disk, all hollow nodes in a second, which shares its
processor among them (on real machines they would not), and this script, which only watches. Each time stands beside
its floor from the same run: the same pods through the API server alone, that is a create, a binding and two status
writes each (Pending, Running) from as many threads as the controllers have, and nobody who watches.

    python -m tests.bench.workloads [deployment] [rollout] [jobs] [idle] [--nodes N] [--small]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, condition, metadata, name, status
from orchestrator.api.request import STRATEGIC_PATCH
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.bench import server
from tests.fakes.api import cluster_home
from tests.fakes.hollow import hollow_nodes

THREADS = 8
NAMESPACE = "default"
#: Seconds after which a benchmark is given up.
PATIENCE = 110.0
#: Seconds over which idleness is measured, and before.
WATCHED, SETTLED = 30.0, 10.0


@dataclass(frozen=True)
class Sizes:
    replicas: int = 1000
    jobs: int = 200
    pods_of_a_job: int = 5
    idle: int = 2000


class Bench:
    """The cluster under test, as a user with a watch sees it."""

    def __init__(self, settings: Settings, master: int, hollow: int, floor: float, sizes: Sizes) -> None:
        self.client = admin(settings)
        self._master, self._hollow, self._floor, self._sizes = master, hollow, floor, sizes

    def deployment(self) -> None:
        self._timed(
            f"deployment of {self._sizes.replicas}",
            self._sizes.replicas,
            15,
            lambda: self._deploy(self._sizes.replicas),
        )

    def rollout(self) -> None:
        self._deploy(self._sizes.replicas)
        self._timed(
            f"rolling update of {self._sizes.replicas}",
            self._sizes.replicas,
            45,
            lambda: self._deploy(self._sizes.replicas, image="hollow:2"),
        )

    def jobs(self) -> None:
        pods = self._sizes.jobs * self._sizes.pods_of_a_job
        self._timed(f"{self._sizes.jobs} jobs of {self._sizes.pods_of_a_job}", pods, 60, self._run_jobs)

    def idle(self) -> None:
        self._deploy(self._sizes.idle)
        time.sleep(SETTLED)
        before, begun = server.processor(self._master), time.monotonic()
        time.sleep(WATCHED)
        share = (server.processor(self._master) - before) / (time.monotonic() - begun)
        memory = server.resident(self._master)
        report(f"idle with {self._sizes.idle} pods", f"{share:.2%} of a core, {memory:.0f} MB", "< 3 %")

    def _timed(self, title: str, pods: int, goal: int, action: Callable[[], None]) -> None:
        processes = (self._master, self._hollow)
        before, begun = list(map(server.processor, processes)), time.perf_counter()
        action()
        elapsed = time.perf_counter() - begun
        master, hollow = (server.processor(p) - b for p, b in zip(processes, before, strict=True))
        ratio = elapsed / (self._floor * pods)
        value = f"{elapsed:6.1f} s  {ratio:4.1f}x the floor  (processor: master {master:.1f} s, nodes {hollow:.1f} s)"
        report(title, value, f"< {goal} s")

    def _deploy(self, replicas: int, image: str = "hollow:1") -> None:
        """Create the Deployment or change it, and wait until it is complete."""
        wanted = deployment(replicas, image)
        found = self.client.list(DEPLOYMENT, NAMESPACE).items
        if found:
            wanted = self.client.patch(DEPLOYMENT, "bench", {"spec": wanted["spec"]}, NAMESPACE)
        else:
            wanted = self.client.create(DEPLOYMENT, wanted)
        self._watch(DEPLOYMENT, lambda obj: is_complete(obj, replicas, metadata(wanted)["generation"]), 1)

    def _run_jobs(self) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            made = [job(number, self._sizes.pods_of_a_job) for number in range(self._sizes.jobs)]
            list(pool.map(lambda obj: self.client.create(JOB, obj), made))
        self._watch(JOB, lambda obj: (condition(obj, "Complete") or {}).get("status") == "True", self._sizes.jobs)

    def _watch(self, kind: Kind, done: Callable[[Object], bool], count: int) -> None:
        """Until `count` objects have been `done`."""
        found = self.client.list(kind, NAMESPACE)
        finished = {name(obj) for obj in found.items if done(obj)}
        seconds = str(int(PATIENCE))
        watch = self.client.watch(kind, NAMESPACE, resourceVersion=found.resource_version, timeoutSeconds=seconds)
        events = iter(watch)
        while len(finished) < count:
            event = next(events, None)
            if event is None:
                sys.exit(f"not done in {seconds} s: {[status(o) for o in self.client.list(kind, NAMESPACE).items][:3]}")
            if done(event.object):
                finished.add(name(event.object))
        watch.close()


def is_complete(obj: Object, replicas: int, generation: int) -> bool:
    seen = status(obj)
    counts = {seen.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")}
    return counts == {replicas} and seen.get("observedGeneration", 0) >= generation


def deployment(replicas: int, image: str) -> Object:
    labels = {"app": "bench"}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    return {
        "metadata": {"name": "bench", "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "strategy": strategy,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image}]}},
        },
    }


def job(number: int, pods: int) -> Object:
    container = {"name": "main", "image": "hollow:1", "command": ["exit:0"]}
    return {
        "metadata": {"name": f"bench-{number}", "namespace": NAMESPACE},
        "spec": {
            "completions": pods,
            "parallelism": pods,
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    }


def floor(pods: int) -> float:
    """Seconds a pod takes the API server alone."""
    with tempfile.TemporaryDirectory() as folder, server.running(Path(folder) / "home") as (settings, _, _):
        client = admin(settings)
        spec = deployment(1, "hollow:1")["spec"]["template"]["spec"]

        def make(number: int) -> None:
            marks = {"name": f"floor-{number}", "namespace": NAMESPACE}
            made = client.create(POD, {"metadata": marks, "spec": spec})
            client.bind(made, "nobody", POD)
            for phase in ("Pending", "Running"):
                patch = {"status": {"phase": phase}}
                client.patch(POD, marks["name"], patch, NAMESPACE, subresource="status", content_type=STRATEGIC_PATCH)

        with ThreadPoolExecutor(THREADS) as pool:
            begun = time.perf_counter()
            list(pool.map(make, range(pods)))
            return (time.perf_counter() - begun) / pods


def admin(settings: Settings) -> Client:
    return Client(HttpTransport(settings.server, pki.identity(settings.pki, "admin")))


@contextmanager
def cluster(nodes: int, floor: float, sizes: Sizes) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="podlab-bench-") as folder:
        home = Path(folder) / "home"
        settings = cluster_home(home)
        with subprocess.Popen([sys.executable, "-m", "orchestrator", "--home", str(home)]) as master:
            try:
                with hollow_nodes(home, nodes) as hollow:
                    bench = Bench(settings, master.pid, hollow, floor, sizes)
                    wait_ready(bench.client, nodes)
                    yield bench
            finally:
                master.terminate()


def wait_ready(client: Client, nodes: int) -> None:
    def ready(node: Object) -> bool:
        return (condition(node, "Ready") or {}).get("status") == "True"

    while sum(map(ready, client.list(NODE).items)) < nodes:
        time.sleep(0.1)


def report(title: str, value: str, goal: str) -> None:
    print(f"{title:<28} {value}   (goal {goal})", flush=True)


BENCHES: dict[str, Callable[[Bench], None]] = {
    "deployment": Bench.deployment,
    "rollout": Bench.rollout,
    "jobs": Bench.jobs,
    "idle": Bench.idle,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benches", nargs="*", choices=[*BENCHES, []], metavar="bench")
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--pods", type=int, default=1000, help="of a workload; twice as many at rest")
    arguments = parser.parse_args()
    pods = arguments.pods
    sizes = Sizes(pods, pods // 5, 5, 2 * pods)
    each = floor(min(pods, 500))
    report("floor", f"{each * 1000:.2f} ms a pod", "")
    for chosen in arguments.benches or BENCHES:
        with cluster(arguments.nodes, each, sizes) as bench:
            BENCHES[chosen](bench)


if __name__ == "__main__":
    main()
