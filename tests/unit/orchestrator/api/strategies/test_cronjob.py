from __future__ import annotations

import copy
from typing import Any

import pytest

from orchestrator.api.groups.batch import CRON_JOB
from orchestrator.api.meta import Object, spec
from tests.unit.orchestrator.api.strategies.rows import defaulted, problems, sentences

POD = {"restartPolicy": "OnFailure", "containers": [{"name": "date", "image": "busybox"}]}


def cron_job(job: Object | None = None, **fields: Any) -> Object:
    template = {"spec": {"template": {"spec": POD}, **(job or {})}}
    return copy.deepcopy(
        {"metadata": {"name": "date"}, "spec": {"schedule": "@hourly", "jobTemplate": template, **fields}}
    )


def test_defaults() -> None:
    found = spec(defaulted(CRON_JOB, cron_job()))
    assert {name: found[name] for name in found if name not in ("jobTemplate", "schedule")} == {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }
    job = found["jobTemplate"]["spec"]
    assert job["template"]["spec"]["terminationGracePeriodSeconds"] == 30
    assert "completions" not in job, "what a Job's own defaults fill in, the Job gets"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"schedule": "*/5 8-18 * * mon-fri"},
        {"schedule": "0 0 31 2 *"},
        {"timeZone": "Europe/Zurich"},
        {"timeZone": "Etc/GMT+5"},
        {"successfulJobsHistoryLimit": 0, "failedJobsHistoryLimit": 0, "startingDeadlineSeconds": 0},
        {"concurrencyPolicy": "Replace"},
    ],
)
def test_right(fields: Object) -> None:
    assert problems(CRON_JOB, cron_job(**fields)) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"schedule": ""}, "spec.schedule: Required value"),
        (
            {"schedule": "* * * *"},
            'spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]',
        ),
        (
            {"schedule": "CRON_TZ=UTC 0 * * * *"},
            "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
        ),
        ({"timeZone": ""}, 'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'),
        ({"timeZone": "local"}, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"),
        ({"timeZone": "Mars/Base"}, 'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'),
        ({"timeZone": "../etc/passwd"}, "unknown time zone ../etc/passwd"),
        ({"timeZone": "America"}, "unknown time zone America"),
        ({"timeZone": "/UTC"}, "unknown time zone /UTC"),
        ({"concurrencyPolicy": "x"}, 'spec.concurrencyPolicy: Unsupported value: "x": supported values: "Allow", "F'),
        ({"failedJobsHistoryLimit": -1}, "spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or"),
        ({"job": {"backoffLimit": -1}}, "spec.jobTemplate.spec.backoffLimit: Invalid value: -1"),
        ({"job": {"selector": {}}}, "spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-gen"),
        (
            {"job": {"manualSelector": True}},
            'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
        ),
        (
            {"job": {"template": {"spec": {**POD, "restartPolicy": "Always"}}}},
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values:",
        ),
    ],
)
def test_wrong(fields: Object, expected: str) -> None:
    found = problems(CRON_JOB, cron_job(**fields))
    assert len(found) == 1, found
    assert expected in found[0]


def test_a_name_leaves_room_for_the_jobs() -> None:
    long = {**cron_job(), "metadata": {"name": "x" * 53}}
    assert sentences(CRON_JOB.strategy.validate_create(long)) == [
        f'metadata.name: Invalid value: "{"x" * 53}": must be no more than 52 characters'
    ]
    assert CRON_JOB.strategy.validate_create(cron_job()) == []
