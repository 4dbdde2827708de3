"""DaemonSet."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import meta
from orchestrator.api.checks import Errors, one_of
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.meta import Object, metadata, name, spec, status
from orchestrator.api.selectors import selector_text
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, created, or_none
from orchestrator.api.strategies.shares import is_zero, no_more_than_all, share
from orchestrator.api.strategies.status_rules import counts
from orchestrator.api.strategies.workload import TEMPLATE_COLUMNS, WorkloadStrategy, template_cells

_ROLLING_UPDATE = {"maxUnavailable": 1, "maxSurge": 0}
_STRATEGIES = ("RollingUpdate", "OnDelete")
#: Counts the templates that the set has had. Deprecated, but old tools look for it, and only the server writes it.
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
#: Counts of the status, in the order of the table's columns, and those that it does not show.
_SHOWN = (
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "numberReady",
    "updatedNumberScheduled",
    "numberAvailable",
)
_COUNTS = (*_SHOWN, "numberMisscheduled", "numberUnavailable")


class DaemonSetStrategy(WorkloadStrategy):
    columns = (
        NAME,
        Column("Desired", "integer"),
        Column("Current", "integer"),
        Column("Ready", "integer"),
        Column("Up-to-date", "integer"),
        Column("Available", "integer"),
        Column("Node Selector"),
        AGE,
        *TEMPLATE_COLUMNS,
    )
    counts = ("minReadySeconds", "revisionHistoryLimit")
    noun = "daemonset"
    template_noun = "DaemonSet"

    def default(self, obj: Object) -> None:
        super().default(obj)
        fill(obj["spec"], {"revisionHistoryLimit": 10})
        strategy = obj["spec"].setdefault("updateStrategy", {})
        fill(strategy, {"type": "RollingUpdate"})
        if strategy["type"] == "RollingUpdate":
            fill(strategy.setdefault("rollingUpdate", {}), _ROLLING_UPDATE)

    def prepare_create(self, obj: Object, now: float) -> None:
        metadata(obj)["annotations"] = {**meta.annotations(obj), TEMPLATE_GENERATION: "1"}
        obj["status"] = dict.fromkeys(
            ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"), 0
        )

    def prepare_update(self, new: Object, old: Object) -> None:
        generation = meta.annotations(old).get(TEMPLATE_GENERATION, "1")
        if spec(new).get("template") != spec(old).get("template"):
            generation = str(int(generation) + 1)
        metadata(new)["annotations"] = {**meta.annotations(new), TEMPLATE_GENERATION: generation}

    def validate(self, obj: Object) -> list[FieldError]:
        strategy = spec(obj).get("updateStrategy") or {}
        return [*super().validate(obj), *_strategy(strategy, "spec.updateStrategy")]

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(counts(status(new), status(old), *_COUNTS))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        pod = (spec(obj).get("template") or {}).get("spec") or {}
        return (
            name(obj),
            *(status(obj).get(count) or 0 for count in _SHOWN),
            or_none(selector_text({"matchLabels": pod.get("nodeSelector")})),
            created(obj, now),
            *template_cells(spec(obj)),
        )


def _strategy(strategy: Object, field: str) -> Errors:
    yield from one_of(f"{field}.type", strategy.get("type"), _STRATEGIES)
    if strategy.get("type") == "RollingUpdate":
        rolling = strategy.get("rollingUpdate")
        if rolling is None:
            yield required(f"{field}.rollingUpdate")
        else:
            yield from _rolling_update(rolling, f"{field}.rollingUpdate")


def _rolling_update(rolling: Object, field: str) -> Errors:
    """Either more pods than nodes for a while, or fewer: not both, and not neither."""
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    for value, path in ((unavailable, f"{field}.maxUnavailable"), (surge, f"{field}.maxSurge")):
        yield from share(value, path)
        yield from no_more_than_all(value, path)
    if is_zero(unavailable) and is_zero(surge):
        yield required(f"{field}.maxUnavailable", "cannot be 0 when maxSurge is 0")
    elif not is_zero(unavailable) and not is_zero(surge):
        yield invalid(f"{field}.maxSurge", surge, "may not be set when maxUnavailable is non-zero")
