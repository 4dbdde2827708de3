"""The master is killed (SIGKILL) at random moments of rolling updates and scale-ups on hollow nodes, and started again.

    python -m tests.faults.killed_master [--runs 200] [--first 0]

Each run is made from its number alone: what is changed, by how much, and when the master dies. A watcher that outlives
the master sees every state of the pods; what it holds against a run, and what is left at its end that should not be,
is printed, and then the exit code is 1. `test_killed_master.py` has a few of these runs.
"""

from __future__ import annotations

import argparse
import logging
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.api.errors import ServiceUnavailable
from orchestrator.api.groups.apps import DEPLOYMENT, REPLICA_SET
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, controller_of, is_deleting, metadata, name, spec, status, uid
from orchestrator.api.pods import is_active, is_ready
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.client.reflector import Reflector
from orchestrator.util import pki
from orchestrator.util.clock import SystemClock
from orchestrator.util.settings import Settings
from tests.fakes.api import cluster_home
from tests.fakes.hollow import Fleet

NODES = 4
#: Seconds within which a run must be at its end.
PATIENCE = 60.0
NAMESPACE, NAME = "default", "web"


class Master:
    """The master's process, which can be killed and started again over the same store."""

    def __init__(self, home: Path) -> None:
        self._command = [sys.executable, "-m", "orchestrator", "--home", str(home)]
        self._log = (home / "master.log").open("ab")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=self._log)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()


@dataclass(frozen=True)
class Bounds:
    """What may never be seen of a Deployment: more active pods than `most`, fewer ready ones than `fewest`."""

    most: int
    fewest: int


@dataclass
class Watcher:
    """Every state of the pods, in order, across outages: a reflector's sink."""

    bounds: Bounds = Bounds(0, 0)
    complaints: list[str] = field(default_factory=list)
    pods: dict[str, Object] = field(default_factory=dict)

    def replace(self, objects: Sequence[Object]) -> None:
        self.pods = {uid(pod): pod for pod in objects}
        self._look()

    def changed(self, obj: Object) -> None:
        self.pods[uid(obj)] = obj
        self._look()

    def deleted(self, obj: Object) -> None:
        self.pods.pop(uid(obj), None)
        self._look()

    def _look(self) -> None:
        active, ready = sum(map(is_active, self.pods.values())), len(self.ready())
        if active > self.bounds.most:
            self.complaints.append(f"{active} pods, at most {self.bounds.most} are allowed")
        if ready < self.bounds.fewest:
            self.complaints.append(f"{ready} pods are ready, at least {self.bounds.fewest} must be")

    def ready(self) -> list[Object]:
        return [pod for pod in tuple(self.pods.values()) if is_active(pod) and is_ready(pod)]


@dataclass(frozen=True)
class Change:
    """What a run does to the Deployment, and after how many seconds the master is killed, since the change and since
    its last start."""

    replicas: int
    image: str
    surge: int
    unavailable: int
    deaths: tuple[float, ...]


def change(number: int, before: int) -> Change:
    """A rolling update in three runs of four; else `before` replicas become more, or few again."""
    rng = random.Random(number)
    rolls = number % 4 != 3
    surge = rng.randint(0, 3)
    grown = 4 if before > 12 else before + rng.randint(1, 8)
    return Change(
        replicas=before if rolls else grown,
        image=f"hollow:{number}" if rolls else "",
        surge=surge,
        unavailable=rng.randint(0, 2) if surge else rng.randint(1, 2),
        deaths=(rng.uniform(0.0, 0.8), *([rng.uniform(0.8, 3.0)] if rng.random() < 0.5 else [])),
    )


