"""CronJob."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.api import cron
from orchestrator.api.checks import Errors, not_negative, one_of
from orchestrator.api.defaults import default_template, fill
from orchestrator.api.errors import FieldError, invalid, not_supported, required
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, age_of, created, or_none
from orchestrator.api.strategies.job import default_failure_policy, name_warnings
from orchestrator.api.strategies.job_rules import job_spec
from orchestrator.api.strategies.workload import TEMPLATE_COLUMNS, template_cells

_SPEC = {
    "concurrencyPolicy": "Allow",
    "suspend": False,
    "successfulJobsHistoryLimit": 3,
    "failedJobsHistoryLimit": 1,
}
_CONCURRENCY = ("Allow", "Forbid", "Replace")
#: A Job's name is the CronJob's and a dash and ten digits, and has 63 characters at most.
_LONGEST_NAME = 52
#: The IANA's rules for a part of a zone's name; digits and `+` are for old names.
_ZONE_PART = re.compile(r"(?!-|\.{1,2}$)[A-Za-z._0-9+-]{1,14}")
_TZ = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
_EXPLICIT_ZONE = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"


class CronJobStrategy(Strategy):
    columns = (
        NAME,
        Column("Schedule"),
        Column("Timezone"),
        Column("Suspend", "boolean"),
        Column("Active", "integer"),
        Column("Last Schedule"),
        AGE,
        *TEMPLATE_COLUMNS,
    )
    has_generation = True

    def default(self, obj: Object) -> None:
        fill(obj.setdefault("spec", {}), _SPEC)
        job = obj["spec"].setdefault("jobTemplate", {}).setdefault("spec", {})
        default_template(job.setdefault("template", {}))
        default_failure_policy(job)

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> list[FieldError]:
        limits = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
        return [
            *_schedule(spec(obj).get("schedule"), "spec.schedule"),
            *not_negative(spec(obj), "spec", *limits),
            *_time_zone(spec(obj).get("timeZone"), "spec.timeZone"),
            *one_of("spec.concurrencyPolicy", spec(obj).get("concurrencyPolicy"), _CONCURRENCY),
            *_job(_template(obj), "spec.jobTemplate.spec"),
        ]

    def validate_create(self, obj: Object) -> list[FieldError]:
        if len(name(obj)) <= _LONGEST_NAME:
            return []
        return [invalid("metadata.name", name(obj), f"must be no more than {_LONGEST_NAME} characters")]

    def warnings(self, obj: Object) -> list[str]:
        return name_warnings(obj)

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        last = status(obj).get("lastScheduleTime")
        return (
            name(obj),
            spec(obj).get("schedule") or "",
            or_none(spec(obj).get("timeZone")),
            str(bool(spec(obj).get("suspend"))),
            len(status(obj).get("active") or ()),
            age_of(last, now) if last else "<none>",
            created(obj, now),
            *template_cells(_template(obj)),
        )


def _template(obj: Object) -> Object:
    """The spec of the Jobs."""
    return (spec(obj).get("jobTemplate") or {}).get("spec") or {}


def _schedule(text: str | None, field: str) -> Errors:
    if not text:
        yield required(field)
        return
    if "TZ" in text:
        yield invalid(field, text, _TZ)
        return
    try:
        cron.parse(text)
    except ValueError as error:
        yield invalid(field, text, str(error))


def _time_zone(zone: str | None, field: str) -> Errors:
    if zone is None:
        return
    if not zone:
        yield invalid(field, zone, "timeZone must be nil or non-empty string")
    elif zone.lower() == "local":
        yield invalid(field, zone, _EXPLICIT_ZONE)
    elif not all(map(_ZONE_PART.fullmatch, zone.split("/"))) or not _is_known(zone):
        yield invalid(field, zone, f"unknown time zone {zone}")


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    # OSError: a folder of zones (`America`).
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _job(job: Object, field: str) -> Errors:
    yield from job_spec(job, field)
    if job.get("selector") is not None:
        yield invalid(f"{field}.selector", job["selector"], "`selector` will be auto-generated")
    if job.get("manualSelector"):
        yield not_supported(f"{field}.manualSelector", True, ("nil", "false"))
