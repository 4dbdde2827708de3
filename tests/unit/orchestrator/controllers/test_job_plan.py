"""A Job's next step, by the documented rules."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.meta import Object, name, uid
from orchestrator.api.times import rfc3339
from orchestrator.controllers.job_backoff import Backoff
from orchestrator.controllers.job_count import MOST, settle
from orchestrator.controllers.job_plan import Plan, is_managed_elsewhere, plan
from orchestrator.controllers.job_pods import INDEX_FAILURES, INDEX_IGNORED, TRACKING
from orchestrator.controllers.job_status import settled
from orchestrator.controllers.job_steps import Birth
from orchestrator.controllers.job_template import new_pod
from tests.unit.orchestrator.controllers.objects import NOW, condition, job, job_pod

IGNORE = {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [9]}}]}


def planned(owner: Object, *pods: Object, now: float = NOW) -> Plan:
    return plan(owner, pods, Backoff(), now)


def indexed(completions: int = 4, parallelism: int = 4, **fields: Any) -> Object:
    return job(completions=completions, parallelism=parallelism, completionMode="Indexed", **fields)


def per_index(limit: int, **fields: Any) -> Object:
    return indexed(backoffLimitPerIndex=limit, **fields)


def indexes(births: Any) -> list[int | None]:
    return [birth.index for birth in births]


def reasons(status: Object) -> dict[str, str]:
    return {entry["type"]: entry.get("reason", "") for entry in status.get("conditions") or []}


def finish(owner: Object, pods: list[Object], made: Plan, *, kept: tuple[Object, ...] = ()) -> Object:
    """The status at the end of the sync, once the finalizers of all released pods but `kept` are off."""
    gone = {uid(pod) for pod in made.release} - {uid(pod) for pod in kept}
    tracked = {uid(pod) for pod in pods if TRACKING in pod["metadata"]["finalizers"]} - gone
    return settled({**owner, "status": made.status}, tracked, NOW, whole=made.whole)


# --- how many pods -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("completions", "parallelism", "succeeded", "active", "created", "dropped"),
    [
        (1, 1, 0, 0, 1, 0),
        (5, 2, 0, 0, 2, 0),
        (5, 2, 0, 1, 1, 0),
        (5, 2, 0, 2, 0, 0),
        (5, 9, 3, 0, 2, 0),
        (5, 2, 4, 1, 0, 0),
        (5, 2, 4, 2, 0, 1),
        (5, 0, 0, 2, 0, 2),
        (None, 3, 0, 0, 3, 0),
        (None, 3, 1, 2, 0, 0),
        (2000, 2000, 0, 0, 500, 0),
    ],
)
def test_as_many_as_are_needed_and_allowed(
    completions: int | None, parallelism: int, succeeded: int, active: int, created: int, dropped: int
) -> None:
    owner = job(completions=completions, parallelism=parallelism, status={"succeeded": succeeded})
    made = planned(owner, *(job_pod(owner) for _ in range(active)))
    assert (len(made.create), len(made.drop), len(made.stop)) == (created, dropped, 0)


def test_the_least_advanced_pod_is_dropped() -> None:
    owner = job(completions=5, parallelism=1)
    ready, pending = job_pod(owner), job_pod(owner, "Pending", node="")
    assert planned(owner, ready, pending).drop == [pending]


def test_each_index_once_and_in_order() -> None:
    owner = indexed(6, 3, status={"completedIndexes": "0,3"})
    assert indexes(planned(owner, job_pod(owner, index=1)).create) == [2, 4]


def test_needless_indexes_are_dropped() -> None:
    owner = indexed(2, 2)
    good, twin = job_pod(owner, index=0), job_pod(owner, "Pending", index=0, node="")
    beyond, without = job_pod(owner, index=2), job_pod(owner)
    made = planned(owner, twin, good, beyond, without)
    assert {name(pod) for pod in made.drop} == {name(pod) for pod in (twin, beyond, without)}
    assert not made.create, "never both at once"


def test_a_deleted_pod_is_replaced_at_once_or_when_it_has_ended() -> None:
    for policy, created in (("TerminatingOrFailed", 1), ("Failed", 0)):
        owner = job(completions=2, parallelism=1, podReplacementPolicy=policy)
        made = plan(owner, [job_pod(owner, deleting=True)], Backoff(), NOW + 60)
        assert (len(made.create), made.status["terminating"]) == (created, 1)
        assert bool(made.status["uncountedTerminatedPods"]) == bool(created)


# --- back-off ----------------------------------------------------------------------------------------------------


def test_failed_pods_are_replaced_after_a_while() -> None:
    owner = job()
    made = planned(owner, job_pod(owner, "Failed", ended=3))
    assert (made.create, made.check_after, made.backoff) == ((), 7, Backoff(1, NOW - 3))
    owner["status"] |= {"failed": 1}
    again = plan(owner, [], made.backoff, NOW + 7)
    assert len(again.create) == 1


def test_a_new_controller_learns_the_backoff_from_the_pods() -> None:
    owner = job(status={"failed": 2})
    pods = [job_pod(owner, "Failed", ended=ended, tracked=False) for ended in (30, 5)]
    assert plan(owner, pods, None, NOW).check_after == 15


def test_every_index_waits_for_itself_and_hands_on_its_count() -> None:
    owner = per_index(3, completions=2, parallelism=2)
    old = job_pod(owner, "Failed", index=0, ended=60, annotations={INDEX_FAILURES: "1"})
    fresh = job_pod(owner, "Failed", index=1, ended=1)
    made = planned(owner, old, fresh)
    assert (made.create, made.check_after, made.release) == ([Birth(0, old)], 9, [])
    assert new_pod(owner, made.create[0])["metadata"]["annotations"][INDEX_FAILURES] == "2"
    heir = job_pod(owner, index=0, annotations={INDEX_FAILURES: "2"})
    assert planned(owner, old, fresh, heir).release == [old], "its count lives on"


def test_ignored_failures_of_an_index_are_counted_apart() -> None:
    owner = per_index(3, podFailurePolicy=IGNORE)
    ignored = job_pod(owner, "Failed", index=0, exit_code=9, annotations={INDEX_FAILURES: "1"})
    annotations = new_pod(owner, Birth(0, ignored))["metadata"]["annotations"]
    assert (annotations[INDEX_FAILURES], annotations[INDEX_IGNORED]) == ("1", "1")


# --- the end -----------------------------------------------------------------------------------------------------


def test_success() -> None:
    owner = job(completions=2, parallelism=2, status={"succeeded": 1})
    pods = [job_pod(owner, "Succeeded")]
    made = planned(owner, *pods)
    assert made.status["uncountedTerminatedPods"] == {"succeeded": [uid(pods[0])]}
    assert reasons(made.status) == {"SuccessCriteriaMet": "CompletionsReached"}
    done = finish(owner, pods, made)
    assert (done["succeeded"], done["uncountedTerminatedPods"]) == (2, {})
    assert done["completionTime"] == rfc3339(NOW)
    assert reasons(done)["Complete"] == "CompletionsReached"


def test_no_end_before_the_last_finalizer_is_off() -> None:
    owner = job()
    pods = [job_pod(owner, "Succeeded")]
    done = finish(owner, pods, planned(owner, *pods), kept=(pods[0],))
    assert "Complete" not in reasons(done) and "succeeded" not in done


def test_without_completions_the_others_may_end_by_themselves() -> None:
    owner = job(completions=None, parallelism=2)
    one, other = job_pod(owner, "Succeeded"), job_pod(owner)
    made = planned(owner, one, other)
    assert (made.create, made.stop, made.drop, reasons(made.status)) == ((), (), (), {})
    other["status"]["phase"] = "Failed"
    assert reasons(planned(owner, one, other).status) == {"SuccessCriteriaMet": "CompletionsReached"}


def test_nothing_to_do_is_done() -> None:
    owner = job(completions=0)
    made = planned(owner)
    assert reasons(finish(owner, [], made)) == {
        "SuccessCriteriaMet": "CompletionsReached",
        "Complete": "CompletionsReached",
    }


@pytest.mark.parametrize(
    ("policy", "completed", "met"),
    [
        ([{"succeededCount": 2}], "0", False),
        ([{"succeededCount": 2}], "0,3", True),
        ([{"succeededIndexes": "0-2"}], "0,1", False),
        ([{"succeededIndexes": "0-2"}], "0-2", True),
        ([{"succeededIndexes": "0-2", "succeededCount": 1}], "3", False),
        ([{"succeededIndexes": "0-2", "succeededCount": 1}], "2", True),
        ([{"succeededIndexes": "1"}, {"succeededCount": 1}], "0", True),
    ],
)
def test_a_success_policy_stops_the_rest(policy: list[Object], completed: str, met: bool) -> None:
    owner = indexed(successPolicy={"rules": policy}, status={"completedIndexes": completed})
    last = job_pod(owner, index=3) if "3" not in completed else job_pod(owner, index=1)
    made = planned(owner, last)
    assert (list(made.stop) == [last]) == met
    if met:
        done = made.status["conditions"][0]
        assert (done["reason"], done["message"]) == ("SuccessPolicy", f"Matched rules at index {len(policy) - 1}")
        assert made.release == [last] and made.status["uncountedTerminatedPods"] == {}, "it did not fail"


@pytest.mark.parametrize(
    ("spec", "status", "pods", "reason"),
    [
        ({"backoffLimit": 1}, {"failed": 1}, [{"phase": "Failed"}], "BackoffLimitExceeded"),
        ({"backoffLimit": 2}, {"failed": 1}, [{"phase": "Failed"}], None),
        ({"backoffLimit": 0}, {}, [{"phase": "Failed", "exit_code": 9}], "BackoffLimitExceeded"),
        ({"backoffLimit": 0, "podFailurePolicy": IGNORE}, {}, [{"phase": "Failed", "exit_code": 9}], None),
        ({"activeDeadlineSeconds": 60}, {}, [{}], "DeadlineExceeded"),
        ({"activeDeadlineSeconds": 61}, {}, [{}], None),
        ({"activeDeadlineSeconds": 60, "suspend": True}, {}, [], None),
    ],
)
def test_failure(spec: Object, status: Object, pods: list[Object], reason: str | None) -> None:
    owner = job(completions=5, parallelism=1, status=status, **spec)
    running = job_pod(owner)
    made = planned(owner, running, *(job_pod(owner, **fields) for fields in pods))
    assert reasons(made.status).get("FailureTarget") == reason
    assert (running in made.stop) == (reason is not None)


def test_restarts_in_place_count_where_pods_do_not_fail() -> None:
    for limit, restarts, failed in ((0, 0, False), (0, 1, True), (3, 2, False), (3, 3, True)):
        owner = job(backoffLimit=limit)
        owner["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure"
        made = planned(owner, job_pod(owner, restarts=restarts))
        assert ("FailureTarget" in reasons(made.status)) == failed, (limit, restarts)


def test_what_runs_when_a_job_fails_has_failed_with_it() -> None:
    owner = job(completions=5, parallelism=2, backoffLimit=0)
    pods = [job_pod(owner, "Failed"), job_pod(owner)]
    made = planned(owner, *pods)
    assert made.status["uncountedTerminatedPods"] == {"failed": [uid(pod) for pod in pods]}
    assert (made.status.get("active"), made.status["terminating"]) == (None, 1)
    done = finish(owner, pods, made)
    assert (done["failed"], "Failed" in reasons(done)) == (2, False), "not before the last has stopped"
    owner["status"] = done
    pods[1]["metadata"] |= {"finalizers": []}
    pods[1]["status"]["phase"] = "Failed"
    pods[0]["metadata"]["finalizers"] = []
    done = finish(owner, pods, planned(owner, *pods))
    assert (done["failed"], reasons(done)["Failed"]) == (2, "BackoffLimitExceeded")
    assert "completionTime" not in done


def test_a_policy_fails_the_job() -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3]}}
    owner = job(podFailurePolicy={"rules": [rule]}, podReplacementPolicy="Failed")
    pod = job_pod(owner, "Failed", exit_code=3)
    (target,) = planned(owner, pod).status["conditions"]
    why = f"Container app for pod default/{name(pod)} failed with exit code 3 matching FailJob rule at index 0"
    assert (target["type"], target["reason"], target["message"]) == ("FailureTarget", "PodFailurePolicy", why)


@pytest.mark.parametrize(
    ("spec", "failures", "failed", "reason"),
    [
        ({}, "0", "", None),
        ({}, "1", "0", None),
        ({"maxFailedIndexes": 0}, "1", "0", "MaxFailedIndexesExceeded"),
        ({"maxFailedIndexes": 1}, "1", "0", None),
        ({"completions": 3}, "1", "0", "FailedIndexes"),
    ],
)
def test_limits_per_index(spec: Object, failures: str, failed: str, reason: str | None) -> None:
    owner = per_index(1, **spec, status={"completedIndexes": "1,2"})
    pod = job_pod(owner, "Failed", index=0, annotations={INDEX_FAILURES: failures})
    made = planned(owner, pod)
    assert made.status["failedIndexes"] == failed
    assert reasons(made.status).get("FailureTarget") == reason


def test_a_policy_gives_up_an_index() -> None:
    rule = {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [3]}}
    owner = per_index(5, podFailurePolicy={"rules": [rule]}, podReplacementPolicy="Failed")
    made = planned(owner, job_pod(owner, "Failed", index=2, exit_code=3))
    assert (made.status["failedIndexes"], indexes(made.create)) == ("2", [0, 1, 3])


def test_an_end_once_said_stands() -> None:
    met = condition("SuccessCriteriaMet", "True", reason="SuccessPolicy", message="Matched rules at index 0")
    owner = job(backoffLimit=0, status={"conditions": [met]})
    made = planned(owner, job_pod(owner, "Failed"))
    assert reasons(made.status) == {"SuccessCriteriaMet": "SuccessPolicy"} and not made.create


# --- suspension --------------------------------------------------------------------------------------------------


def test_a_suspended_job_stops_its_pods_uncounted() -> None:
    owner = job(completions=2, parallelism=2, suspend=True)
    pods = [job_pod(owner), job_pod(owner)]
    made = planned(owner, *pods)
    assert (list(made.drop), made.status["uncountedTerminatedPods"]) == (pods, {})
    (suspended,) = made.status["conditions"]
    assert (suspended["status"], suspended["reason"], suspended["message"]) == ("True", "JobSuspended", "Job suspended")


def test_a_job_made_suspended_has_not_started() -> None:
    owner = job(suspend=True)
    del owner["status"]["startTime"]
    assert "startTime" not in planned(owner).status
    owner["spec"]["suspend"] = False
    assert planned(owner).status["startTime"] == rfc3339(NOW)


def test_a_resumed_job_starts_anew() -> None:
    suspended = condition("Suspended", "True", reason="JobSuspended")
    owner = job(activeDeadlineSeconds=10, status={"conditions": [suspended]})
    made = planned(owner)
    (resumed,) = made.status["conditions"]
    assert (resumed["status"], resumed["reason"], made.status["startTime"]) == ("False", "JobResumed", rfc3339(NOW))
    assert len(made.create) == 1, "its deadline has not passed"


def test_time_alone_is_waited_for() -> None:
    assert planned(job(activeDeadlineSeconds=100), job_pod(job())).check_after == 40
    assert planned(job()).check_after is None


# --- counting ----------------------------------------------------------------------------------------------------


def test_only_pods_of_the_job_that_carry_the_finalizer_count() -> None:
    owner = indexed(2, 2)
    pods = [
        job_pod(owner, "Succeeded", index=0, tracked=False),
        job_pod(owner, "Succeeded", index=7),
        job_pod(owner, "Failed"),
    ]
    made = planned(owner, *pods)
    assert ("succeeded" in made.status, made.status["uncountedTerminatedPods"]) == (False, {})
    assert made.release == pods[1:]


def test_a_pod_that_was_counted_as_failed_does_not_succeed_later() -> None:
    owner = job(completions=2, parallelism=1)
    late = job_pod(owner, "Succeeded")
    owner["status"]["uncountedTerminatedPods"] = {"failed": [uid(late)]}
    made = planned(owner, late)
    assert made.status["uncountedTerminatedPods"] == {"failed": [uid(late)]}
    done = finish(owner, [late], made)
    assert (done["failed"], done.get("succeeded")) == (1, None)


def test_a_noted_pod_counts_once_toward_the_limit() -> None:
    owner = job(completions=2, parallelism=1, backoffLimit=1)
    noted = job_pod(owner, "Failed")
    owner["status"]["uncountedTerminatedPods"] = {"failed": [uid(noted)]}
    made = planned(owner, noted)
    assert (reasons(made.status), made.backoff, made.release) == ({}, Backoff(), [noted])


def test_a_large_job_is_counted_in_parts() -> None:
    owner = job(completions=2000, parallelism=2000)
    pods = [job_pod(owner, "Succeeded") for _ in range(MOST + 100)]
    made = planned(owner, *pods)
    assert (len(made.status["uncountedTerminatedPods"]["succeeded"]), made.whole) == (MOST, False)
    owner["status"] = finish(owner, pods, made)
    for pod in made.release:
        pod["metadata"]["finalizers"] = []
    owner["status"] = finish(owner, pods, planned(owner, *pods))
    assert owner["status"]["succeeded"] == MOST + 100


def test_settling_counts_what_has_lost_its_finalizer() -> None:
    before = {"succeeded": 1, "uncountedTerminatedPods": {"succeeded": ["a", "b"], "failed": ["c"]}}
    assert settle(before, {"b"}) == {"succeeded": 2, "failed": 1, "uncountedTerminatedPods": {"succeeded": ["b"]}}


def test_a_job_that_is_deleted_lets_its_pods_go() -> None:
    owner = job(completions=2, parallelism=2)
    owner["metadata"]["deletionTimestamp"] = rfc3339(NOW)
    pods = [job_pod(owner)]
    made = planned(owner, *pods)
    assert (made.create, made.drop, made.stop, made.release) == ((), (), (), pods)
    assert made.status["uncountedTerminatedPods"] == {}


# --- new pods ----------------------------------------------------------------------------------------------------


def test_a_pod_knows_its_index() -> None:
    owner = indexed()
    owner["metadata"]["name"] = "w" * 63
    made = new_pod(owner, Birth(12))
    assert made["metadata"]["generateName"] == "w" * 54 + "-12-"
    assert made["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"] == "12"
    assert made["metadata"]["annotations"] == {"batch.kubernetes.io/job-completion-index": "12"}
    assert made["metadata"]["finalizers"] == [TRACKING]
    assert made["spec"]["hostname"].endswith("-12")
    (variable,) = made["spec"]["containers"][0]["env"]
    path = variable["valueFrom"]["fieldRef"]["fieldPath"]
    assert (variable["name"], path) == (
        "JOB_COMPLETION_INDEX",
        "metadata.labels['batch.kubernetes.io/job-completion-index']",
    )
    assert "env" not in owner["spec"]["template"]["spec"]["containers"][0]


def test_who_manages_a_job() -> None:
    assert not is_managed_elsewhere(job())
    assert not is_managed_elsewhere(job(managedBy="kubernetes.io/job-controller"))
    assert is_managed_elsewhere(job(managedBy="example.com/mine"))
