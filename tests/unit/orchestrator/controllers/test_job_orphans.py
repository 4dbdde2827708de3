from __future__ import annotations

import pytest

from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import NAMESPACE, POD
from orchestrator.api.meta import Object, finalizers, name, owner_reference, status
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.job import JobController
from orchestrator.controllers.job_orphans import JobPodReleaser
from orchestrator.controllers.job_pods import TRACKING
from orchestrator.controllers.namespace import NamespaceController
from tests.unit.orchestrator.controllers.objects import job as full_job
from tests.unit.orchestrator.controllers.objects import job_pod, replica_set
from tests.unit.orchestrator.controllers.test_job import end, job, settle
from tests.unit.orchestrator.controllers.world import World


def held(world: World) -> list[Object]:
    return [pod for pod in world.all(POD) if finalizers(pod)]


def test_pods_of_a_job_that_is_gone_are_let_go() -> None:
    with World(JobController, JobPodReleaser).running() as world:
        world.create(JOB, job(completions=2, parallelism=2))
        settle(world)
        assert len(held(world)) == 2
        world.client.delete(JOB, "work", "default", propagation="Background")
        settle(world)
        assert not held(world)


def test_pods_of_a_finished_job_are_let_go() -> None:
    with World(JobController, JobPodReleaser).running() as world:
        made = world.create(JOB, job())
        settle(world)
        end(world, "Succeeded")
        late = job_pod(full_job())
        late["metadata"]["ownerReferences"] = [owner_reference(made)]
        world.create(POD, late)
        settle(world)
        assert not held(world)


@pytest.mark.parametrize("owner", [None, full_job("never-there")])
def test_pods_of_nobody_are_let_go(owner: Object | None) -> None:
    with World(JobPodReleaser).running() as world:
        lost = job_pod(owner or full_job())
        if owner is None:
            del lost["metadata"]["ownerReferences"]
        world.create(POD, lost)
        settle(world)
        assert not held(world)


def test_pods_that_somebody_counts_are_kept() -> None:
    with World(JobPodReleaser).running() as world:
        theirs = world.create(JOB, job(managedBy="example.com/mine"))
        others = job_pod(full_job())
        others["metadata"]["ownerReferences"] = [owner_reference(replica_set())]
        mine = job_pod(full_job())
        mine["metadata"]["ownerReferences"] = [owner_reference({**theirs, "apiVersion": "batch/v1", "kind": "Job"})]
        for pod in (others, mine):
            world.create(POD, pod)
        settle(world)
        assert [finalizers(pod) for pod in held(world)] == [[TRACKING], [TRACKING]]


def test_a_namespace_with_a_job_can_be_deleted() -> None:
    with World(JobController, JobPodReleaser, GarbageCollector, NamespaceController).running() as world:
        world.create(NAMESPACE, {"metadata": {"name": "shop"}})
        made = job(completions=2, parallelism=2)
        made["metadata"]["namespace"] = "shop"
        world.create(JOB, made)
        world.eventually(lambda: len([pod for pod in world.pods("shop") if status(pod).get("phase") == "Running"]) == 2)
        world.client.delete(NAMESPACE, "shop")
        for _ in range(30):
            settle(world)
            world.clock.advance(5)
        assert not world.all(POD, "shop") and not world.all(JOB, "shop")
        assert "shop" not in [name(each) for each in world.all(NAMESPACE)]
