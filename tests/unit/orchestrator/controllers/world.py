"""Controllers at work on a whole API in the test's own process, with a kubelet that obeys at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.api.errors import Conflict, NotFound
from orchestrator.api.groups.coordination import LEASE
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, is_deleting, key, name, namespace, resource_version, spec, status
from orchestrator.api.times import rfc3339, rfc3339_micro
from orchestrator.client.client import Client, Transport
from orchestrator.client.informer import Informer
from orchestrator.client.informers import Informers
from orchestrator.client.workqueue import WorkQueue
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.daemonset_pods import target_node
from orchestrator.server.summaries import Summaries, no_summaries
from orchestrator.util.clock import FakeClock
from orchestrator.util.settings import Settings
from tests.fakes.api import local_api

T = TypeVar("T")

#: Far more than anything here takes; only a failing test waits so long.
PATIENCE = 10.0


class SteppingClock(FakeClock):
    """`advance` returns when everybody whose time has come has noticed. `set_by` are the seconds by which somebody has
    set the wall clock: nobody who waits notices."""

    def __init__(self) -> None:
        super().__init__()
        self.set_by = 0.0
        self._waiting: dict[int, float] = {}

    def now(self) -> float:
        return super().now() + self.set_by

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        waiter = threading.get_ident()
        if seconds is not None:
            self._waiting[waiter] = self.monotonic() + seconds
        try:
            return super().wait(event, seconds)
        finally:
            self._waiting.pop(waiter, None)

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        deadline = time.monotonic() + PATIENCE
        while any(due <= self.monotonic() for due in list(self._waiting.values())):
            assert time.monotonic() < deadline, "somebody sleeps too long"
            time.sleep(0.001)


class Events:
    """A recorder that remembers: (reason, message, name of the object)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def event(self, obj: Object, type: str, reason: str, message: str, *, component: str = "") -> None:
        self.told.append((reason, message, name(obj)))

    def messages(self, reason: str) -> list[str]:
        return [message for told, message, _ in self.told if told == reason]


