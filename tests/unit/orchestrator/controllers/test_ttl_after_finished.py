from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.groups.batch import JOB
from orchestrator.api.meta import Object
from orchestrator.api.times import rfc3339
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.ttl_after_finished import TTLAfterFinishedController, expires_at
from tests.unit.orchestrator.controllers.objects import NOW, condition, job
from tests.unit.orchestrator.controllers.world import World


def finished_job(kind: str = "Complete", *, since: float = 0, **spec: Any) -> Object:
    interim = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[kind]
    conditions = [condition(interim, "True", since=since), condition(kind, "True", since=since)]
    times = {"completionTime": rfc3339(NOW - since)} if kind == "Complete" else {}
    return job(age=3600, manualSelector=True, status={"conditions": conditions, **times}, **spec)


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (finished_job(ttlSecondsAfterFinished=5, since=2), NOW + 3),
        (finished_job("Failed", ttlSecondsAfterFinished=0), NOW),
        (finished_job(), None),
        (job(ttlSecondsAfterFinished=5), None),
    ],
)
def test_when_a_job_is_to_go(obj: Object, expected: float | None) -> None:
    assert expires_at(obj) == expected


def test_a_finished_job_goes_when_its_time_is_over() -> None:
    with World(TTLAfterFinishedController, GarbageCollector).running() as world:
        world.create(JOB, finished_job(ttlSecondsAfterFinished=60))
        world.advance(59)
        assert world.all(JOB)
        world.clock.advance(1)
        world.eventually(lambda: not world.all(JOB))


def test_a_longer_life_is_respected() -> None:
    with World(TTLAfterFinishedController, GarbageCollector).running() as world:
        world.create(JOB, finished_job(ttlSecondsAfterFinished=60))
        world.advance(30)
        world.client.patch(JOB, "work", {"spec": {"ttlSecondsAfterFinished": 90}}, "default")
        world.advance(50)
        assert world.all(JOB)
        world.client.patch(JOB, "work", {"spec": {"ttlSecondsAfterFinished": None}}, "default")
        world.advance(60)
        assert world.all(JOB)
        world.client.patch(JOB, "work", {"spec": {"ttlSecondsAfterFinished": 1}}, "default")
        world.eventually(lambda: not world.all(JOB))
