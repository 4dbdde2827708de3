"""The scheduler against the whole API, in one process."""

import queue
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from orchestrator.api import meta
from orchestrator.api.claims import BIND_COMPLETED, SELECTED_NODE
from orchestrator.api.errors import ApiError, Conflict, ServiceUnavailable
from orchestrator.api.groups.core import NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD
from orchestrator.api.meta import Object
from orchestrator.api.request import Request
from orchestrator.client.client import Client, WatchStream
from orchestrator.client.informers import Informers
from orchestrator.scheduler.loop import Scheduler
from orchestrator.server.local import LocalTransport
from orchestrator.util.clock import FakeClock
from tests.fakes.api import ADMIN, local_api
from tests.fakes.volumes import claim, volume
from tests.unit.orchestrator.scheduler.objects import node_object, pod_object

WEB = {"app": "web"}


class Story:
    """A recorder whose events can be waited for."""

    def __init__(self) -> None:
        self._told: queue.Queue[tuple[str, str, str]] = queue.Queue()

    def event(self, obj: Object, type: str, reason: str, message: str) -> None:
        self._told.put((meta.name(obj), reason, message))

    def next(self) -> tuple[str, str, str]:
        return self._told.get(timeout=10)


class Unreliable:
    """A transport that fails as often as it is told to when asked to bind, or to update."""

    def __init__(self, inner: LocalTransport) -> None:
        self._inner = inner
        self.failures: list[ApiError] = []
        #: For updates.
        self.refused: list[ApiError] = []

    def call(self, request: Request) -> Object:
        if request.subresource == "binding" and self.failures:
            raise self.failures.pop()
        if request.verb == "update" and self.refused:
            raise self.refused.pop()
        return self._inner.call(request)

    def watch(self, request: Request) -> WatchStream:
        return self._inner.watch(request)


@dataclass
class World:
    client: Client
    transport: Unreliable
    clock: FakeClock
    story: Story
    informers: Informers
    changes: queue.Queue[Object] = field(default_factory=queue.Queue)
    #: Nodes as the scheduler has heard of them.
    nodes: queue.Queue[Object] = field(default_factory=queue.Queue)

    def node(self, name: str, **fields: Any) -> None:
        """Returns when the scheduler knows the node, so that what comes next finds it."""
        obj = node_object(name, **fields)
        status = obj.pop("status")
        self.client.create(NODE, obj)
        self.client.update_status(NODE, {**self.client.get(NODE, name), "status": status})
        while not (meta.name(heard := self.nodes.get(timeout=10)) == name and meta.status(heard)):
            pass

    def pod(self, name: str, **fields: Any) -> Object:
        obj = pod_object(name, **fields)
        del obj["metadata"]["uid"]
        obj["spec"]["containers"][0]["image"] = "nginx"
        return self.client.create(POD, obj)

    def until(self, name: str, holds: Callable[[Object], Any]) -> Object:
        """The pod, once `holds` is true of it."""
        while not (meta.name(pod := self.changes.get(timeout=10)) == name and holds(pod)):
            pass
        return pod


@pytest.fixture
def world(clock: FakeClock) -> Iterator[World]:
    resources, client = local_api(clock)
    transport = Unreliable(LocalTransport(resources, ADMIN))
    scheduled = Client(transport)
    informers = Informers(scheduled)
    story = Story()
    scheduler = Scheduler(scheduled, informers, story, clock, random.Random(1))
    made = World(client, transport, clock, story, informers)
    informers.of(POD).add_handler(lambda _, new: made.changes.put(new) if new else None)
    informers.start()
    scheduler.start()
    informers.of(NODE).add_handler(lambda _, new: made.nodes.put(new) if new else None)
    yield made
    scheduler.stop()
    informers.stop()


def test_a_pod_is_bound_and_told_of(world: World) -> None:
    world.node("n1")
    world.pod("web")
    assert world.story.next() == ("web", "Scheduled", "Successfully assigned default/web to n1")
    pod = world.client.get(POD, "web", "default")
    assert pod["spec"]["nodeName"] == "n1"
    condition = meta.condition(pod, "PodScheduled")
    assert condition is not None and condition["status"] == "True"


