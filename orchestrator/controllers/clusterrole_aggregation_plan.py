"""The rules of a ClusterRole that gathers those of others (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.api.meta import Object, labels, name
from orchestrator.api.selectors import label_selector


def gathers(role: Object) -> bool:
    return bool(role.get("aggregationRule"))


def gathered(role: Object, roles: Iterable[Object]) -> list[Object]:
    """The rules of all roles that one of the selectors chooses, each once, in the order of the roles' names."""
    selectors = [label_selector(each) for each in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()]
    rules: list[Object] = []
    for other in sorted(roles, key=name):
        if name(other) != name(role) and any(selector.matches(labels(other)) for selector in selectors):
            rules += (rule for rule in other.get("rules") or () if rule not in rules)
    return rules
