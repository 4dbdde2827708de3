"""Rules of a HorizontalPodAutoscaler's `behavior`: how fast it may scale."""

from __future__ import annotations

from orchestrator.api import quantity
from orchestrator.api.checks import Errors, indexed, one_of
from orchestrator.api.errors import invalid, not_supported, required
from orchestrator.api.meta import Object

_SELECT = ("Disabled", "Max", "Min")
_POLICIES = ("Percent", "Pods")
#: Seconds at most.
_LONGEST_WINDOW, _LONGEST_PERIOD = 3600, 1800


def behavior(behavior: Object, field: str) -> Errors:
    for direction in ("scaleUp", "scaleDown"):
        if (rules := behavior.get(direction)) is not None:
            yield from _rules(rules, f"{field}.{direction}")


def _rules(rules: Object, field: str) -> Errors:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        yield invalid(f"{field}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window is not None and window > _LONGEST_WINDOW:
        why = f"must be less than or equal to {_LONGEST_WINDOW}"
        yield invalid(f"{field}.stabilizationWindowSeconds", window, why)
    if (select := rules.get("selectPolicy")) is not None and select not in _SELECT:
        yield not_supported(f"{field}.selectPolicy", select, _SELECT)
    if (tolerance := rules.get("tolerance")) is not None and quantity.parse(tolerance) < 0:
        yield invalid(f"{field}.tolerance", tolerance, "must be greater than or equal to 0")
    if not rules.get("policies") and tolerance is None:
        yield required(f"{field}.policies", "must specify at least one Policy")
    for path, policy in indexed(f"{field}.policies", rules.get("policies")):
        yield from _policy(policy, path)


def _policy(policy: Object, field: str) -> Errors:
    yield from one_of(f"{field}.type", policy.get("type"), _POLICIES)
    for part in ("value", "periodSeconds"):
        if (policy.get(part) or 0) <= 0:
            yield invalid(f"{field}.{part}", policy.get(part) or 0, "must be greater than zero")
    if (policy.get("periodSeconds") or 0) > _LONGEST_PERIOD:
        why = f"must be less than or equal to {_LONGEST_PERIOD}"
        yield invalid(f"{field}.periodSeconds", policy["periodSeconds"], why)