def test_a_pod_that_fits_nowhere_is_told_of_and_bound_when_a_node_comes(world: World) -> None:
    world.node("small", cpu="1")
    world.pod("web", cpu="2")
    message = "0/1 nodes are available: 1 Insufficient cpu."
    assert world.story.next() == ("web", "FailedScheduling", message)
    pod = world.until("web", lambda pod: meta.condition(pod, "PodScheduled"))
    condition = meta.condition(pod, "PodScheduled")
    assert condition is not None
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", message)
    assert condition["lastTransitionTime"]
    world.node("large", cpu="4")
    world.clock.advance(1)
    while (told := world.story.next())[1] != "Scheduled":
        world.clock.advance(10)
    assert told == ("web", "Scheduled", "Successfully assigned default/web to large")


def test_a_pod_waits_for_another_to_leave(world: World) -> None:
    world.node("n1", cpu="2")
    world.pod("first", cpu="2")
    assert world.story.next()[1] == "Scheduled"
    world.pod("second", cpu="2")
    assert world.story.next()[1] == "FailedScheduling"
    world.clock.advance(1)
    world.client.delete(POD, "first", "default", grace_seconds=0)
    assert world.story.next() == ("second", "Scheduled", "Successfully assigned default/second to n1")


def test_an_unschedulable_pod_is_tried_once_not_for_its_own_condition(world: World) -> None:
    world.pod("web")
    assert world.story.next() == ("web", "FailedScheduling", "no nodes available to schedule pods")
    world.until("web", lambda pod: meta.condition(pod, "PodScheduled"))
    world.clock.advance(1)
    world.pod("first")
    world.pod("second")
    assert [world.story.next()[0] for _ in range(2)] == ["first", "second"]


@pytest.mark.parametrize("fields", [{"schedulerName": "other"}, {"schedulingGates": [{"name": "example.com/wait"}]}])
def test_what_is_not_ours_or_not_yet(world: World, fields: Any) -> None:
    world.node("n1")
    world.pod("web", **fields)
    world.pod("marker")
    assert world.story.next()[0] == "marker"
    assert "nodeName" not in world.client.get(POD, "web", "default")["spec"]


def test_many_pods_never_share_what_is_not_there(world: World) -> None:
    for name in ("n1", "n2"):
        world.node(name, cpu="2")
    for number in range(6):
        world.pod(f"web-{number}", cpu="1")
    told = [world.story.next()[1] for _ in range(6)]
    assert sorted(told) == ["FailedScheduling"] * 2 + ["Scheduled"] * 4
    nodes = [p["spec"].get("nodeName") for p in world.client.list(POD, "default").items]
    assert sorted(map(str, nodes)) == ["None", "None", "n1", "n1", "n2", "n2"]


def test_a_failed_binding_gives_the_place_back_and_is_tried_again(world: World) -> None:
    world.transport.failures = [ServiceUnavailable("the store is full")]
    world.node("n1", cpu="1")
    world.pod("web", cpu="1")
    assert world.story.next() == ("web", "FailedScheduling", "binding rejected: the store is full")
    world.clock.advance(1)
    assert world.story.next() == ("web", "Scheduled", "Successfully assigned default/web to n1")


def test_a_pod_that_is_bound_by_another_is_left_alone(world: World) -> None:
    world.node("n1", cpu="1")
    world.pod("web", nodeName="elsewhere")
    world.pod("marker")
    assert world.story.next()[0] == "marker"


def test_finished_pods_leave_their_place(world: World) -> None:
    world.node("n1", cpu="1")
    done = world.pod("done", cpu="1")
    assert world.story.next()[1] == "Scheduled"
    done = world.client.get(POD, "done", "default")
    world.client.update_status(POD, {**done, "status": {**done["status"], "phase": "Succeeded"}})
    world.until("done", lambda pod: meta.status(pod).get("phase") == "Succeeded")
    world.pod("next", cpu="1")
    assert world.story.next() == ("next", "Scheduled", "Successfully assigned default/next to n1")


def test_a_pod_waits_for_its_company(world: World) -> None:
    world.node("n1")
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": WEB}}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    world.pod("follower", affinity=affinity)
    assert world.story.next()[1] == "FailedScheduling"
    world.clock.advance(1)
    world.pod("leader", labels=WEB)
    assert [world.story.next()[0] for _ in range(2)] == ["leader", "follower"]


