"""What a CronJob does next: a Job to start, to replace or to clear away. Pure. Sentences are Kubernetes'."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.api import cron
from orchestrator.api.cron import Schedule
from orchestrator.api.groups.batch import JOB
from orchestrator.api.meta import (
    Object,
    is_deleting,
    name,
    namespace,
    object_reference,
    owner_reference,
    spec,
    status,
    uid,
)
from orchestrator.api.strategies.job_status import COMPLETE, FAILED, finished, has
from orchestrator.api.times import parse, rfc3339
from orchestrator.controllers.cronjob_times import latest, missed, upcoming

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
#: More missed times than this are a sign that a clock or a setting is wrong.
_MANY_MISSED = 100
_TOO_MANY = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
_NEVER = "time difference between two schedules is less than 1 second"
_FORBIDDEN = "Not starting job because prior execution is running and concurrency policy is Forbid"
#: A little later than the schedule says, so that its time has come for sure.
_SLACK = 0.1


@dataclass(frozen=True, slots=True)
class Event:
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(slots=True)
class Plan:
    """`forget` are finished Jobs beyond the limits of the history, `replace` running ones that make way for `start`,
    which is for the time `at`. `status` is without `start`. `check_after` are seconds."""

    status: Object
    forget: list[Object] = field(default_factory=list)
    replace: list[Object] = field(default_factory=list)
    start: Object | None = None
    at: float = 0.0
    events: list[Event] = field(default_factory=list)
    check_after: float | None = None


def plan(cron_job: Object, jobs: Sequence[Object], now: float) -> Plan:
    """`jobs` are all that it controls, and all that its status calls active and that there are."""
    made = Plan(deepcopy(status(cron_job)))
    _follow(cron_job, jobs, made)
    made.forget = _beyond_history(cron_job, jobs)
    if not is_deleting(cron_job) and not spec(cron_job).get("suspend"):
        _schedule(cron_job, jobs, now, made)
    return made


def active(cron_job: Object) -> list[Object]:
    return status(cron_job).get("active") or []


def unexpected(cron_job: Object, jobs: Iterable[Object]) -> list[Object]:
    """Jobs that run and that the status does not know."""
    known = {reference.get("uid") for reference in active(cron_job)}
    return [job for job in jobs if uid(job) not in known and not finished(job)]


def _follow(cron_job: Object, jobs: Sequence[Object], made: Plan) -> None:
    """Bring the status in step with what the Jobs have become."""
    there = {uid(job): job for job in jobs}
    still: list[Object] = []
    for reference in active(cron_job):
        job = there.get(str(reference.get("uid")))
        if job is None:
            made.events.append(Event("Normal", "MissingJob", f"Active job went missing: {reference.get('name')}"))
        elif finished(job):
            ended = COMPLETE if has(job, COMPLETE) else FAILED
            message = f"Saw completed job: {name(job)}, condition: {ended}"
            made.events.append(Event("Normal", "SawCompletedJob", message))
        else:
            still.append(reference)
    _put_active(made.status, still)
    for job in unexpected(cron_job, jobs):
        message = f"Saw a job that the controller did not create or forgot: {name(job)}"
        made.events.append(Event("Warning", "UnexpectedJob", message))
    successes = [status(job)["completionTime"] for job in jobs if has(job, COMPLETE)]
    if successes:
        made.status["lastSuccessfulTime"] = max([*successes, made.status.get("lastSuccessfulTime") or ""])


def _put_active(fresh: Object, references: list[Object]) -> None:
    fresh.pop("active", None)
    if references:
        fresh["active"] = references


def _beyond_history(cron_job: Object, jobs: Sequence[Object]) -> list[Object]:
    """The oldest first."""
    beyond: list[Object] = []
    for field_, ended in (("failedJobsHistoryLimit", FAILED), ("successfulJobsHistoryLimit", COMPLETE)):
        limit = spec(cron_job).get(field_)
        if limit is not None:
            done = sorted((job for job in jobs if has(job, ended) and not is_deleting(job)), key=_age)
            beyond += done[: max(0, len(done) - int(limit))]
    return beyond


def _age(job: Object) -> tuple[str, str]:
    return str(status(job).get("startTime") or job["metadata"].get("creationTimestamp") or ""), name(job)


def _schedule(cron_job: Object, jobs: Sequence[Object], now: float, made: Plan) -> None:
    text = str(spec(cron_job).get("schedule") or "")
    try:
        zone, schedule = _zone(cron_job), cron.parse(text)
    except (ZoneInfoNotFoundError, OSError) as error:
        message = f'invalid timeZone: "{spec(cron_job).get("timeZone")}": {error}'
        made.events.append(Event("Warning", "UnknownTimeZone", message))
        return
    except ValueError as error:
        made.events.append(Event("Warning", "UnparseableSchedule", f'unparseable schedule: "{text}" : {error}'))
        return
    since = _since(cron_job)
    due = upcoming(schedule, since, now, zone)
    if due is None:
        made.events.append(Event("Warning", "InvalidSchedule", f"invalid schedule: {text} : {_NEVER}"))
        return
    made.check_after = due - now + _SLACK
    at = _due(cron_job, schedule, now, zone, made)
    if at is not None:
        _start(cron_job, jobs, at, zone, made)


def _zone(cron_job: Object) -> tzinfo | None:
    given = spec(cron_job).get("timeZone")
    return ZoneInfo(given) if given else None


def _since(cron_job: Object) -> float:
    """What came after this time was not started yet."""
    return parse(status(cron_job).get("lastScheduleTime") or cron_job["metadata"]["creationTimestamp"])


def _due(cron_job: Object, schedule: Schedule, now: float, zone: tzinfo | None, made: Plan) -> float | None:
    """The time to start a Job for: of several that were missed only the last, and none older than
    `startingDeadlineSeconds`."""
    since = _since(cron_job)
    at = latest(schedule, since, now, zone)
    deadline = spec(cron_job).get("startingDeadlineSeconds")
    earliest = since if deadline is None else max(since, now - float(deadline))
    if at is None or at <= earliest:
        return None
    if missed(schedule, earliest, now, zone, _MANY_MISSED + 1) > _MANY_MISSED:
        made.events.append(Event("Warning", "TooManyMissedTimes", _TOO_MANY))
    return at


def _start(cron_job: Object, jobs: Sequence[Object], at: float, zone: tzinfo | None, made: Plan) -> None:
    running = {str(reference.get("uid")) for reference in made.status.get("active") or []}
    policy = spec(cron_job).get("concurrencyPolicy")
    if policy == "Forbid" and running:
        made.events.append(Event("Normal", "JobAlreadyActive", _FORBIDDEN))
        return
    if policy == "Replace":
        made.replace = [job for job in jobs if uid(job) in running]
        _put_active(made.status, [])
    made.start, made.at = _new_job(cron_job, at, zone), at


def _new_job(cron_job: Object, at: float, zone: tzinfo | None) -> Object:
    """Named by its time, so that it is made once whatever happens."""
    template = deepcopy(spec(cron_job).get("jobTemplate") or {})
    given = template.get("metadata") or {}
    moment = datetime.fromtimestamp(at, zone)
    stamp = (moment if zone else moment.astimezone()).isoformat().replace("+00:00", "Z")
    meta = {
        "name": f"{name(cron_job)}-{int(at) // 60}",
        "namespace": namespace(cron_job),
        "labels": given.get("labels") or {},
        "annotations": {**(given.get("annotations") or {}), SCHEDULED_AT: stamp},
        "ownerReferences": [owner_reference(cron_job)],
    }
    return {"apiVersion": JOB.api_version, "kind": JOB.kind, "metadata": meta, "spec": template.get("spec") or {}}


def started(fresh: Object, job: Object, at: float) -> Object:
    """The status once `job` runs for the time `at`."""
    kept = [reference for reference in fresh.get("active") or [] if reference.get("uid") != uid(job)]
    # One that was made before a crash may have ended meanwhile.
    running = [] if finished(job) else [object_reference(job)]
    result = {**fresh, "lastScheduleTime": rfc3339(at)}
    _put_active(result, [*kept, *running])
    return result
