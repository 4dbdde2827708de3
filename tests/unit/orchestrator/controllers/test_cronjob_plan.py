"""A CronJob's next step, by the documented rules. NOW is 2023-11-14 22:13:20 UTC."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.meta import Object, labels, name, object_reference, owner_reference, uid
from orchestrator.api.times import rfc3339
from orchestrator.controllers.cronjob_plan import Plan, plan, started
from tests.unit.orchestrator.controllers.objects import NOW, condition, cron_job
from tests.unit.orchestrator.controllers.objects import job as make_job

#: The last time of */5: 22:10:00.
LAST = NOW - 200


def child(owner: Object, called: str, ended: str = "", *, age: float = 60) -> Object:
    made = make_job(called, age=age)
    made["metadata"]["ownerReferences"] = [owner_reference(owner)]
    if ended:
        made["status"]["conditions"] = [condition(ended, "True")]
    if ended == "Complete":
        made["status"]["completionTime"] = rfc3339(NOW - age + 10)
    return made


def with_active(owner: Object, *jobs: Object) -> Object:
    owner["status"]["active"] = [object_reference(each) for each in jobs]
    return owner


def told(made: Plan) -> list[tuple[str, str]]:
    return [(event.reason, event.message) for event in made.events]


@pytest.mark.parametrize(
    ("age", "last", "spec", "at"),
    [
        (100, None, {}, None),
        (200, None, {}, None),
        (201, None, {}, LAST),
        (86400, LAST, {}, None),
        (86400, LAST - 300, {}, LAST),
        (86400, LAST - 3000, {}, LAST),
        (86400, LAST - 3000, {"startingDeadlineSeconds": 201}, LAST),
        (86400, LAST - 3000, {"startingDeadlineSeconds": 200}, None),
        (86400, LAST - 3000, {"suspend": True}, None),
        # The clock was set back: nothing runs twice.
        (0, LAST + 86400, {}, None),
        (100, None, {"schedule": "@every 30s"}, NOW - 10),
    ],
)
def test_what_is_due(age: float, last: float | None, spec: Any, at: float | None) -> None:
    owner = cron_job(age=age, **spec)
    if last is not None:
        owner["status"]["lastScheduleTime"] = rfc3339(last)
    made = plan(owner, [], NOW)
    assert (made.at if made.start else None) == at


def test_the_job_is_named_by_its_time() -> None:
    owner = cron_job(age=300, timeZone="Asia/Kolkata")
    owner["spec"]["jobTemplate"]["metadata"]["annotations"] = {"team": "shop"}
    start = plan(owner, [], NOW).start
    assert start is not None
    assert (name(start), labels(start)) == (f"tick-{int(LAST) // 60}", {"app": "tick"})
    assert start["metadata"]["annotations"] == {
        "team": "shop",
        "batch.kubernetes.io/cronjob-scheduled-timestamp": "2023-11-15T03:40:00+05:30",
    }
    assert start["metadata"]["ownerReferences"] == [owner_reference(owner)]
    assert start["spec"] == owner["spec"]["jobTemplate"]["spec"]


def test_looks_again_when_the_next_time_comes_or_the_clock_may_have_jumped() -> None:
    assert plan(cron_job(), [], LAST + 250).check_after == pytest.approx(50.1)
    assert plan(cron_job(), [], NOW).check_after == pytest.approx(100.1)
    assert plan(cron_job(suspend=True), [], NOW).check_after is None


def test_many_missed_times_are_a_sign_of_something_wrong() -> None:
    owner = cron_job(age=101 * 300)
    reason = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
    made = plan(owner, [], NOW)
    assert (told(made), made.at) == ([("TooManyMissedTimes", reason)], LAST)
    assert not plan(cron_job(age=100 * 300), [], NOW).events
    assert not plan(cron_job(age=101 * 300, startingDeadlineSeconds=3600), [], NOW).events


def test_a_schedule_that_never_comes() -> None:
    made = plan(cron_job(schedule="0 0 31 2 *"), [], NOW)
    why = "invalid schedule: 0 0 31 2 * : time difference between two schedules is less than 1 second"
    assert (told(made), made.check_after) == ([("InvalidSchedule", why)], None)


def test_a_zone_or_schedule_that_is_not_known_any_more() -> None:
    ((reason, message),) = told(plan(cron_job(timeZone="Mars/Olympus"), [], NOW))
    assert reason == "UnknownTimeZone" and message.startswith('invalid timeZone: "Mars/Olympus": ')
    ((reason, message),) = told(plan(cron_job(schedule="nonsense"), [], NOW))
    assert reason == "UnparseableSchedule" and message.startswith('unparseable schedule: "nonsense" : ')


@pytest.mark.parametrize(("policy", "starts", "replaced"), [("Allow", 1, 0), ("Forbid", 0, 0), ("Replace", 1, 1)])
def test_one_that_still_runs(policy: str, starts: int, replaced: int) -> None:
    owner = cron_job(age=300, concurrencyPolicy=policy)
    running = child(owner, "tick-1")
    made = plan(with_active(owner, running), [running], NOW)
    assert (made.start is not None, len(made.replace)) == (bool(starts), replaced)
    assert ("active" in made.status) == (policy != "Replace")
    assert bool(told(made)) == (policy == "Forbid")
    if policy == "Forbid":
        why = "Not starting job because prior execution is running and concurrency policy is Forbid"
        assert told(made) == [("JobAlreadyActive", why)]


def test_follows_its_jobs() -> None:
    owner = cron_job(suspend=True)
    done, failed, running = child(owner, "done", "Complete"), child(owner, "failed", "Failed"), child(owner, "runs")
    gone, stray = child(owner, "gone"), child(owner, "stray")
    made = plan(with_active(owner, done, failed, running, gone), [done, failed, running, stray], NOW)
    assert [reference["uid"] for reference in made.status["active"]] == [uid(running)]
    assert made.status["lastSuccessfulTime"] == rfc3339(NOW - 50)
    assert told(made) == [
        ("SawCompletedJob", "Saw completed job: done, condition: Complete"),
        ("SawCompletedJob", "Saw completed job: failed, condition: Failed"),
        ("MissingJob", "Active job went missing: gone"),
        ("UnexpectedJob", "Saw a job that the controller did not create or forgot: stray"),
    ]


def test_the_last_success_never_goes_back() -> None:
    owner = cron_job(suspend=True)
    owner["status"]["lastSuccessfulTime"] = rfc3339(NOW)
    assert plan(owner, [child(owner, "old", "Complete", age=600)], NOW).status["lastSuccessfulTime"] == rfc3339(NOW)


def test_keeps_as_many_finished_jobs_as_it_is_told() -> None:
    owner = cron_job(suspend=True, successfulJobsHistoryLimit=2, failedJobsHistoryLimit=0)
    jobs = [child(owner, f"good-{age}", "Complete", age=age) for age in (10, 40, 20, 30)]
    jobs += [child(owner, "bad", "Failed"), child(owner, "running")]
    assert [name(job) for job in plan(owner, jobs, NOW).forget] == ["bad", "good-40", "good-30"]
    owner["spec"] |= {"successfulJobsHistoryLimit": None, "failedJobsHistoryLimit": None}
    assert not plan(owner, jobs, NOW).forget


def test_a_cron_job_that_is_deleted_starts_nothing() -> None:
    owner = cron_job(age=300)
    owner["metadata"]["deletionTimestamp"] = rfc3339(NOW)
    assert plan(owner, [], NOW).start is None


def test_the_status_after_a_start() -> None:
    owner = cron_job()
    old, new = child(owner, "old"), child(owner, "new")
    before = {"active": [object_reference(old)], "lastSuccessfulTime": rfc3339(LAST)}
    after = started(before, new, LAST)
    assert after == {
        **before,
        "active": [object_reference(old), object_reference(new)],
        "lastScheduleTime": rfc3339(LAST),
    }
    assert started(after, new, LAST) == after, "one that was made before a crash is not listed twice"
    assert "active" not in started({}, child(owner, "over", "Complete"), LAST)
