from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.errors import Forbidden
from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, controller_of, finalizers, name, status, uid
from orchestrator.api.request import Request
from orchestrator.controllers.job import JobController
from orchestrator.controllers.job_pods import INDEX_FAILURES, TRACKING, index_of
from orchestrator.controllers.podgc import PodGarbageCollector
from tests.unit.orchestrator.controllers.objects import job as full_job
from tests.unit.orchestrator.controllers.world import World


def job(**spec: Any) -> Object:
    """As a user writes it."""
    template = {"spec": full_job()["spec"]["template"]["spec"]}
    return {"metadata": {"name": "work", "namespace": "default"}, "spec": {"template": template, **spec}}


def settle(world: World, seconds: float = 0.5) -> None:
    """Wait until nothing happens any more for so long, in which news are gathered and retries made."""
    world.quiet()
    for _ in range(round(seconds * 10)):
        world.clock.advance(0.1)
        world.quiet()


def end(world: World, phase: str, *indexes: int, count: int = 100) -> None:
    """Let running pods end: `count`, or those with `indexes`."""
    running = [pod for pod in world.pods() if status(pod).get("phase") == "Running"]
    for pod in [pod for pod in running if not indexes or index_of(pod) in indexes][:count]:
        world.client.update_status(POD, {**pod, "status": {**pod["status"], "phase": phase}})
    settle(world)


def now_of(world: World) -> Object:
    return status(world.client.get(JOB, "work", "default"))


def true_conditions(world: World) -> list[str]:
    return [entry["type"] for entry in now_of(world).get("conditions") or [] if entry["status"] == "True"]


def test_runs_until_enough_have_succeeded() -> None:
    with World(JobController).running() as world:
        made = world.create(JOB, job(completions=5, parallelism=2))
        settle(world)
        assert (now_of(world)["active"], now_of(world)["ready"], len(world.pods())) == (2, 2, 2)
        pod = world.pods()[0]
        assert (controller_of(pod) or {})["uid"] == uid(made) and finalizers(pod) == [TRACKING]
        for succeeded, active in ((2, 2), (4, 1)):
            end(world, "Succeeded")
            assert (now_of(world)["succeeded"], now_of(world)["active"]) == (succeeded, active)
        end(world, "Succeeded")
        fresh = now_of(world)
        assert (fresh["succeeded"], fresh.get("active"), fresh["uncountedTerminatedPods"]) == (5, None, {})
        assert true_conditions(world) == ["SuccessCriteriaMet", "Complete"]
        assert not any(finalizers(pod) for pod in world.pods())
        assert len(world.events.messages("SuccessfulCreate")) == 5
        assert world.events.messages("Completed") == ["Job completed"]


def test_failed_pods_are_replaced_after_a_while_until_it_is_enough() -> None:
    with World(JobController).running() as world:
        world.create(JOB, job(backoffLimit=1))
        settle(world)
        end(world, "Failed")
        assert (now_of(world)["failed"], len(world.pods())) == (1, 1)
        settle(world, 10)
        assert (now_of(world)["active"], len(world.pods())) == (1, 2)
        end(world, "Failed")
        assert (now_of(world)["failed"], true_conditions(world)) == (2, ["FailureTarget", "Failed"])
        assert world.events.messages("BackoffLimitExceeded") == ["Job has reached the specified backoff limit"]


def test_the_heir_of_an_index_takes_over_its_count() -> None:
    with World(JobController).running() as world:
        world.create(JOB, job(completions=2, parallelism=2, completionMode="Indexed", backoffLimitPerIndex=1))
        settle(world)
        end(world, "Failed", 1)
        assert "failed" not in now_of(world), "the failed pod still carries the count"
        settle(world, 11)
        (heir,) = [pod for pod in world.pods() if index_of(pod) == 1 and status(pod)["phase"] == "Running"]
        assert heir["metadata"]["annotations"][INDEX_FAILURES] == "1"
        assert (now_of(world)["failed"], now_of(world)["failedIndexes"]) == (1, "")
        end(world, "Failed", 1)
        assert (now_of(world)["failed"], now_of(world)["failedIndexes"]) == (2, "1")
        end(world, "Succeeded", 0)
        assert (now_of(world)["completedIndexes"], true_conditions(world)) == ("0", ["FailureTarget", "Failed"])


