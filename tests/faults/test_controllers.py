"""Controllers whose world misbehaves: late news, lost answers, a server that is away, and their own death."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest

from orchestrator.api.errors import ServiceUnavailable
from orchestrator.api.groups.apps import DEPLOYMENT, REPLICA_SET
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, condition, controller_of, key, status
from orchestrator.api.request import Request, WatchEvent
from orchestrator.client.client import Transport, WatchStream
from orchestrator.controllers.base import Controller
from orchestrator.controllers.deployment import DeploymentController
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.node import NodeController
from orchestrator.controllers.replicaset import ReplicaSetController
from orchestrator.controllers.taint_eviction import TaintEvictionController
from tests.unit.orchestrator.controllers.objects import deployment, pod, replica_set
from tests.unit.orchestrator.controllers.world import World

ALL: tuple[type[Controller], ...] = (DeploymentController, ReplicaSetController, GarbageCollector)


class Late:
    """A transport whose watches of one kind tell nothing while the gate is shut."""

    def __init__(self, transport: Transport, kind: Kind) -> None:
        self._transport = transport
        self._kind = kind
        self.gate = threading.Event()
        self.gate.set()

    def call(self, request: Request) -> Object:
        return self._transport.call(request)

    def watch(self, request: Request) -> WatchStream:
        stream = self._transport.watch(request)
        return _LateStream(stream, self.gate) if request.kind is self._kind else stream


class _LateStream:
    def __init__(self, stream: WatchStream, gate: threading.Event) -> None:
        self._stream = stream
        self._gate = gate

    def __iter__(self) -> Iterator[WatchEvent]:
        for event in self._stream:
            self._gate.wait()
            yield event

    def close(self) -> None:
        self._gate.set()
        self._stream.close()


class Flaky:
    """A transport that refuses some calls, and loses the answers of some that succeeded."""

    def __init__(self, transport: Transport, share: float) -> None:
        self._transport = transport
        self._share = share
        self._rng = random.Random(7)

    def call(self, request: Request) -> Object:
        if self._rng.random() < self._share / 2:
            raise ServiceUnavailable("refused")
        answer = self._transport.call(request)
        if self._rng.random() < self._share / 2:
            raise ServiceUnavailable("done, but the answer is lost")
        return answer

    def watch(self, request: Request) -> WatchStream:
        return self._transport.watch(request)


class Mortal:
    """A transport that works for so many writes, and then never again: its owner was killed."""

    def __init__(self, transport: Transport, writes: int) -> None:
        self._transport = transport
        self._left = writes
        self._lock = threading.Lock()

    def call(self, request: Request) -> Object:
        if request.verb not in ("get", "list"):
            with self._lock:
                self._left -= 1
            if self._left < 0:
                raise ServiceUnavailable("killed")
        return self._transport.call(request)

    def watch(self, request: Request) -> WatchStream:
        return self._transport.watch(request)

    @property
    def dead(self) -> bool:
        return self._left < 0


class Outage:
    """A transport to a server that can be away."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.away = False

    def call(self, request: Request) -> Object:
        if self.away:
            raise ServiceUnavailable("connection refused")
        return self._transport.call(request)

    def watch(self, request: Request) -> WatchStream:
        if self.away:
            raise ServiceUnavailable("connection refused")
        return self._transport.watch(request)


def is_complete(w: World, replicas: int) -> bool:
    made = w.client.get(DEPLOYMENT, "web", "default")
    fields = ("replicas", "updatedReplicas", "availableReplicas")
    seen = status(made).get("observedGeneration") == made["metadata"]["generation"]
    return seen and {status(made).get(field, 0) for field in fields} == {replicas} and len(w.pods()) == replicas


