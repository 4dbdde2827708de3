"""HorizontalPodAutoscaler."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.errors import FieldError
from orchestrator.api.hpa.defaults import MIN_REPLICAS, fill_spec
from orchestrator.api.hpa.rules import spec_problems
from orchestrator.api.hpa.targets import targets
from orchestrator.api.hpa.v1 import CONVERSION
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created
from orchestrator.api.strategies.converted import ConvertedStrategy


class HorizontalPodAutoscalerStrategy(Strategy):
    columns = (
        NAME,
        Column("Reference"),
        Column("Targets"),
        Column("MinPods"),
        Column("MaxPods"),
        Column("Replicas"),
        AGE,
    )

    def default(self, obj: Object) -> None:
        fill_spec(obj.setdefault("spec", {}))

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"currentReplicas": 0, "desiredReplicas": 0}
        # What an older version had in annotations could not be filled in before.
        self.default(obj)

    def prepare_update(self, new: Object, old: Object) -> None:
        self.default(new)

    def validate(self, obj: Object) -> list[FieldError]:
        return list(spec_problems(spec(obj)))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        reference = spec(obj).get("scaleTargetRef") or {}
        least = spec(obj).get("minReplicas")
        return (
            name(obj),
            f"{reference.get('kind')}/{reference.get('name')}",
            targets(spec(obj).get("metrics") or [], status(obj).get("currentMetrics") or []),
            "<unset>" if least is None else str(least),
            spec(obj).get("maxReplicas") or 0,
            status(obj).get("currentReplicas") or 0,
            created(obj, now),
        )


class HorizontalPodAutoscalerV1Strategy(ConvertedStrategy):
    """Which metric is aimed at where none is named is decided when it is converted."""

    def __init__(self) -> None:
        super().__init__(HorizontalPodAutoscalerStrategy(), CONVERSION)

    def default(self, obj: Object) -> None:
        autoscaler = obj.setdefault("spec", {})
        if autoscaler.get("minReplicas") is None:
            autoscaler["minReplicas"] = MIN_REPLICAS
