"""What a Job's spec must be, in a Job and in the template of a CronJob."""

from __future__ import annotations

from orchestrator.api import names
from orchestrator.api.checks import Errors, not_negative, obeys
from orchestrator.api.errors import invalid, not_supported, required, too_long
from orchestrator.api.meta import Object
from orchestrator.api.podspec.spec import template as pod_template
from orchestrator.api.strategies.job_policies import failure_policy, success_policy

INDEXED, NON_INDEXED = "Indexed", "NonIndexed"
_COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_MAX_INDEXES = 100_000
#: Pods at a time, and failed indexes, of a Job with more completions than _MAX_INDEXES.
_MAX_OF_MANY = 10_000
_MANY = f"when completions are above {_MAX_INDEXES} and used with backoff limit per index"
_MAX_MANAGED_BY = 63
_NEEDS_INDEXED = "requires indexed completion mode"


def job_spec(job: Object, field: str) -> Errors:
    """The rules of the spec at `field`, but those of its selector."""
    yield from not_negative(job, field, *_COUNTS)
    if job.get("maxFailedIndexes") is not None and job.get("backoffLimitPerIndex") is None:
        yield required(f"{field}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    yield from _managed_by(job.get("managedBy"), f"{field}.managedBy")
    yield from _completion_mode(job, field)
    if job.get("podFailurePolicy") is not None:
        yield from failure_policy(job, f"{field}.podFailurePolicy")
    yield from _replacement(job, f"{field}.podReplacementPolicy")
    yield from pod_template(job.get("template") or {}, f"{field}.template")
    yield from _restart_policy(job, f"{field}.template.spec.restartPolicy")


def _managed_by(manager: str | None, field: str) -> Errors:
    if manager is None:
        return
    yield from obeys(field, manager, names.domain_prefixed_path)
    if len(manager) > _MAX_MANAGED_BY:
        yield too_long(field, _MAX_MANAGED_BY)


def _completion_mode(job: Object, field: str) -> Errors:
    mode = job.get("completionMode") or NON_INDEXED
    if mode == INDEXED:
        yield from _indexed(job, field)
        if job.get("successPolicy") is not None:
            yield from success_policy(job, f"{field}.successPolicy")
        return
    if mode != NON_INDEXED:
        yield not_supported(f"{field}.completionMode", mode, (INDEXED, NON_INDEXED))
    for name in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"):
        if job.get(name) is not None:
            yield invalid(f"{field}.{name}", job[name], _NEEDS_INDEXED)


def _indexed(job: Object, field: str) -> Errors:
    completions, parallelism = job.get("completions"), job.get("parallelism") or 0
    failed = job.get("maxFailedIndexes")
    if completions is None:
        yield required(f"{field}.completions", f"when completion mode is {INDEXED}")
        return
    if parallelism > _MAX_INDEXES:
        why = f"must be less than or equal to {_MAX_INDEXES} when completion mode is {INDEXED}"
        yield invalid(f"{field}.parallelism", parallelism, why)
    if failed is not None and failed > completions:
        yield invalid(f"{field}.maxFailedIndexes", failed, "must be less than or equal to completions")
    if failed is not None and failed > _MAX_INDEXES:
        yield invalid(f"{field}.maxFailedIndexes", failed, f"must be less than or equal to {_MAX_INDEXES}")
    if completions > _MAX_INDEXES and job.get("backoffLimitPerIndex") is not None:
        yield from _many_indexes(parallelism, failed, field)


def _many_indexes(parallelism: int, failed: int | None, field: str) -> Errors:
    if failed is None:
        yield required(f"{field}.maxFailedIndexes", f"must be specified when completions is above {_MAX_INDEXES}")
    for name, value in (("parallelism", parallelism), ("maxFailedIndexes", failed or 0)):
        if value > _MAX_OF_MANY:
            yield invalid(f"{field}.{name}", value, f"must be less than or equal to {_MAX_OF_MANY} {_MANY}")


def _replacement(job: Object, field: str) -> Errors:
    """With a failure policy a pod must have failed before it is replaced: the policy looks at how it ended."""
    policy = job.get("podReplacementPolicy")
    options = ("Failed",) if job.get("podFailurePolicy") is not None else ("Failed", "TerminatingOrFailed")
    if policy is not None and policy not in options:
        yield not_supported(field, policy, options)


def _restart_policy(job: Object, field: str) -> Errors:
    """Pods of a Job come to an end. What is neither of the policies the template's own rules refuse."""
    policy = ((job.get("template") or {}).get("spec") or {}).get("restartPolicy")
    if policy == "Always":
        yield required(field, 'valid values: "OnFailure", "Never"')
    elif policy == "OnFailure" and job.get("podFailurePolicy") is not None:
        yield invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')