class Lab:
    def __init__(self, settings: Settings, master: Master, fleet: Fleet) -> None:
        self._client = client(settings)
        self._master, self._fleet = master, fleet
        self.watcher = Watcher()
        #: How often the master was killed, and how often of these before the change was done.
        self.kills = self.halfway = 0
        self._reflector = Reflector(client(settings), POD, NAMESPACE, {}, self.watcher, SystemClock(), random.Random())
        threading.Thread(target=self._reflector.run, daemon=True).start()
        self._replicas, self._image = 6, "hollow:first"
        self._insist(lambda: self._client.create(DEPLOYMENT, deployment(self._replicas, self._image)))
        self._wait(self._is_complete)

    def stop(self) -> None:
        self._reflector.stop()

    def run(self, number: int) -> list[str]:
        """What is wrong with the run; it begins where the one before has ended."""
        wanted = change(number, self._replicas)
        self.watcher.complaints.clear()
        most = max(self._replicas, wanted.replicas) + wanted.surge
        self.watcher.bounds = Bounds(most, min(self._replicas, wanted.replicas) - wanted.unavailable)
        self._replicas, self._image = wanted.replicas, wanted.image or self._image
        self._insist(lambda: self._client.patch(DEPLOYMENT, NAME, patch(wanted), NAMESPACE))
        for seconds in wanted.deaths:
            time.sleep(seconds)
            self.kills += 1
            self.halfway += Counter(map(_image, self.watcher.ready())) != {self._image: self._replicas}
            self._master.kill()
            self._master.start()
        if not self._wait(self._is_complete):
            return [f"{wanted}: not at its end after {PATIENCE} s: {self._deployment()['status']}"]
        return [f"{wanted}: {complaint}" for complaint in (*self.watcher.complaints, *self._left_over())]

    def _left_over(self) -> list[str]:
        """What should not be there at the end, once the nodes have cleaned up too."""
        wrong = self._surplus()
        deadline = time.monotonic() + PATIENCE
        while wrong and time.monotonic() < deadline:
            time.sleep(0.05)
            wrong = self._surplus()
        return wrong

    def _surplus(self) -> list[str]:
        pods = self._client.list(POD, NAMESPACE).items
        sets = self._client.list(REPLICA_SET, NAMESPACE).items
        known = {uid(rs) for rs in sets}
        wrong = [f"pod {name(pod)} has no owner" for pod in pods if (controller_of(pod) or {}).get("uid") not in known]
        wrong += [f"pod {name(pod)} is still going" for pod in pods if is_deleting(pod)]
        images = Counter(map(_image, pods))
        if images != {self._image: self._replicas}:
            wrong.append(f"the pods are {dict(images)}")
        sizes = sorted(int(spec(rs)["replicas"]) for rs in sets if spec(rs)["replicas"])
        if sizes != [self._replicas]:
            wrong.append(f"the ReplicaSets want {sizes}")
        if (running := self._fleet.pods()) != set(map(uid, pods)):
            wrong.append(f"the nodes run {len(running)} pods, or others than those")
        return wrong

    def _is_complete(self) -> bool:
        found = self._deployment()
        seen = status(found)
        counts = {seen.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")}
        return counts == {self._replicas} and seen.get("observedGeneration") == metadata(found)["generation"]

    def _deployment(self) -> Object:
        return self._client.get(DEPLOYMENT, NAME, NAMESPACE)

    def _wait(self, look: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if look():
                    return True
            except ServiceUnavailable:
                pass  # the master is dead, or not up yet
            time.sleep(0.05)
        return False

    def _insist(self, write: Callable[[], object]) -> None:
        """As a user does whose master is not up yet."""

        def done() -> bool:
            write()
            return True

        assert self._wait(done), "the master does not come up"


def _image(pod: Object) -> str:
    return str(spec(pod)["containers"][0]["image"])


def client(settings: Settings) -> Client:
    return Client(HttpTransport(settings.server, pki.identity(settings.pki, "admin")))


def deployment(replicas: int, image: str) -> Object:
    labels = {"app": NAME}
    pod = {"terminationGracePeriodSeconds": 1, "containers": [{"name": "main", "image": image}]}
    return {
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def patch(wanted: Change) -> Object:
    rolling = {"maxSurge": wanted.surge, "maxUnavailable": wanted.unavailable}
    changed: Object = {"replicas": wanted.replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}
    if wanted.image:
        changed |= {"template": deployment(1, wanted.image)["spec"]["template"]}
    return {"spec": changed}


@contextmanager
def lab() -> Iterator[Lab]:
    """A cluster, of which only the master is a process of its own. Nodes are not lost while there is no master."""
    with tempfile.TemporaryDirectory(prefix="podlab-killed-") as folder:
        settings = replace(cluster_home(Path(folder) / "home"), node_grace=120.0)
        settings.save()
        master = Master(settings.home)
        fleet = Fleet(settings, NODES)
        try:
            fleet.start()
            made = Lab(settings, master, fleet)
            try:
                yield made
            finally:
                made.stop()
        finally:
            fleet.stop()
            master.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="the number of the first run")
    arguments = parser.parse_args()
    # That the master cannot be reached is no news here.
    logging.disable(logging.ERROR)
    failed = 0
    with lab() as running:
        for number in range(arguments.first, arguments.first + arguments.runs):
            begun = time.monotonic()
            wrong = running.run(number)
            failed += bool(wrong)
            print(f"run {number}: {time.monotonic() - begun:.1f} s", *(wrong or ["ok"]), sep="\n    ", flush=True)
        print(f"the master was killed {running.kills} times, {running.halfway} of them before the change was done")
    print(f"{arguments.runs - failed} of {arguments.runs} runs came to the right end")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
