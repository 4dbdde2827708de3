"""The group `batch`: workloads that come to an end."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.cronjob import CronJobStrategy
from orchestrator.api.strategies.job import JobStrategy

JOB = Kind("batch", "v1", "Job", "jobs", categories=("all",), subresources=("status",), strategy=JobStrategy())
CRON_JOB = Kind(
    "batch",
    "v1",
    "CronJob",
    "cronjobs",
    short_names=("cj",),
    categories=("all",),
    subresources=("status",),
    strategy=CronJobStrategy(),
)

KINDS = (
    JOB,
    CRON_JOB,
)
