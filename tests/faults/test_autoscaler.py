"""An autoscaler that is killed between its writes, whose writes are lost, or whose target changes under its hands."""

from __future__ import annotations

import pytest

from orchestrator.api.errors import ServiceUnavailable
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.autoscaling import HORIZONTAL_POD_AUTOSCALER as HPA
from orchestrator.api.meta import Object, status
from orchestrator.api.request import Request
from orchestrator.client.client import Transport, WatchStream
from tests.unit.orchestrator.controllers.test_hpa import Burning


class Struck:
    """A transport of all controllers. Of the autoscaler's own writes some go well, and then none, or (`answers`) all,
    but without an answer for the next. `meanwhile` is called once, before a scale is written."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.writes, self.answers = 1000, False
        self.meanwhile = lambda: None

    def call(self, request: Request) -> Object:
        scales = request.subresource == "scale"
        if request.verb != "update" or not (scales or request.kind is HPA):
            return self._transport.call(request)
        if scales:
            happening, self.meanwhile = self.meanwhile, lambda: None
            happening()
        self.writes -= 1
        if self.writes >= 0 or (self.answers and self.writes < -1):
            return self._transport.call(request)
        if self.answers:
            self._transport.call(request)
        raise ServiceUnavailable("killed")

    def watch(self, request: Request) -> WatchStream:
        return self._transport.watch(request)


def struck() -> tuple[Burning, Struck]:
    made: list[Struck] = []

    def between(transport: Transport) -> Transport:
        made.append(Struck(transport))
        return made[0]

    return Burning(between=between), made[0]


def is_settled(w: Burning, replicas: int) -> bool:
    said = status(w.hpa)
    return (w.replicas(), said.get("currentReplicas"), said.get("desiredReplicas")) == (replicas, replicas, replicas)


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_new_one_finishes_what_a_killed_one_began(writes: int) -> None:
    w, fault = struck()
    with w.running():
        w.run(2)
        w.cores = 0.1
        fault.writes = writes
        w.autoscale(most=4)
        w.eventually(lambda: fault.writes < 0 or w.replicas() == 4)
        w.replace_controllers()
        w.look()
        w.eventually(lambda: is_settled(w, 4))


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_lost_answer_delays_but_does_not_derail(writes: int) -> None:
    w, fault = struck()
    with w.running():
        w.run(2)
        w.cores = 0.1
        fault.writes, fault.answers = writes, True
        w.autoscale(most=4)
        w.look()
        w.look()
        w.eventually(lambda: is_settled(w, 4))


def test_what_somebody_else_writes_is_not_overwritten() -> None:
    """The decision was made of a target that is not there any more."""
    w, fault = struck()
    with w.running():
        w.run(2)
        w.cores = 0.1

        def scale_by_hand() -> None:
            w.client.patch(DEPLOYMENT, "web", {"spec": {"replicas": 9}}, "default")

        fault.meanwhile = scale_by_hand
        w.autoscale(most=6)
        w.eventually(lambda: w.replicas() == 6)
        w.quiet()
        assert w.events.messages("SuccessfulRescale") == [
            "New size: 6; reason: Current number of replicas above Spec.MaxReplicas"
        ]
        assert not w.events.messages("FailedRescale")
