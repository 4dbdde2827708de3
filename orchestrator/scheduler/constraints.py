"""Topology spread constraints, ready to be matched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.api.meta import Object
from orchestrator.api.selectors import LabelSelector, label_selector
from orchestrator.scheduler.affinity import with_label_keys


@dataclass(frozen=True, slots=True)
class SpreadConstraint:
    """`hard` is DoNotSchedule. Nodes that the pod's node affinity, or its tolerations, rule out are not counted where
    `honor_affinity`, or `honor_taints`, is set."""

    topology_key: str
    max_skew: int
    hard: bool
    selector: LabelSelector
    min_domains: int = 1
    honor_affinity: bool = True
    honor_taints: bool = False


def spread_constraints(constraints: Iterable[Object], labels: Mapping[str, str]) -> tuple[SpreadConstraint, ...]:
    """Of a pod with `labels`. Raises BadRequest when a selector is malformed."""
    return tuple(
        SpreadConstraint(
            topology_key=str(entry.get("topologyKey") or ""),
            max_skew=int(entry.get("maxSkew") or 1),
            hard=entry.get("whenUnsatisfiable") != "ScheduleAnyway",
            selector=with_label_keys(
                label_selector(entry.get("labelSelector")), labels, entry.get("matchLabelKeys") or ()
            ),
            min_domains=int(entry.get("minDomains") or 1),
            honor_affinity=entry.get("nodeAffinityPolicy") != "Ignore",
            honor_taints=entry.get("nodeTaintsPolicy") == "Honor",
        )
        for entry in constraints
    )