def test_an_indexed_job_grows_and_shrinks() -> None:
    with World(JobController).running() as world:
        world.create(JOB, job(completions=4, parallelism=4, completionMode="Indexed"))
        settle(world)
        end(world, "Succeeded", 0, 3)
        assert now_of(world)["completedIndexes"] == "0,3"
        world.client.patch(JOB, "work", {"spec": {"completions": 2, "parallelism": 2}}, "default")
        settle(world)
        assert (now_of(world)["completedIndexes"], now_of(world)["succeeded"], now_of(world)["active"]) == ("0", 1, 1)
        end(world, "Succeeded")
        assert (now_of(world)["completedIndexes"], true_conditions(world)[-1]) == ("0,1", "Complete")


def test_a_job_is_suspended_and_resumed() -> None:
    with World(JobController).running() as world:
        world.create(JOB, job(completions=2, parallelism=2))
        settle(world)
        world.client.patch(JOB, "work", {"spec": {"suspend": True}}, "default")
        settle(world)
        assert (world.pods(), true_conditions(world)) == ([], ["Suspended"])
        world.clock.advance(100)
        before = now_of(world)["startTime"]
        world.client.patch(JOB, "work", {"spec": {"suspend": False}}, "default")
        settle(world)
        assert (len(world.pods()), true_conditions(world)) == (2, [])
        assert now_of(world)["startTime"] > before and "failed" not in now_of(world)
        assert [told for told, _, _ in world.events.told if told in ("Suspended", "Resumed")] == [
            "Suspended",
            "Resumed",
        ]


def test_time_runs_out() -> None:
    with World(JobController).running() as world:
        world.create(JOB, job(activeDeadlineSeconds=30, completions=3))
        settle(world)
        end(world, "Succeeded")
        settle(world, 31)
        assert (now_of(world)["succeeded"], now_of(world)["failed"], world.pods("default")[1:]) == (1, 1, [])
        assert world.events.messages("DeadlineExceeded") == ["Job was active longer than specified deadline"]


def test_a_deleted_pod_counts_as_failed_and_goes() -> None:
    with World(JobController).running() as world:
        world.create(JOB, job())
        settle(world)
        world.client.delete(POD, name(world.pods()[0]), "default")
        settle(world)
        assert (now_of(world)["failed"], world.all(POD)) == (1, [])
        settle(world, 10)
        assert len(world.pods()) == 1


def test_a_pod_that_never_got_a_node_is_known_to_have_ended() -> None:
    with World(JobController, PodGarbageCollector, kubelet=False).running() as world:
        world.create(JOB, job(podReplacementPolicy="Failed"))
        settle(world)
        world.client.delete(POD, name(world.pods()[0]), "default")
        settle(world)
        assert (now_of(world)["failed"], world.all(POD)) == (1, [])


def test_takes_in_orphans_and_lets_strays_go() -> None:
    with World(JobController).running() as world:
        made = world.create(JOB, job(completions=2, parallelism=2))
        settle(world)
        stray = world.pods()[0]
        labels = stray["metadata"]["labels"]
        world.client.patch(POD, name(stray), {"metadata": {"labels": dict.fromkeys(labels)}}, "default")
        settle(world)
        let_go = world.client.get(POD, name(stray), "default")
        assert (controller_of(let_go), finalizers(let_go), len(world.pods())) == (None, [], 3)
        world.client.patch(POD, name(stray), {"metadata": {"labels": labels}}, "default")
        settle(world)
        mine = [pod for pod in world.pods() if (controller_of(pod) or {}).get("uid") == uid(made)]
        assert len(mine) == 2 and all(finalizers(pod) == [TRACKING] for pod in mine)


def test_somebody_elses_job_is_left_alone() -> None:
    with World(JobController).running() as world:
        world.create(JOB, job(managedBy="example.com/mine"))
        settle(world)
        assert (world.pods(), now_of(world)) == ([], {})


def test_pods_that_cannot_be_made_do_not_keep_others_from_being_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(JobController)
    call, made = world.client._transport.call, 0

    def refuse(request: Request) -> Object:
        nonlocal made
        if request.verb == "create" and request.kind is POD and not request.subresource:
            if made == 2:
                raise Forbidden("exceeded quota")
            made += 1
        return call(request)

    monkeypatch.setattr(world.client._transport, "call", refuse)
    with world.running():
        world.create(JOB, job(completions=8, parallelism=8))
        settle(world)
        assert now_of(world)["active"] == 2
        end(world, "Succeeded")
        assert now_of(world)["succeeded"] == 2
        assert "Error creating: exceeded quota" in world.events.messages("FailedCreate")
