"""Whether a Job has come to its end, and why. Pure. Reasons and sentences are Kubernetes'.

An end is said first by an interim condition (SuccessCriteriaMet, FailureTarget) that stands while pods are still being
stopped and counted; the final one (Complete, Failed) takes over its reason when nothing of the Job runs any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.api.meta import Object, condition, is_deleting, spec, status
from orchestrator.api.pods import container_statuses, phase
from orchestrator.api.strategies.job_status import (
    COMPLETE,
    FAILED,
    FAILURE_TARGET,
    SUCCESS_CRITERIA_MET,
    SUSPENDED,
    has,
)
from orchestrator.api.times import parse
from orchestrator.controllers.index_set import IndexSet
from orchestrator.controllers.job_failure_policy import verdict
from orchestrator.controllers.job_pods import completions, has_failed, is_indexed, is_suspended
from orchestrator.controllers.job_tally import Tally

#: The final condition that follows an interim one.
FINAL = {SUCCESS_CRITERIA_MET: COMPLETE, FAILURE_TARGET: FAILED}


@dataclass(frozen=True, slots=True)
class End:
    """`interim` is SuccessCriteriaMet or FailureTarget."""

    interim: str
    reason: str
    message: str

    @property
    def is_success(self) -> bool:
        return self.interim == SUCCESS_CRITERIA_MET


def find_end(job: Object, seen: Tally, now: float) -> End | None:
    """What was said once stands, whatever happens afterwards."""
    return said(job) or _failure(job, seen, now) or _success(job, seen)


def said(job: Object) -> End | None:
    for interim in FINAL:
        if has(job, interim):
            current = condition(job, interim) or {}
            return End(interim, current.get("reason", ""), current.get("message", ""))
    return None


def _failure(job: Object, seen: Tally, now: float) -> End | None:
    if message := _policy_message(job, seen):
        return End(FAILURE_TARGET, "PodFailurePolicy", message)
    limit = int(spec(job).get("backoffLimit") or 0)
    if seen.failed > limit or _restarted_too_often(job, seen, limit):
        return End(FAILURE_TARGET, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    if (left := deadline_in(job, now)) is not None and left <= 0:
        return End(FAILURE_TARGET, "DeadlineExceeded", "Job was active longer than specified deadline")
    return _index_failure(job, seen)


def _policy_message(job: Object, seen: Tally) -> str:
    messages = (verdict(job, pod).message for pod in seen.pods if has_failed(pod, job))
    return next(filter(None, messages), "")


def _restarted_too_often(job: Object, seen: Tally, limit: int) -> bool:
    """Pods that are restarted in place do not fail; their restarts count instead."""
    if (spec(job).get("template") or {}).get("spec", {}).get("restartPolicy") != "OnFailure":
        return False
    pods = [pod for pod in seen.pods if phase(pod) in ("Running", "Pending")]
    restarts = sum(int(entry.get("restartCount") or 0) for pod in pods for entry in container_statuses(pod).values())
    return restarts > 0 if limit == 0 else restarts >= limit


def deadline_in(job: Object, now: float) -> float | None:
    """Seconds until `activeDeadlineSeconds` are over; None when nothing is measured, as while it is suspended, and
    until its resumption has begun a new time."""
    allowed, began = spec(job).get("activeDeadlineSeconds"), status(job).get("startTime")
    if allowed is None or not began or is_suspended(job) or has(job, SUSPENDED):
        return None
    return parse(began) + float(allowed) - now


def _index_failure(job: Object, seen: Tally) -> End | None:
    failed, most = seen.failed_indexes, spec(job).get("maxFailedIndexes")
    if not failed:
        return None
    if most is not None and len(failed) > int(most):
        message = "Job has exceeded the specified maximal number of failed indexes"
        return End(FAILURE_TARGET, "MaxFailedIndexesExceeded", message)
    if len(failed | seen.completed) >= (completions(job) or 0):
        return End(FAILURE_TARGET, "FailedIndexes", "Job has failed indexes")
    return None


def _success(job: Object, seen: Tally) -> End | None:
    met = _success_rule(job, seen) if is_indexed(job) else None
    if met is not None:
        return End(SUCCESS_CRITERIA_MET, "SuccessPolicy", f"Matched rules at index {met}")
    wanted = completions(job)
    # Nothing is stopped for a Job that is being deleted, and none is stopped where its pods end by themselves.
    waits = bool(seen.active) and (wanted is None or is_deleting(job))
    enough = seen.succeeded > 0 if wanted is None else seen.succeeded >= wanted
    if waits or not enough:
        return None
    return End(SUCCESS_CRITERIA_MET, "CompletionsReached", "Reached expected number of succeeded pods")


def _success_rule(job: Object, seen: Tally) -> int | None:
    """The first rule of `successPolicy` that is met."""
    rules = (spec(job).get("successPolicy") or {}).get("rules") or [] if seen.completed else []
    for index, rule in enumerate(rules):
        if _is_met(rule, seen.completed, completions(job) or 0):
            return index
    return None


def _is_met(rule: Object, done: IndexSet, completions: int) -> bool:
    indexes = rule.get("succeededIndexes")
    # Without indexes there is a count: one of the two must be given.
    required = IndexSet.parse(f"0-{completions - 1}" if indexes is None else indexes, completions)
    enough = rule.get("succeededCount")
    return required.shared(done) >= (len(required) if enough is None else int(enough))