def test_a_late_cache_makes_nobody_act_twice() -> None:
    late: list[Late] = []

    def between(transport: Transport) -> Transport:
        late.append(Late(transport, POD))
        return late[0]

    with World(ReplicaSetController, between=between).running() as w:
        gate = late[0].gate
        gate.clear()
        w.create(REPLICA_SET, replica_set("web", 5))
        w.eventually(lambda: len(w.pods()) == 5)
        for number in range(20):
            w.client.patch(REPLICA_SET, "web", {"metadata": {"annotations": {"poke": str(number)}}}, "default")
        w.eventually(lambda: not w.controllers[0].queue._ready and not w.controllers[0].queue._taken)
        assert len(w.pods()) == 5
        gate.set()
        w.eventually(lambda: w.client.get(REPLICA_SET, "web", "default")["status"].get("availableReplicas") == 5)
        w.quiet()
        gate.clear()
        w.client.patch(REPLICA_SET, "web", {"spec": {"replicas": 2}}, "default")
        w.eventually(lambda: len(w.pods()) == 2)
        for number in range(20):
            w.client.patch(REPLICA_SET, "web", {"metadata": {"annotations": {"poke": str(number)}}}, "default")
        w.eventually(lambda: not w.controllers[0].queue._ready and not w.controllers[0].queue._taken)
        gate.set()
        w.quiet()
        assert len(w.pods()) == 2
        assert len(w.events.messages("SuccessfulCreate")) == 5
        assert len(w.events.messages("SuccessfulDelete")) == 3


def test_an_owner_known_only_from_an_old_cache_takes_nothing_in() -> None:
    late: list[Late] = []

    def between(transport: Transport) -> Transport:
        late.append(Late(transport, REPLICA_SET))
        return late[0]

    with World(ReplicaSetController, between=between).running() as w:
        w.create(REPLICA_SET, replica_set("web", 1))
        w.eventually(lambda: w.client.get(REPLICA_SET, "web", "default")["status"].get("availableReplicas") == 1)
        w.quiet()
        late[0].gate.clear()
        w.client.delete(REPLICA_SET, "web", "default", propagation="Orphan")
        w.change(REPLICA_SET, "web", lambda obj: obj["metadata"].update(finalizers=[]))
        orphan = w.create(POD, pod("orphan", node=""))
        w.eventually(lambda: w.informers.of(POD).cache.get(key(orphan)))
        w.eventually(lambda: not w.controllers[0].queue._ready and not w.controllers[0].queue._taken)
        assert controller_of(w.client.get(POD, "orphan", "default")) is None


def test_refused_calls_and_lost_answers_delay_but_do_not_derail() -> None:
    with World(*ALL, between=lambda transport: Flaky(transport, 0.2)).running() as w:
        w.create(DEPLOYMENT, deployment(6, surge=2, unavailable=1))
        w.eventually(lambda: is_complete(w, 6))
        w.client.patch(DEPLOYMENT, "web", {"spec": {"minReadySeconds": 0, "replicas": 4}}, "default")
        w.eventually(lambda: is_complete(w, 4))
        w.client.delete(DEPLOYMENT, "web", "default")
        w.eventually(lambda: not w.all(POD) and not w.all(REPLICA_SET))


@pytest.mark.parametrize("writes", [0, 1, 2, 3, 5, 8, 13, 21, 34])
def test_new_controllers_finish_what_killed_ones_began(writes: int) -> None:
    mortals: list[Mortal] = []

    def between(transport: Transport) -> Transport:
        mortals.append(Mortal(transport, writes))
        return mortals[0]

    with World(*ALL, between=between).running() as w:
        w.create(DEPLOYMENT, deployment(8))
        w.eventually(lambda: mortals[0].dead or is_complete(w, 8))
        w.replace_controllers()
        w.eventually(lambda: is_complete(w, 8))
        w.quiet()
        assert (len(w.pods()), len(w.all(REPLICA_SET))) == (8, 1)


def test_no_node_is_lost_while_the_server_is_away() -> None:
    outages: list[Outage] = []

    def between(transport: Transport) -> Transport:
        outages.append(Outage(transport))
        return outages[0]

    with World(NodeController, TaintEvictionController, kubelet=False, between=between).running() as w:
        for node in ("node-1", "node-2"):
            w.add_node(node)
        w.quiet()
        outages[0].away = True
        # The agents cannot reach the server either: nobody renews.
        for _ in range(30):
            w.clock.advance(1)
        outages[0].away = False
        for _ in range(3):
            w.clock.advance(1)
        w.advance(10, beating=("node-1",))
        w.eventually(lambda: _readiness(w, "node-2") == "Unknown")
        assert _readiness(w, "node-1") == "True"
        assert [m for m in w.events.messages("NodeNotReady") if "node-1" in m] == []


def _readiness(w: World, node: str) -> str:
    return str((condition(w.client.get(NODE, node), "Ready") or {})["status"])
