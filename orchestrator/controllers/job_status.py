"""A Job's status. Pure. Reasons and sentences are Kubernetes'."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy

from orchestrator.api.meta import Object, find_condition, is_deleting, status
from orchestrator.api.pods import is_ready
from orchestrator.api.strategies.job_status import COMPLETE, SUSPENDED, has
from orchestrator.api.times import rfc3339
from orchestrator.controllers.job_count import Count, settle
from orchestrator.controllers.job_end import FINAL, End, said
from orchestrator.controllers.job_pods import completions, is_indexed, is_suspended
from orchestrator.controllers.job_steps import Steps
from orchestrator.controllers.job_tally import Tally


def status_of(job: Object, seen: Tally, end: End | None, steps: Steps, count: Count, now: float) -> Object:
    """The whole status as it should be before finalizers are taken off: it notes what is to be counted, and says an
    end at hand."""
    fresh = deepcopy(status(job)) | {"uncountedTerminatedPods": count.noted}
    stopped = {id(pod) for pod in (*steps.stop, *steps.drop)}
    active = [pod for pod in seen.active if id(pod) not in stopped]
    _put(fresh, "active", len(active))
    fresh["ready"] = sum(is_ready(pod) for pod in active)
    fresh["terminating"] = len(seen.terminating) + len(stopped)
    if is_indexed(job):
        _put(fresh, "succeeded", len(seen.completed))
        _put(fresh, "completedIndexes", str(seen.completed))
    if seen.failed_indexes is not None:
        fresh["failedIndexes"] = str(seen.failed_indexes)
    if end is None:
        _note_suspension(job, fresh, now)
    elif said(job) is None:
        _add(fresh, end.interim, end.reason, end.message, now)
    if not fresh.get("startTime") and (end is not None or not is_suspended(job)):
        fresh["startTime"] = rfc3339(now)
    return fresh


def _put(fresh: Object, field: str, value: int | str) -> None:
    """Leave out what is 0 or empty, as Kubernetes does."""
    if value:
        fresh[field] = value
    else:
        fresh.pop(field, None)


def _note_suspension(job: Object, fresh: Object, now: float) -> None:
    current = find_condition(fresh.get("conditions") or [], SUSPENDED)
    was_suspended = current is not None and current["status"] == "True"
    if is_deleting(job) or is_suspended(job) == was_suspended:
        return
    conditions = [entry for entry in fresh.get("conditions") or [] if entry["type"] != SUSPENDED]
    state, reason, message = ("False", "JobResumed", "Job resumed")
    if is_suspended(job):
        state, reason, message = ("True", "JobSuspended", "Job suspended")
    else:
        # `activeDeadlineSeconds` are about the time that it runs without a break.
        fresh["startTime"] = rfc3339(now)
    fresh["conditions"] = [*conditions, _condition(SUSPENDED, state, reason, message, now)]


def _condition(kind: str, state: str, reason: str, message: str, now: float) -> Object:
    moment = rfc3339(now)
    made = {"type": kind, "status": state, "lastProbeTime": moment, "lastTransitionTime": moment}
    return made | {field: text for field, text in (("reason", reason), ("message", message)) if text}


def _add(fresh: Object, kind: str, reason: str, message: str, now: float) -> None:
    fresh["conditions"] = [*(fresh.get("conditions") or []), _condition(kind, "True", reason, message, now)]


def settled(job: Object, tracked: Collection[str], now: float, *, whole: bool) -> Object:
    """The status of `job` after finalizers were taken off: what has lost its own is counted, and a Job of which nothing
    is left has ended.

    `tracked` are the uids of the pods that still have theirs; `whole` says that no other pod waits to be noted.
    """
    fresh = settle(status(job), tracked)
    end = said(job)
    if end is None or not whole or not _is_over(fresh):
        return fresh
    final = FINAL[end.interim]
    _add(fresh, final, end.reason, end.message, now)
    if final == COMPLETE:
        # Never before the start, though a clock was set back.
        fresh["completionTime"] = max(rfc3339(now), str(fresh["startTime"]))
    return fresh


def _is_over(fresh: Object) -> bool:
    return not (fresh["uncountedTerminatedPods"] or fresh.get("active") or fresh.get("terminating"))


def end_event(job: Object) -> tuple[str, str, str]:
    """(type, reason, message) of what a finished Job tells."""
    if has(job, COMPLETE):
        return "Normal", "Completed", "Job completed"
    end = said(job)
    return "Warning", end.reason if end else "", end.message if end else ""


def has_too_many(job: Object) -> bool:
    """More pods succeeded than were asked for."""
    wanted = completions(job)
    return has(job, COMPLETE) and wanted is not None and int(status(job).get("succeeded") or 0) > wanted
