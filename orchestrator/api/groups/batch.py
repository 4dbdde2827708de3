"""The group `batch`: workloads that come to an end."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

JOB = Kind("batch", "v1", "Job", "jobs", categories=("all",), subresources=("status",), rules="job:JobStrategy")
CRON_JOB = Kind(
    "batch",
    "v1",
    "CronJob",
    "cronjobs",
    short_names=("cj",),
    categories=("all",),
    subresources=("status",),
    rules="cronjob:CronJobStrategy",
)

KINDS = (
    JOB,
    CRON_JOB,
)
