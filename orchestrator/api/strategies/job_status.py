"""The rules of a Job's status: a Job ends once, in one way, and its counts agree with that."""

from __future__ import annotations

from orchestrator.api.checks import Errors, indexed, not_negative, unique
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.meta import Object, condition, spec, status
from orchestrator.api.strategies import job_indexes
from orchestrator.api.strategies.job_rules import INDEXED
from orchestrator.api.times import parse

COMPLETE, FAILED, SUSPENDED = "Complete", "Failed", "Suspended"
FAILURE_TARGET, SUCCESS_CRITERIA_MET = "FailureTarget", "SuccessCriteriaMet"
_COUNTS = ("active", "succeeded", "failed", "ready", "terminating")
#: Conditions that rule each other out, and those that must come before another.
_EXCLUDE = (
    (COMPLETE, FAILED),
    (COMPLETE, FAILURE_TARGET),
    (SUCCESS_CRITERIA_MET, FAILED),
    (SUCCESS_CRITERIA_MET, FAILURE_TARGET),
)
_AFTER = ((FAILED, FAILURE_TARGET), (COMPLETE, SUCCESS_CRITERIA_MET))
_FINAL = (FAILED, COMPLETE, FAILURE_TARGET, SUCCESS_CRITERIA_MET)


def has(job: Object, kind: str) -> bool:
    """The condition is there, and true."""
    return (condition(job, kind) or {}).get("status") == "True"


def finished(job: Object) -> bool:
    return has(job, COMPLETE) or has(job, FAILED)


def job_status(job: Object) -> Errors:
    """The rules of the status as it is."""
    yield from not_negative(status(job), "status", *_COUNTS)
    yield from _uncounted(status(job).get("uncountedTerminatedPods") or {})
    yield from _conditions(job)
    yield from _times(job)
    if finished(job):
        yield from _finished(status(job))
    ready, active = status(job).get("ready") or 0, status(job).get("active") or 0
    if ready > active:
        yield invalid("status.ready", ready, "cannot set more ready pods than active")
    yield from _indexes(job)


def status_changes(new: Object, old: Object) -> Errors:
    """The rules that the change of the status breaks."""
    for kind in _FINAL:
        if has(old, kind) and not has(new, kind):
            yield _conflict(new, f"cannot disable the terminal {kind}=True condition")
    for count in ("failed", "succeeded"):
        if (status(new).get(count) or 0) < (status(old).get(count) or 0) and not _lost_indexes(count, new, old):
            yield invalid(f"status.{count}", status(new).get(count) or 0, f"cannot decrease the {count} counter")
    ended = status(old).get("completionTime"), status(new).get("completionTime")
    if all(ended) and ended[0] != ended[1]:
        yield invalid("status.completionTime", ended[1], "completionTime cannot be mutated")
    began, begins = status(old).get("startTime"), status(new).get("startTime")
    resumed = has(old, SUSPENDED) and not has(new, SUSPENDED)
    if began and began != begins and not spec(new).get("suspend") and not (resumed and begins):
        yield required("status.startTime", "startTime cannot be removed for unsuspended job")


def _lost_indexes(count: str, new: Object, old: Object) -> bool:
    """An indexed Job that was made smaller no longer counts the indexes that it has no more."""
    changed = status(new).get("completedIndexes") != status(old).get("completedIndexes")
    return count == "succeeded" and spec(new).get("completionMode") == INDEXED and changed


def _conflict(job: Object, why: str) -> FieldError:
    return invalid("status.conditions", status(job).get("conditions") or [], why)


def _uncounted(pods: Object) -> Errors:
    """uids, each once in both lists together."""
    path = "status.uncountedTerminatedPods"
    fields = [pair for which in ("succeeded", "failed") for pair in indexed(f"{path}.{which}", pods.get(which))]
    yield from (invalid(field, uid, "must not be empty") for field, uid in fields if not uid)
    yield from unique(fields)


def _conditions(job: Object) -> Errors:
    for one, other in _EXCLUDE:
        if has(job, one) and has(job, other):
            yield _conflict(job, f"cannot set {one}=True and {other}=true conditions")
    for later, first in _AFTER:
        if has(job, later) and not has(job, first):
            yield _conflict(job, f"cannot set {later}=True condition without the {first}=true condition")


def _times(job: Object) -> Errors:
    field, ended = "status.completionTime", status(job).get("completionTime")
    began = status(job).get("startTime")
    if ended and not has(job, COMPLETE):
        yield invalid(field, ended, "cannot set completionTime when there is no Complete=True condition")
    if not ended and has(job, COMPLETE):
        yield required(field, "completionTime is required for Complete jobs")
    if began and ended and parse(ended) < parse(began):
        yield invalid(field, ended, "completionTime cannot be set before startTime")


def _finished(status: Object) -> Errors:
    """Nothing of a finished Job is left to run or to count."""
    if not status.get("startTime"):
        yield required("status.startTime", "startTime is required for finished job")
    for count in ("active", "terminating"):
        if (status.get(count) or 0) > 0:
            yield invalid(f"status.{count}", status[count], f"{count}>0 is invalid for finished job")
    uncounted = status.get("uncountedTerminatedPods") or {}
    if any(uncounted.values()):
        why = "uncountedTerminatedPods needs to be empty for finished job"
        yield invalid("status.uncountedTerminatedPods", uncounted, why)


def _indexes(job: Object) -> Errors:
    completed, failed = status(job).get("completedIndexes") or "", status(job).get("failedIndexes")
    if completed and spec(job).get("completionMode") != INDEXED:
        why = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield invalid("status.completedIndexes", completed, why)
    if failed is not None and spec(job).get("backoffLimitPerIndex") is None:
        why = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield invalid("status.failedIndexes", failed, why)
    completions = spec(job).get("completions")
    if completions is None:
        return
    errors = [
        *_interval_list("completedIndexes", completed, completions),
        *_interval_list("failedIndexes", failed or "", completions),
    ]
    yield from errors
    if not errors and (common := job_indexes.overlap(completed, failed or "", completions)) is not None:
        why = f"failedIndexes and completedIndexes overlap at index: {common}"
        yield invalid("status.failedIndexes", failed, why)


def _interval_list(name: str, text: str, completions: int) -> Errors:
    try:
        job_indexes.count(text, completions)
    except ValueError as error:
        yield invalid(f"status.{name}", text, f"error parsing {name}: {error}")