def test_it_stops_before_the_api_is_there(clock: FakeClock) -> None:
    _, client = local_api(clock)
    scheduler = Scheduler(client, Informers(client), Story(), clock, random.Random(1))
    scheduler.start()
    scheduler.stop()


# --- volumes ---------------------------------------------------------------------------------------------------------

VOLUMES = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]


def make_claim(world: World) -> None:
    made = claim(storage_class="standard")
    del made["metadata"]["uid"], made["status"]
    world.client.create(PERSISTENT_VOLUME_CLAIM, made)


def chosen_node(world: World) -> str:
    return meta.annotations(world.client.get(PERSISTENT_VOLUME_CLAIM, "data", "default")).get(SELECTED_NODE, "")


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def bind_claim(world: World, node: str) -> None:
    """As provisioner and binder do."""
    bound = world.client.get(PERSISTENT_VOLUME_CLAIM, "data", "default")
    made = volume(claim=bound, node=node)
    del made["metadata"]["uid"], made["status"]
    world.client.create(PERSISTENT_VOLUME, made)
    patch = {"metadata": {"annotations": {BIND_COMPLETED: "yes"}}, "spec": {"volumeName": "pv"}}
    world.client.patch(PERSISTENT_VOLUME_CLAIM, "data", patch, "default")


def test_a_pod_is_bound_when_its_claim_is(world: World) -> None:
    world.node("n1")
    make_claim(world)
    world.pod("web", volumes=VOLUMES)
    eventually(lambda: chosen_node(world) == "n1")
    assert "nodeName" not in world.client.get(POD, "web", "default")["spec"]
    bind_claim(world, "n1")
    assert world.story.next() == ("web", "Scheduled", "Successfully assigned default/web to n1")


def test_a_pod_whose_claim_lost_its_node_gets_another(world: World) -> None:
    world.node("n1")
    make_claim(world)
    world.pod("web", volumes=VOLUMES)
    eventually(lambda: chosen_node(world) == "n1")
    world.node("n2")
    world.client.patch(NODE, "n1", {"spec": {"unschedulable": True}})
    while not meta.spec(world.nodes.get(timeout=10)).get("unschedulable"):
        pass
    patch = {"metadata": {"annotations": {SELECTED_NODE: None}}}
    world.client.patch(PERSISTENT_VOLUME_CLAIM, "data", patch, "default")

    def moved() -> bool:
        world.clock.advance(1)
        return chosen_node(world) == "n2"

    eventually(moved)
    bind_claim(world, "n2")
    assert world.story.next()[1:] == ("Scheduled", "Successfully assigned default/web to n2")


def test_a_pod_that_waits_for_its_claim_may_go(world: World) -> None:
    world.node("n1", pods="1")
    make_claim(world)
    world.pod("web", volumes=VOLUMES)
    eventually(lambda: chosen_node(world) == "n1")
    world.client.delete(POD, "web", "default", grace_seconds=0)
    # Its place is free.
    world.pod("next")
    while (told := world.story.next())[1] != "Scheduled":
        world.clock.advance(10)
    assert told[0] == "next"


def test_a_claim_that_changed_meanwhile_is_looked_at_again(world: World) -> None:
    world.node("n1")
    make_claim(world)
    world.transport.refused.append(Conflict("the object has been modified"))
    world.pod("web", volumes=VOLUMES)
    assert world.story.next() == ("web", "FailedScheduling", "binding volumes: the object has been modified")

    def chosen() -> bool:
        world.clock.advance(1)
        return chosen_node(world) == "n1"

    eventually(chosen)


def test_a_pod_waits_for_its_claim_to_be_made(world: World) -> None:
    world.node("n1")
    world.pod("web", volumes=VOLUMES)
    why = '0/1 nodes are available: persistentvolumeclaim "data" not found.'
    assert world.story.next() == ("web", "FailedScheduling", why)
    make_claim(world)

    def chosen() -> bool:
        world.clock.advance(1)
        return chosen_node(world) == "n1"

    eventually(chosen)
