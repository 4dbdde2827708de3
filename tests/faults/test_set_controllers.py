"""The controllers of StatefulSets and DaemonSets with late news, lost answers and after their death."""

from __future__ import annotations

from collections import Counter

import pytest

from orchestrator.api.groups.apps import CONTROLLER_REVISION, DAEMON_SET, STATEFUL_SET
from orchestrator.api.groups.core import PERSISTENT_VOLUME_CLAIM, POD
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.client.client import Transport
from orchestrator.controllers.base import Controller
from orchestrator.controllers.daemonset import DaemonSetController
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.statefulset import StatefulSetController
from tests.faults.test_controllers import Flaky, Late, Mortal
from tests.unit.orchestrator.controllers.objects import daemon_set, stateful_set, template
from tests.unit.orchestrator.controllers.world import World

ALL: tuple[type[Controller], ...] = (StatefulSetController, DaemonSetController, GarbageCollector)
CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def is_seen(obj: Object) -> bool:
    return status(obj).get("observedGeneration") == obj["metadata"]["generation"]


def numbers_done(w: World, image: str, count: int) -> bool:
    sts = w.client.get(STATEFUL_SET, "web", "default")
    fresh = status(sts)
    done = fresh.get("currentRevision") == fresh.get("updateRevision") and fresh.get("availableReplicas") == count
    pods = {name(pod): spec(pod)["containers"][0]["image"] for pod in w.pods()}
    return is_seen(sts) and done and pods == {f"web-{number}": image for number in range(count)}


def daemons_done(w: World, image: str, count: int) -> bool:
    ds = w.client.get(DAEMON_SET, "agent", "default")
    fresh = status(ds)
    done = {fresh.get(field) for field in ("updatedNumberScheduled", "numberAvailable", "desiredNumberScheduled")}
    images = Counter((spec(pod).get("nodeName"), spec(pod)["containers"][0]["image"]) for pod in w.pods())
    wanted = Counter((f"node-{number}", image) for number in range(1, count + 1))
    return is_seen(ds) and done == {count} and images == wanted


def roll(w: World, kind: Kind, label: str) -> None:
    w.client.patch(kind, label, {"spec": {"template": template("nginx:2")}}, "default")


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
@pytest.mark.parametrize("writes", [0, 1, 2, 3, 5, 8, 13, 21])
def test_new_controllers_finish_a_stateful_sets_update_that_killed_ones_began(writes: int, policy: str) -> None:
    mortals: list[Mortal] = []

    def between(transport: Transport) -> Transport:
        mortals.append(Mortal(transport, writes))
        return mortals[0]

    with World(*ALL, between=between).running() as w:
        w.create(STATEFUL_SET, stateful_set(4, podManagementPolicy=policy, volumeClaimTemplates=[CLAIM]))
        w.eventually(lambda: mortals[0].dead or numbers_done(w, "nginx:1", 4))
        roll(w, STATEFUL_SET, "web")
        w.eventually(lambda: mortals[0].dead or numbers_done(w, "nginx:2", 4))
        w.replace_controllers()
        w.eventually(lambda: numbers_done(w, "nginx:2", 4))
        w.quiet()
        assert sorted(map(name, w.all(PERSISTENT_VOLUME_CLAIM))) == [f"data-web-{number}" for number in range(4)]
        assert len(w.all(CONTROLLER_REVISION)) <= 2


@pytest.mark.parametrize("surge", [0, 1])
@pytest.mark.parametrize("writes", [0, 1, 2, 3, 5, 8, 13, 21])
def test_new_controllers_finish_a_daemon_sets_update_that_killed_ones_began(writes: int, surge: int) -> None:
    mortals: list[Mortal] = []

    def between(transport: Transport) -> Transport:
        mortals.append(Mortal(transport, writes))
        return mortals[0]

    w = World(*ALL, between=between)
    for number in range(1, 5):
        w.add_node(f"node-{number}")
    with w.running():
        w.create(DAEMON_SET, daemon_set(surge=surge, unavailable=1 - surge))
        w.eventually(lambda: mortals[0].dead or daemons_done(w, "nginx:1", 4))
        roll(w, DAEMON_SET, "agent")
        w.eventually(lambda: mortals[0].dead or daemons_done(w, "nginx:2", 4))
        w.replace_controllers()
        w.eventually(lambda: daemons_done(w, "nginx:2", 4))


def test_refused_calls_and_lost_answers_delay_but_do_not_derail() -> None:
    w = World(*ALL, between=lambda transport: Flaky(transport, 0.2))
    for number in range(1, 4):
        w.add_node(f"node-{number}")
    with w.running():
        w.create(STATEFUL_SET, stateful_set(3))
        w.eventually(lambda: numbers_done(w, "nginx:1", 3))
        roll(w, STATEFUL_SET, "web")
        w.eventually(lambda: numbers_done(w, "nginx:2", 3))
        w.client.delete(STATEFUL_SET, "web", "default")
        w.eventually(lambda: not w.all(POD) and not w.all(CONTROLLER_REVISION))
        w.create(DAEMON_SET, daemon_set())
        w.eventually(lambda: daemons_done(w, "nginx:1", 3))
        roll(w, DAEMON_SET, "agent")
        w.eventually(lambda: daemons_done(w, "nginx:2", 3))


def test_late_news_make_no_second_pod_for_a_node() -> None:
    late: list[Late] = []

    def between(transport: Transport) -> Transport:
        late.append(Late(transport, POD))
        return late[0]

    w = World(DaemonSetController, between=between)
    for number in range(1, 4):
        w.add_node(f"node-{number}")
    with w.running():
        late[0].gate.clear()
        w.create(DAEMON_SET, daemon_set())
        w.eventually(lambda: len(w.pods()) == 3)
        for number in range(20):
            w.client.patch(DAEMON_SET, "agent", {"metadata": {"annotations": {"poke": str(number)}}}, "default")
        w.eventually(lambda: not w.controllers[0].queue._ready and not w.controllers[0].queue._taken)
        assert len(w.pods()) == 3
        late[0].gate.set()
        w.eventually(lambda: daemons_done(w, "nginx:1", 3))
        assert len(w.events.messages("SuccessfulCreate")) == 3
