"""When a Job has failed or succeeded before all its pods have: `podFailurePolicy` and `successPolicy`."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import names
from orchestrator.api.checks import NOT_NEGATIVE, Errors, indexed, obeys
from orchestrator.api.errors import duplicate, invalid, not_supported, required, too_long, too_many
from orchestrator.api.meta import Object
from orchestrator.api.strategies.job_indexes import count

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_MAX_RULES = 20
_MAX_CODES = 255
_MAX_CONDITIONS = 20
_MAX_INDEXES_TEXT = 64 * 1024
_BOTH = "specifying both OnExitCodes and OnPodConditions is not supported"
_NEITHER = "specifying one of OnExitCodes and OnPodConditions is required"
_OTHER_CONTAINER = "must be one of the container or initContainer names in the pod template"
_NO_RULES = "at least one rules must be specified when the successPolicy is specified"
_NO_CRITERION = "at least one of succeededCount or succeededIndexes must be specified"


def failure_policy(job: Object, field: str) -> Errors:
    """The rules of `podFailurePolicy`, which lies at `field`, of a Job's spec."""
    rules = job["podFailurePolicy"].get("rules") or []
    if len(rules) > _MAX_RULES:
        yield too_many(f"{field}.rules", len(rules), _MAX_RULES)
    for path, rule in indexed(f"{field}.rules", rules):
        yield from _action(rule, job, f"{path}.action")
        codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
        if codes is not None:
            yield from _exit_codes(codes, _containers(job), f"{path}.onExitCodes")
        yield from _conditions(conditions, f"{path}.onPodConditions")
        if codes is not None and conditions:
            yield invalid(path, rule, _BOTH)
        elif codes is None and not conditions:
            yield invalid(path, rule, _NEITHER)


def _action(rule: Object, job: Object, field: str) -> Errors:
    action = rule.get("action")
    yield from _choice(action, _ACTIONS, field)
    if action == "FailIndex" and job.get("backoffLimitPerIndex") is None:
        yield invalid(field, action, "requires the backoffLimitPerIndex to be set")


def _containers(job: Object) -> set[str]:
    spec = (job.get("template") or {}).get("spec") or {}
    lists = (spec.get("containers") or [], spec.get("initContainers") or [])
    return {container.get("name") or "" for each in lists for container in each}


def _exit_codes(requirement: Object, containers: set[str], field: str) -> Errors:
    operator, values = requirement.get("operator"), requirement.get("values") or []
    yield from _choice(operator, _OPERATORS, f"{field}.operator")
    container = requirement.get("containerName")
    if container is not None and container not in containers:
        yield invalid(f"{field}.containerName", container, _OTHER_CONTAINER)
    if not values:
        yield invalid(f"{field}.values", values, "at least one value is required")
    elif len(values) > _MAX_CODES:
        yield too_many(f"{field}.values", len(values), _MAX_CODES)
    yield from _codes(values, operator, f"{field}.values")


def _codes(values: Sequence[int], operator: str | None, field: str) -> Errors:
    seen: set[int] = set()
    for path, value in indexed(field, values):
        if operator == "In" and value == 0:
            yield invalid(path, value, "must not be 0 for the In operator")
        if value in seen:
            yield duplicate(path, value)
        seen.add(value)
    if list(values) != sorted(values):
        yield invalid(field, values, "must be ordered")


def _conditions(patterns: Sequence[Object], field: str) -> Errors:
    if len(patterns) > _MAX_CONDITIONS:
        yield too_many(field, len(patterns), _MAX_CONDITIONS)
    for path, pattern in indexed(field, patterns):
        yield from obeys(f"{path}.type", pattern.get("type") or "", names.qualified_name)
        yield from _choice(pattern.get("status"), _STATUSES, f"{path}.status")


def _choice(value: str | None, options: Sequence[str], field: str) -> Errors:
    """As `checks.one_of`, but what may be chosen is said also where nothing was."""
    if not value:
        shown = " ".join(f'"{option}"' for option in options)
        yield required(field, f"valid values: [{shown}]")
    elif value not in options:
        yield not_supported(field, value, options)


def success_policy(job: Object, field: str) -> Errors:
    """The rules of `successPolicy`, which lies at `field`, of an indexed Job's spec."""
    rules = job["successPolicy"].get("rules") or []
    if not rules:
        yield required(f"{field}.rules", _NO_RULES)
    if len(rules) > _MAX_RULES:
        yield too_many(f"{field}.rules", len(rules), _MAX_RULES)
    for path, rule in indexed(f"{field}.rules", rules):
        yield from _criterion(rule, job.get("completions") or 0, path)


def _criterion(rule: Object, completions: int, field: str) -> Errors:
    wanted, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    if wanted is None and indexes is None:
        yield required(field, _NO_CRITERION)
    total = 0
    if indexes is not None:
        if len(indexes) > _MAX_INDEXES_TEXT:
            yield too_long(f"{field}.succeededIndexes", _MAX_INDEXES_TEXT)
        try:
            total = count(indexes, completions)
        except ValueError as error:
            why = f"error parsing succeededIndexes: {error}"
            yield invalid(f"{field}.succeededIndexes", indexes, why)
    if wanted is None:
        return
    if wanted < 0:
        yield invalid(f"{field}.succeededCount", wanted, NOT_NEGATIVE)
    limits = [(completions, "the number of specified completions")]
    if indexes is not None:
        limits.append((total, "the number of indexes in the specified succeededIndexes field"))
    for limit, what in limits:
        if wanted > limit:
            yield invalid(f"{field}.succeededCount", wanted, f"must be less than or equal to {limit} ({what})")
