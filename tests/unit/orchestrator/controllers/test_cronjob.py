from __future__ import annotations

from orchestrator.api.groups.batch import CRON_JOB, JOB
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, name, status
from orchestrator.api.times import rfc3339
from orchestrator.controllers.cronjob import CronJobController
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.job import JobController
from orchestrator.controllers.job_orphans import JobPodReleaser
from tests.unit.orchestrator.controllers.objects import NOW, cron_job
from tests.unit.orchestrator.controllers.test_job import end
from tests.unit.orchestrator.controllers.world import World

#: From NOW to the next time of */5.
UNTIL_NEXT = 100


def now_of(world: World) -> Object:
    return status(world.client.get(CRON_JOB, "tick", "default"))


def jobs(world: World) -> list[str]:
    return sorted(name(job) for job in world.all(JOB))


def test_starts_jobs_on_time_and_follows_them() -> None:
    with World(CronJobController, JobController).running() as world:
        world.create(CRON_JOB, cron_job(successfulJobsHistoryLimit=1))
        world.advance(UNTIL_NEXT - 1)
        assert not jobs(world)
        world.advance(2)
        first = f"tick-{int(NOW + UNTIL_NEXT) // 60}"
        assert jobs(world) == [first]
        fresh = now_of(world)
        assert fresh["lastScheduleTime"] == rfc3339(NOW + UNTIL_NEXT)
        assert [reference["name"] for reference in fresh["active"]] == [first]
        assert world.events.messages("SuccessfulCreate")[0] == f"Created job {first}"
        end(world, "Succeeded")
        assert "active" not in now_of(world) and now_of(world)["lastSuccessfulTime"]
        world.advance(300)
        end(world, "Succeeded")
        assert len(jobs(world)) == 1 and jobs(world) != [first], "the history has room for one"
        assert f"Deleted job {first}" in world.events.messages("SuccessfulDelete")
        assert not world.events.messages("UnexpectedJob")


def test_after_an_outage_only_the_last_run_is_made_up_for() -> None:
    world = World(CronJobController)
    world.create(CRON_JOB, cron_job())
    world.clock.advance(3600)
    with world.running():
        world.quiet()
        assert jobs(world) == [f"tick-{int(NOW + 3400) // 60}"]


def test_a_clock_that_jumps_ahead_is_noticed_and_one_set_back_runs_nothing_twice() -> None:
    with World(CronJobController).running() as world:
        world.create(CRON_JOB, cron_job(schedule="0 0 * * *"))
        world.quiet()
        world.clock.set_by = 86400
        world.advance(61)
        assert len(jobs(world)) == 1
        world.clock.set_by = 0
        world.advance(120)
        assert len(jobs(world)) == 1


def test_a_replaced_job_goes_with_its_pods() -> None:
    with World(CronJobController, JobController, JobPodReleaser, GarbageCollector).running() as world:
        world.create(CRON_JOB, cron_job(concurrencyPolicy="Replace"))
        world.advance(UNTIL_NEXT + 1)
        (first,) = jobs(world)
        world.advance(300)
        (second,) = jobs(world)
        assert first != second
        world.eventually(lambda: len(world.all(POD)) == 1)
        assert [reference["name"] for reference in now_of(world)["active"]] == [second]


def test_a_job_that_was_made_before_a_crash_is_found_again() -> None:
    world = World(CronJobController)
    made = world.create(CRON_JOB, cron_job())
    with world.running():
        world.advance(UNTIL_NEXT + 1)
        (first,) = jobs(world)
        made = world.client.get(CRON_JOB, "tick", "default")
        world.stop()
        world.client.update_status(CRON_JOB, {**made, "status": {}})
        world.replace_controllers()
        world.quiet()
        assert jobs(world) == [first]
        assert [reference["name"] for reference in now_of(world)["active"]] == [first]
        assert len(world.events.messages("SuccessfulCreate")) == 1


def test_somebody_elses_job_of_the_same_name_is_left_alone() -> None:
    with World(CronJobController).running() as world:
        template = cron_job()["spec"]["jobTemplate"]["spec"]
        taken = f"tick-{int(NOW + UNTIL_NEXT) // 60}"
        world.create(JOB, {"metadata": {"name": taken, "namespace": "default"}, "spec": template})
        world.create(CRON_JOB, cron_job())
        world.advance(UNTIL_NEXT + 1)
        assert now_of(world) == {}
