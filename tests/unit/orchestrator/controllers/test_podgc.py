"""Pods that no agent will finish, and finished ones that are too many. Lost nodes: `test_node.py`."""

from __future__ import annotations

import pytest

from orchestrator.api.groups.core import POD
from orchestrator.api.meta import condition, name, status
from orchestrator.controllers import podgc
from orchestrator.controllers.podgc import PodGarbageCollector
from tests.unit.orchestrator.controllers.objects import pod
from tests.unit.orchestrator.controllers.world import World


def names(w: World) -> set[str]:
    return {name(each) for each in w.all(POD)}


def test_of_too_many_finished_pods_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podgc, "TERMINATED_THRESHOLD", 2)
    with World(PodGarbageCollector, kubelet=False).running() as w:
        w.add_node("node-1")
        for number, phase in enumerate(("Running", "Succeeded", "Failed", "Succeeded", "Failed")):
            w.create(POD, pod(f"p{number}", phase=phase))
            w.clock.advance(1)
        w.eventually(lambda: names(w) == {"p0", "p3", "p4"})


def test_a_pod_that_is_deleted_before_it_has_a_node_goes_at_once() -> None:
    with World(PodGarbageCollector, kubelet=False).running() as w:
        w.create(POD, pod("waits", node="", phase="Pending"))
        held = pod("held", node="", phase="Pending")
        held["metadata"]["finalizers"] = ["example.com/counted"]
        w.create(POD, held)
        for each in ("waits", "held"):
            w.client.delete(POD, each, "default", grace_seconds=30)
        w.eventually(lambda: names(w) == {"held"})
        w.eventually(lambda: status(w.client.get(POD, "held", "default"))["phase"] == "Failed")


def test_a_node_that_comes_in_time_keeps_its_pods() -> None:
    with World(PodGarbageCollector, kubelet=False).running() as w:
        w.create(POD, pod("early", node="node-1"))
        w.create(POD, pod("lost", node="nowhere"))
        w.quiet()
        w.clock.advance(6)
        w.add_node("node-1")
        w.advance(3)
        w.eventually(lambda: names(w) == {"early"})


def test_what_is_said_of_a_pod_without_a_node() -> None:
    with World(PodGarbageCollector, kubelet=False).running() as w:
        lost = pod("lost", node="nowhere")
        lost["metadata"]["finalizers"] = ["example.com/counted"]
        w.create(POD, lost)
        w.advance(9)
        why = w.eventually(lambda: condition(w.client.get(POD, "lost", "default"), "DisruptionTarget"))
        assert (why["reason"], why["message"]) == ("DeletionByPodGC", "PodGC: node no longer exists")
