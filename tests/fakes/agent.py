"""A whole agent over the fake engine and the in-process API: only the containers are not real."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from agent.actions import Action, CreateContainer, PrepareVolumes, TeardownVolumes
from agent.main import Agent
from agent.proxy.anyip import remove_routes
from agent.runtime.base import LABEL_CLUSTER, LABEL_CONTAINER, LABEL_POD, SANDBOX, ContainerState, Runtime
from agent.runtime.fake import FakeRuntime
from agent.volume_folders import volume_folders
from orchestrator.api.errors import NotFound, ServiceUnavailable
from orchestrator.api.groups.core import CONFIG_MAP, EVENT, POD, SERVICE_ACCOUNT
from orchestrator.api.meta import Object, condition, metadata, name, status
from orchestrator.api.request import Request, User
from orchestrator.client.client import Client, Transport, WatchStream
from orchestrator.server.local import LocalTransport
from orchestrator.util import pki
from orchestrator.util.clock import Clock, SystemClock
from orchestrator.util.settings import Settings
from tests.fakes.api import local_api

T = TypeVar("T")
NODE = "n1"


def eventually(what: Callable[[], T], seconds: float = 10.0) -> T:
    """The first true value of `what`; fails when there is none within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        if value := what():
            return value
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.005)


class Switch:
    """A transport that can be turned off, as when the master is down."""

    def __init__(self, inner: Transport) -> None:
        self._inner, self.on = inner, True
        self._watches: list[WatchStream] = []

    def call(self, request: Request) -> Object:
        self._check()
        return self._inner.call(request)

    def watch(self, request: Request) -> WatchStream:
        self._check()
        watch = self._inner.watch(request)
        self._watches.append(watch)
        return watch

    def turn_off(self) -> None:
        self.on = False
        while self._watches:
            self._watches.pop().close()

    def _check(self) -> None:
        if not self.on:
            raise ServiceUnavailable("the master is down")


class Lab:
    """One node's world; `client` is the user's, `switch` stands between the agent and the API."""

    def __init__(self, home: Path, clock: Clock, runtime: Runtime) -> None:
        #: A name of its own: with a real engine, nobody else's containers are to be seen.
        self.settings = Settings(
            home,
            f"test-{secrets.token_hex(4)}",
            service_cidr="10.252.0.0/16",
            dns_ip="10.252.0.10",
            load_balancer_cidr="10.253.0.0/24",
        )
        self.clock, self.runtime = clock, runtime
        pki.ensure_key(self.settings.token_key)
        resources, self.client = local_api(clock, home=home)
        self._publish_access()
        self.switch = Switch(LocalTransport(resources, User(f"system:node:{NODE}", ("system:nodes",))))
        self.identity = pki.ensure(self.settings.pki, NODE, f"system:node:{NODE}", ["system:nodes"], ["127.0.0.1"])
        self.agent: Agent | None = None

    def _publish_access(self) -> None:
        """What controllers make in a namespace, without which no pod starts."""
        self.client.create(SERVICE_ACCOUNT, {"metadata": {"name": "default", "namespace": "default"}})
        root_ca = {"name": "kube-root-ca.crt", "namespace": "default"}
        self.client.create(CONFIG_MAP, {"metadata": root_ca, "data": {"ca.crt": "a certificate"}})

    def launch(self) -> Agent:
        """Start an agent, and do not wait for the API."""
        self.agent = Agent(self.settings, NODE, Client(self.switch), self.runtime, self.identity, self.clock)
        self.agent.start()
        return self.agent

    def start(self) -> Agent:
        agent = self.launch()
        assert agent.node.registered.wait(10)
        return agent

    def stop(self) -> None:
        if self.agent is not None:
            self.agent.stop()
            self.agent = None

    def delete_pods(self) -> None:
        """Return when nothing of them is left, and nothing more is being made."""
        for left in self.client.list(POD, "default").items:
            self.client.delete(POD, name(left), "default", grace_seconds=0)
        eventually(lambda: self.agent is None or not self.agent.kubelet.workers())

    def clear(self) -> None:
        """Stop, and leave nothing of it on this machine."""
        left = [] if self.agent is None else self.agent.kubelet.workers()
        self.stop()
        # What had begun goes on, and would bring back what is deleted here.
        eventually(lambda: not any(_is_on_disk(action) for worker in left for action in worker.observed().inflight))
        volume_folders(self.settings.node_dir(NODE), self.runtime).clear()
        remove_routes(self.settings.networks)

    def create(self, pod: Object) -> Object:
        """Create the pod, bound to the node."""
        spec = {**pod["spec"], "nodeName": NODE}
        asked = {field: metadata(pod)[field] for field in ("name", "namespace")}
        return self.client.create(POD, {"apiVersion": "v1", "kind": "Pod", "metadata": asked, "spec": spec})

    def pod(self, name: str) -> Object:
        return self.client.get(POD, name, "default")

    def gone(self, name: str) -> bool:
        return not self.exists(name)

    def exists(self, name: str) -> bool:
        try:
            self.pod(name)
        except NotFound:
            return False
        return True

    def ready(self, name: str) -> Object | None:
        pod = self.pod(name)
        return pod if (condition(pod, "Ready") or {}).get("status") == "True" else None

    def containers(self, pod: str, container: str = "") -> list[ContainerState]:
        labels = {LABEL_CLUSTER: self.settings.cluster, LABEL_POD: pod} | (
            {LABEL_CONTAINER: container} if container else {}
        )
        return list(self.runtime.list(labels))

    def running(self, pod: str, container: str = "app") -> ContainerState | None:
        return next((c for c in self.containers(pod, container) if c.state == "running"), None)

    def sandbox(self, pod: str) -> ContainerState | None:
        return self.running(pod, SANDBOX)

    def entry(self, pod: str, container: str = "app") -> Object:
        """The container's status."""
        entries = status(self.pod(pod)).get("containerStatuses") or []
        return next((entry for entry in entries if entry["name"] == container), {})

    def waiting(self, pod: str, container: str = "app") -> str:
        return str(self.entry(pod, container).get("state", {}).get("waiting", {}).get("reason", ""))

    def events(self, pod: str) -> list[tuple[str, str]]:
        """(reason, message) of the pod's Events, oldest first."""
        found = self.client.list(EVENT, "default").items
        mine = [event for event in found if event["involvedObject"]["name"] == pod]
        return [(event["reason"], event["message"]) for event in sorted(mine, key=name)]

    def told(self, pod: str, reason: str) -> str:
        """The message of the pod's first Event with that reason, "" when there is none."""
        return next((message for found, message in self.events(pod) if found == reason), "")


def _is_on_disk(action: Action) -> bool:
    return isinstance(action, PrepareVolumes | TeardownVolumes | CreateContainer)


@contextmanager
def lab(home: Path, clock: Clock | None = None, runtime: Runtime | None = None) -> Iterator[Lab]:
    clock = clock or SystemClock()
    made = Lab(home, clock, runtime or FakeRuntime(clock))
    try:
        yield made
    finally:
        made.clear()