class World:
    """`between` may put something between the controllers and the API; the test itself talks to the API directly."""

    def __init__(
        self,
        *controllers: type[Controller],
        kubelet: bool = True,
        between: Callable[[Transport], Transport] = lambda transport: transport,
        home: Path = Path("/nonexistent"),
        summaries: Summaries = no_summaries,
        **settings: Any,
    ) -> None:
        self.clock = SteppingClock()
        self.events = Events()
        self.settings = replace(Settings(home), node_grace=8.0, lease_renew=2.0, **settings)
        self.client: Client = local_api(self.clock, home=home, summaries=summaries)[1]
        self._types = controllers
        self._make_controllers(Client(between(self.client._transport)))
        if kubelet:
            self._kubelet_informers = Informers(self.client)
            Kubelet(self, self._kubelet_informers.of(POD))
            self._kubelet_informers.start()

    def _make_controllers(self, client: Client) -> None:
        self.informers = Informers(client)
        context = Context(client, self.informers, self.events, self.clock, self.settings)
        self.controllers = [controller(context) for controller in self._types]

    @contextmanager
    def running(self) -> Iterator[World]:
        self.start()
        assert self.informers.wait_synced(PATIENCE)
        try:
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        self.informers.start()
        for controller in self.controllers:
            controller.start()

    def stop(self) -> None:
        for controller in self.controllers:
            controller.stop()
        self.informers.stop()

    def replace_controllers(self, transport: Transport | None = None) -> None:
        """New ones that know nothing, as after a crash, with nothing (or `transport`) in between any more."""
        self.stop()
        self._make_controllers(Client(transport) if transport else self.client)
        self.start()

    def eventually(self, look: Callable[[], T]) -> T:
        """What `look` returns, once it is true; an AssertionError in it means "not yet"."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if found := look():
                    return found
            except (AssertionError, NotFound):
                if time.monotonic() > deadline:
                    raise
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.005)
            # Retries after a conflict, some milliseconds later, are part of how things happen.
            self.clock.advance(0.002)

    def quiet(self) -> None:
        """Wait until everybody has seen everything, and nobody has anything to do."""
        self.eventually(self._is_quiet)

    def _is_quiet(self) -> bool:
        before = self.revision()
        seen = all(self._is_in_step(informer) for informer in list(self.informers._informers.values()))
        idle = all(self._is_idle(controller.queue) for controller in self.controllers)
        return seen and idle and self.revision() == before

    def _is_idle(self, queue: WorkQueue) -> bool:
        with queue._lock:
            overdue = any(due <= self.clock.monotonic() for due in queue._due.values())
            return not (queue._ready or queue._taken or overdue)

    def _is_in_step(self, informer: Informer) -> bool:
        there = {key(obj): resource_version(obj) for obj in self.client.list(informer.kind).items}
        # Not before its handlers have been told.
        with informer._dispatch:
            return there == {key(obj): resource_version(obj) for obj in informer.cache.list()}

    def revision(self) -> str:
        return self.client.list(POD, limit="1").resource_version

    def advance(self, seconds: float, *, beating: tuple[str, ...] = ()) -> None:
        """Let time pass second by second, while the agents of the nodes in `beating` renew their leases."""
        self.quiet()
        for _ in range(int(seconds)):
            self.clock.advance(1)
            for node in beating:
                self.beat(node)
            self.quiet()

    # Shorthands.

    def create(self, kind: Kind, obj: Object) -> Object:
        meta = {field: obj["metadata"][field] for field in _WRITABLE if obj["metadata"].get(field)}
        made = self.client.create(kind, {**obj, "metadata": meta})
        while obj.get("status"):
            try:
                return self.client.update_status(kind, {**made, "status": obj["status"]})
            except Conflict:
                # The kubelet was quicker.
                made = self.client.get(kind, name(made), namespace(made))
        return made

    def change(self, kind: Kind, name: str, change: Callable[[Object], None], namespace: str = "default") -> Object:
        """Read, change, write, as often as it takes."""
        while True:
            obj = self.client.get(kind, name, namespace if kind.namespaced else "")
            change(obj)
            try:
                return self.client.update(kind, obj)
            except Conflict:
                continue

    def all(self, kind: Kind, namespace: str = "default") -> list[Object]:
        return self.client.list(kind, namespace if kind.namespaced else "").items

    def pods(self, namespace: str = "default") -> list[Object]:
        return [pod for pod in self.all(POD, namespace) if not is_deleting(pod)]

    def add_node(self, node: str, **labels: str) -> None:
        conditions = [{"type": "Ready", "status": "True", "lastHeartbeatTime": rfc3339(self.clock.now())}]
        self.create(NODE, {"metadata": {"name": node, "labels": labels}, "status": {"conditions": conditions}})
        self.client.create(LEASE, self._lease(node))

    def beat(self, node: str) -> None:
        self.client.patch(LEASE, node, {"spec": self._lease(node)["spec"]}, "kube-node-lease")

    def _lease(self, node: str) -> Object:
        moment = rfc3339_micro(self.clock.now())
        return {
            "metadata": {"name": node, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": node, "renewTime": moment, "leaseDurationSeconds": 8},
        }


_WRITABLE = ("name", "generateName", "namespace", "labels", "annotations", "ownerReferences", "finalizers")


class Kubelet:
    """Runs every pod: bound to the node it is for or to `node-1`, running, and ready unless its image ends in `sick`;
    ends pods at once."""

    def __init__(self, world: World, pods: Informer) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._addresses = 0
        pods.add_handler(self._pod_changed)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            return
        try:
            self._step(new)
        except (Conflict, NotFound):
            # The next event tells more.
            return

    def _step(self, pod: Object) -> None:
        client = self._world.client
        if is_deleting(pod):
            client.delete(POD, name(pod), namespace(pod), grace_seconds=0)
        elif not spec(pod).get("nodeName"):
            client.bind(pod, target_node(pod) or "node-1", POD)
        elif status(pod).get("phase") == "Pending":
            client.update_status(POD, {**pod, "status": self._running(pod)})

    def _running(self, pod: Object) -> Object:
        with self._lock:
            self._addresses += 1
            ip = f"172.17.{self._addresses // 250}.{self._addresses % 250 + 2}"
        ready = "False" if spec(pod)["containers"][0]["image"].endswith("sick") else "True"
        now = rfc3339(self._world.clock.now())
        conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": now}]
        started = {"phase": "Running", "startTime": now, "podIP": ip, "podIPs": [{"ip": ip}]}
        return {**started, "conditions": conditions}
