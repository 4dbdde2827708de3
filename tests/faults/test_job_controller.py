"""Jobs whose controller hears late, loses answers, or is killed between two writes: the numbers stay exact."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from orchestrator.api.groups.batch import CRON_JOB, JOB
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, finalizers, status
from orchestrator.api.pods import is_terminal
from orchestrator.api.request import Request, WatchEvent
from orchestrator.client.client import Transport, WatchStream
from orchestrator.controllers.cronjob import CronJobController
from orchestrator.controllers.job import JobController
from tests.faults.test_controllers import Flaky, Late, Mortal
from tests.unit.orchestrator.controllers.objects import NOW, cron_job
from tests.unit.orchestrator.controllers.test_job import end, job, now_of, settle, true_conditions
from tests.unit.orchestrator.controllers.world import World


def succeeded(world: World) -> list[Object]:
    return [pod for pod in world.pods() if status(pod).get("phase") == "Succeeded"]


def run_to_the_end(world: World) -> None:
    """Every pod that runs succeeds, until the Job is complete."""
    for _ in range(60):
        end(world, "Succeeded")
        if "Complete" in true_conditions(world):
            return
    raise AssertionError(f"the job does not end: {now_of(world)}")


def assert_exact(world: World, completions: int) -> None:
    assert (now_of(world)["succeeded"], now_of(world).get("failed")) == (completions, None)
    assert len(succeeded(world)) == completions == len(world.pods())
    assert not any(finalizers(pod) for pod in world.pods())


def test_a_late_cache_makes_nobody_count_twice() -> None:
    late: list[Late] = []

    def between(transport: Transport) -> Transport:
        late.append(Late(transport, POD))
        return late[0]

    with World(JobController, between=between).running() as world:
        world.create(JOB, job(completions=6, parallelism=3))
        settle(world)
        for pod in world.pods():
            world.client.update_status(POD, {**pod, "status": {**pod["status"], "phase": "Succeeded"}})
        world.eventually(lambda: now_of(world).get("succeeded") == 3)
        # The finalizers are off and the next three are made, and from now on the controller sees nothing of it.
        late[0].gate.clear()
        for number in range(20):
            world.client.patch(JOB, "work", {"metadata": {"annotations": {"poke": str(number)}}}, "default")
            world.clock.advance(1)
        world.eventually(lambda: not world.controllers[0].queue._ready and not world.controllers[0].queue._taken)
        assert (now_of(world)["succeeded"], len(world.pods())) == (3, 6)
        late[0].gate.set()
        run_to_the_end(world)
        assert_exact(world, 6)


class Blind(Late):
    """A transport that, while the gate is shut, tells of pods only as long as they have a finalizer."""

    def watch(self, request: Request) -> WatchStream:
        stream = self._transport.watch(request)
        return _BlindStream(stream, self.gate) if request.kind is POD else stream


class _BlindStream:
    def __init__(self, stream: WatchStream, gate: threading.Event) -> None:
        self._stream = stream
        self._gate = gate

    def __iter__(self) -> Iterator[WatchEvent]:
        for event in self._stream:
            if not finalizers(event.object):
                self._gate.wait()
            yield event

    def close(self) -> None:
        self._gate.set()
        self._stream.close()


def test_a_pod_that_only_seems_to_be_held_is_not_counted_again() -> None:
    blind: list[Blind] = []

    def between(transport: Transport) -> Transport:
        blind.append(Blind(transport, POD))
        return blind[0]

    with World(JobController, between=between).running() as world:
        world.create(JOB, job(completions=3, parallelism=3))
        settle(world)
        blind[0].gate.clear()
        pod = world.pods()[0]
        world.client.update_status(POD, {**pod, "status": {**pod["status"], "phase": "Succeeded"}})
        world.eventually(lambda: now_of(world).get("succeeded") == 1)
        for number in range(20):
            world.client.patch(JOB, "work", {"metadata": {"annotations": {"poke": str(number)}}}, "default")
            world.eventually(lambda: not world.controllers[0].queue._ready and not world.controllers[0].queue._taken)
        assert now_of(world)["succeeded"] == 1
        blind[0].gate.set()
        run_to_the_end(world)
        assert_exact(world, 3)


def test_lost_answers_delay_but_do_not_derail() -> None:
    with World(JobController, between=lambda transport: Flaky(transport, 0.2)).running() as world:
        world.create(JOB, job(completions=8, parallelism=3, completionMode="Indexed"))
        settle(world, 2)
        run_to_the_end(world)
        assert (now_of(world)["succeeded"], now_of(world)["completedIndexes"]) == (8, "0-7")
        assert not any(finalizers(pod) for pod in world.pods())


@pytest.mark.parametrize("writes", [0, 1, 2, 3, 4, 5, 6, 8, 11, 14])
def test_a_new_controller_finishes_what_a_killed_one_began(writes: int) -> None:
    mortals: list[Mortal] = []

    def between(transport: Transport) -> Transport:
        mortals.append(Mortal(transport, writes))
        return mortals[0]

    with World(JobController, between=between).running() as world:
        world.create(JOB, job(completions=4, parallelism=2))
        for _ in range(30):
            for pod in world.pods():
                if status(pod).get("phase") == "Running" and not is_terminal(pod):
                    world.client.update_status(POD, {**pod, "status": {**pod["status"], "phase": "Succeeded"}})
            world.clock.advance(0.1)
            if mortals[0].dead or "Complete" in true_conditions(world):
                break
        world.replace_controllers()
        run_to_the_end(world)
        assert_exact(world, 4)


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_scheduled_job_is_made_once_whenever_the_controller_dies(writes: int) -> None:
    mortals: list[Mortal] = []

    def between(transport: Transport) -> Transport:
        mortals.append(Mortal(transport, writes))
        return mortals[0]

    world = World(CronJobController, between=between)
    world.create(CRON_JOB, cron_job())
    world.clock.advance(120)
    with world.running():
        world.clock.advance(1)
        world.quiet()
        world.replace_controllers()
        world.quiet()
        (made,) = world.all(JOB)
        fresh = status(world.client.get(CRON_JOB, "tick", "default"))
        assert made["metadata"]["name"] == f"tick-{int(NOW + 100) // 60}"
        assert [reference["uid"] for reference in fresh["active"]] == [made["metadata"]["uid"]]
