"""Keeps this machine's Node up to date: registers it, and tells of every change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent import node_facts, node_object
from agent.proxy.anyip import Routes
from agent.runtime.base import EngineInfo, Image, Runtime, RuntimeFailure
from orchestrator.api.claims import FOLDERS
from orchestrator.api.errors import AlreadyExists, ApiError
from orchestrator.api.groups.core import NODE
from orchestrator.api.meta import Object, condition
from orchestrator.api.request import STRATEGIC_PATCH
from orchestrator.client.backoff import Backoff
from orchestrator.client.client import Client
from orchestrator.client.informer import Informer
from orchestrator.util import threads
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: Seconds between looks at the machine, and after which an unchanged status is told again (heartbeat).
LOOK, HEARTBEAT = 60.0, 300.0
#: Seconds before registering is tried again; the processes of a cluster start at the same time.
FIRST_RETRY, LONGEST_RETRY = 0.02, 5.0
#: What a heartbeat alone changes.
_BEATS = frozenset({"lastHeartbeatTime"})


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """`port` is the agent's own server; `files` a folder of the agent's, to measure the disk by; `volumes` the one that
    persistent volumes are made in."""

    name: str
    port: int
    files: Path
    volumes: Path


class NodeAgent:
    """`registered` is set when the API has the Node."""

    def __init__(
        self,
        client: Client,
        runtime: Runtime,
        identity: NodeIdentity,
        routes: Callable[[], Routes],
        clock: Clock,
        engine: EngineInfo | None = None,
    ) -> None:
        self._client, self._runtime, self._identity = client, runtime, identity
        self._routes, self._clock = routes, clock
        self._engine = engine
        self._problem = "the engine was not asked yet"
        self._images: list[Image] = []
        #: This node in the API: others write to its status too (the node controller, when the lease runs out).
        self._node = Informer(client, NODE, field_selector=f"metadata.name={identity.name}", clock=clock)
        self._node.add_handler(self._node_changed)
        self._told: Object = {}
        self._told_at = 0.0
        #: The API says of a condition what was not told from here.
        self._contradicted = False
        self._changed, self._stopping = threading.Event(), threading.Event()
        self.registered = threading.Event()

    def start(self) -> None:
        threads.start("node", self._run)

    def stop(self) -> None:
        self._node.stop()
        self._stopping.set()
        self._changed.set()

    def engine_reports(self, problem: str) -> None:
        """Why the engine does not answer, or "" when it does (again)."""
        if problem != self._problem:
            self._problem = problem
            self._changed.set()

    def images_changed(self) -> None:
        """The engine has other images than before: the scheduler is to know."""
        self._changed.set()

    def status(self) -> Object:
        """The Node's status as of now."""
        self._look_at_engine()
        files, now = self._identity.files, self._clock.now()
        engine = self._engine or node_facts.engineless()
        machine = node_facts.machine(self._engine, files)
        resources = node_object.resources(engine, machine)
        return {
            "capacity": resources,
            "allocatable": resources,
            "conditions": node_object.node_conditions(
                self._told.get("conditions") or (),
                node_facts.pressure(self._engine, files),
                self._problem,
                self._routes(),
                now,
            ),
            "addresses": [
                {"type": "InternalIP", "address": machine.address},
                {"type": "Hostname", "address": self._identity.name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._identity.port}},
            "nodeInfo": node_object.node_info(engine, machine),
            "images": node_object.images(self._images),
        }

    def publish(self) -> None:
        """Tell the API when something changed, here or there, or nothing was told for long. Raises ApiError."""
        status, now = self.status(), self._clock.monotonic()
        if self._contradicted or _steady(status) != _steady(self._told) or now - self._told_at >= HEARTBEAT:
            self._write(status)

    def register(self) -> None:
        """Have the Node in the API, with its status. Raises ApiError."""
        name = self._identity.name
        labels = node_object.node_labels(name, node_facts.architecture())
        marks = {"labels": labels, "annotations": {FOLDERS: str(self._identity.volumes)}}
        metadata = {"name": name, **marks}
        status = self.status()
        try:
            self._client.create(NODE, {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status})
        except AlreadyExists:
            known = self._client.patch(NODE, name, {"metadata": marks})
            self._told = known.get("status") or {}
            self._write(self.status())
        else:
            self._told, self._told_at = status, self._clock.monotonic()

    def _write(self, status: Object) -> None:
        patch = {"status": status}
        self._contradicted = False
        self._client.patch(NODE, self._identity.name, patch, subresource="status", content_type=STRATEGIC_PATCH)
        self._told, self._told_at = status, self._clock.monotonic()

    def _node_changed(self, _old: Object | None, new: Object | None) -> None:
        """Somebody else wrote to a condition of ours: a node that is alive says so at once."""
        if new is None:
            return
        told = self._told.get("conditions") or ()
        known = {own["type"]: (condition(new, own["type"]) or {}).get("status") for own in told}
        if any(known[own["type"]] != own["status"] for own in told):
            self._contradicted = True
            self._changed.set()

    def _look_at_engine(self) -> None:
        try:
            self._engine = self._engine or self._runtime.info()
            if self.registered.is_set():
                self._images = list(self._runtime.images())
        except RuntimeFailure as error:
            self._problem = str(error)
        else:
            self._problem = ""

    def _run(self) -> None:
        self._register_at_last()
        while not self._stopping.is_set():
            try:
                self.publish()
            except ApiError as error:
                log.warning("node %s: status not written, will try again: %s", self._identity.name, error)
            self._clock.wait(self._changed, LOOK)
            self._changed.clear()

    def _register_at_last(self) -> None:
        backoff = Backoff(FIRST_RETRY, LONGEST_RETRY, factor=1.3)
        while not self._stopping.is_set():
            try:
                self.register()
            except ApiError as error:
                pause = backoff.next()
                log.info("node %s: not registered yet, will try again in %.2f s: %s", self._identity.name, pause, error)
                self._clock.wait(self._stopping, pause)
            else:
                log.info("node %s is registered, ready: %s", self._identity.name, not self._problem)
                self.registered.set()
                self._node.start()
                return


def _steady(status: Object) -> Object:
    """Without what changes at each look."""
    conditions = [
        {field: value for field, value in condition.items() if field not in _BEATS}
        for condition in status.get("conditions") or ()
    ]
    return {**status, "conditions": conditions}
