"""Controllers at work on a whole API in the test's own process, with a kubelet that obeys at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from orchestrator.api.builtin import LEASE, NODE, POD
from orchestrator.api.errors import Conflict, NotFound
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, is_deleting, name, namespace, spec, status
from orchestrator.api.times import rfc3339, rfc3339_micro
from orchestrator.client.client import Client
from orchestrator.client.informers import Informers
from orchestrator.controllers.base import Context, Controller
from orchestrator.util.clock import FakeClock
from orchestrator.util.settings import Settings
from tests.fakes.api import local_api

T = TypeVar("T")

#: Far more than anything here takes; only a failing test waits so long.
PATIENCE = 10.0


class Events:
    """A recorder that remembers: (reason, message, name of the object)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def event(self, obj: Object, type: str, reason: str, message: str, *, component: str = "") -> None:
        self.told.append((reason, message, name(obj)))

    def messages(self, reason: str) -> list[str]:
        return [message for told, message, _ in self.told if told == reason]


class World:
    def __init__(self, *controllers: type[Controller], kubelet: bool = True) -> None:
        self.clock = FakeClock()
        self.events = Events()
        self.settings = replace(Settings(home=Path("/nonexistent")), node_grace=8.0, lease_renew=2.0)
        self.client: Client = local_api(self.clock)[1]
        self.informers = Informers(self.client)
        context = Context(self.client, self.informers, self.events, self.clock, self.settings)
        self.controllers = [controller(context) for controller in controllers]
        self._kubelet = Kubelet(self) if kubelet else None

    @contextmanager
    def running(self) -> Iterator[World]:
        self.informers.start()
        assert self.informers.wait_synced(PATIENCE)
        for controller in self.controllers:
            controller.start()
        try:
            yield self
        finally:
            for controller in self.controllers:
                controller.stop()
            self.informers.stop()

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

    def quiet(self) -> None:
        """Wait until nothing is written any more, and no controller has anything to do."""
        calm = 0
        while calm < 10:
            before = self.revision()
            time.sleep(0.01)
            busy = any(len(controller.queue) for controller in self.controllers)
            calm = calm + 1 if self.revision() == before and not busy else 0

    def revision(self) -> str:
        return self.client.list(POD, limit="1").resource_version

    def advance(self, seconds: float, *, beating: tuple[str, ...] = ()) -> None:
        """Let time pass in small steps, in which the agents of the nodes in `beating` renew their leases."""
        for _ in range(int(seconds * 2)):
            self.clock.advance(0.5)
            for node in beating:
                self.beat(node)
            time.sleep(0.01)

    # Shorthands.

    def create(self, kind: Kind, obj: Object) -> Object:
        meta = {field: obj["metadata"][field] for field in _WRITABLE if obj["metadata"].get(field)}
        made = self.client.create(kind, {**obj, "metadata": meta})
        return self.client.update_status(kind, {**made, "status": obj["status"]}) if obj.get("status") else made

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

    def add_node(self, node: str) -> None:
        conditions = [{"type": "Ready", "status": "True", "lastHeartbeatTime": rfc3339(self.clock.now())}]
        self.create(NODE, {"metadata": {"name": node}, "status": {"conditions": conditions}})
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
    """Runs every pod: bound to `node`, running and ready unless its name is in `sick`; ends pods at once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._addresses = 0
        world.informers.of(POD).add_handler(self._pod_changed)

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
            client.bind(pod, "node-1", POD)
        elif status(pod).get("phase") == "Pending":
            client.update_status(POD, {**pod, "status": self._running(pod)})

    def _running(self, pod: Object) -> Object:
        with self._lock:
            self._addresses += 1
            ip = f"172.17.{self._addresses // 250}.{self._addresses % 250 + 2}"
        ready = "False" if spec(pod)["containers"][0]["image"].endswith("sick") else "True"
        now = rfc3339(self._world.clock.now())
        conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": now}]
        return {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": conditions}
