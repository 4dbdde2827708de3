"""The wall clock is set, by a day in either direction, while controllers wait for a moment of it.

A moment of the wall clock that is skipped has come, and is noticed within a minute, though nobody's timer tells of it;
one that is put off has not. What is a length of time, as a node's silence or a toleration, knows no wall clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator.api.groups.apps import DEPLOYMENT, REPLICA_SET
from orchestrator.api.groups.batch import CRON_JOB, JOB
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.meta import condition, metadata, name, status
from orchestrator.controllers.base import NOTICED, Controller
from orchestrator.controllers.cronjob import CronJobController
from orchestrator.controllers.deployment import DeploymentController
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.job import JobController
from orchestrator.controllers.node import NodeController
from orchestrator.controllers.replicaset import ReplicaSetController
from orchestrator.controllers.taint_eviction import TaintEvictionController
from orchestrator.controllers.ttl_after_finished import TTLAfterFinishedController
from tests.unit.orchestrator.controllers.objects import cron_job, deployment, pod, replica_set
from tests.unit.orchestrator.controllers.test_job import job
from tests.unit.orchestrator.controllers.test_ttl_after_finished import finished_job
from tests.unit.orchestrator.controllers.world import World

DAY = 86400.0
HOUR = 3600.0


@dataclass(frozen=True)
class Wait:
    """Something is to happen an hour after it was created, and not before."""

    controllers: tuple[type[Controller], ...]
    begin: Callable[[World], Any]
    over: Callable[[World], bool]


def reason_of(w: World, kind: str, condition_type: str) -> str:
    where = {"Deployment": (DEPLOYMENT, "web"), "Job": (JOB, "work")}[kind]
    return str((condition(w.client.get(*where, "default"), condition_type) or {}).get("reason", ""))


def available(w: World) -> int:
    return int(status(w.client.get(REPLICA_SET, "web-1", "default")).get("availableReplicas") or 0)


WAITS = {
    "time to live": Wait(
        (TTLAfterFinishedController, GarbageCollector),
        lambda w: w.create(JOB, finished_job(ttlSecondsAfterFinished=int(HOUR))),
        lambda w: not w.all(JOB),
    ),
    "deadline of a job": Wait(
        (JobController,),
        lambda w: w.create(JOB, job(activeDeadlineSeconds=int(HOUR))),
        lambda w: reason_of(w, "Job", "Failed") == "DeadlineExceeded",
    ),
    "deadline of a rollout": Wait(
        (DeploymentController, ReplicaSetController),
        lambda w: w.create(DEPLOYMENT, deployment(1, image="sick", progressDeadlineSeconds=int(HOUR))),
        lambda w: reason_of(w, "Deployment", "Progressing") == "ProgressDeadlineExceeded",
    ),
    "availability": Wait(
        (ReplicaSetController,),
        lambda w: w.create(REPLICA_SET, replica_set(replicas=2, minReadySeconds=int(HOUR))),
        lambda w: available(w) == 2,
    ),
    "schedule": Wait(
        (CronJobController,),
        # An hour after the beginning, 22:13:20 UTC.
        lambda w: w.create(CRON_JOB, cron_job(schedule="13 23 * * *")),
        lambda w: len(w.all(JOB)) == 1,
    ),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS.keys())
def test_a_moment_that_is_skipped_has_come_within_a_minute(wait: Wait) -> None:
    with World(*wait.controllers).running() as w:
        wait.begin(w)
        w.quiet()
        w.clock.advance(5)
        w.quiet()
        assert not wait.over(w)
        w.clock.set_by = DAY
        w.clock.advance(NOTICED)
        w.eventually(lambda: wait.over(w))


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS.keys())
def test_a_moment_that_is_put_off_comes_when_the_clock_is_right_again(wait: Wait) -> None:
    with World(*wait.controllers).running() as w:
        wait.begin(w)
        w.quiet()
        w.clock.set_by = -DAY
        for _ in range(3):
            w.clock.advance(HOUR)
            w.quiet()
        assert not wait.over(w)
        w.clock.set_by = 0
        w.clock.advance(NOTICED)
        w.eventually(lambda: wait.over(w))


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_nobody_is_lost_and_nobody_moves(jump: float) -> None:
    with World(NodeController, TaintEvictionController, kubelet=False).running() as w:
        for node in ("node-1", "node-2"):
            w.add_node(node)
        made = w.create(POD, pod("p", node="node-2"))
        w.advance(3, beating=("node-1", "node-2"))
        w.clock.set_by = jump
        w.advance(12, beating=("node-1", "node-2"))
        assert {(condition(node, "Ready") or {})["status"] for node in w.all(NODE)} == {"True"}
        assert metadata(w.client.get(POD, "p", "default"))["uid"] == metadata(made)["uid"]
        assert w.events.messages("NodeNotReady") == []


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_toleration_lasts_as_long_as_it_says(jump: float) -> None:
    toleration = {"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 100}
    with World(TaintEvictionController, kubelet=False).running() as w:
        w.add_node("node-1")
        w.create(POD, pod("p", tolerations=[toleration]))
        taints = [{"key": "k", "value": "", "effect": "NoExecute"}]
        w.change(NODE, "node-1", lambda node: node.update(spec={"taints": taints}))
        w.quiet()
        w.clock.set_by = jump
        w.clock.advance(99)
        w.quiet()
        assert [name(left) for left in w.pods()] == ["p"]
        w.clock.advance(1)
        w.eventually(lambda: not w.pods())
