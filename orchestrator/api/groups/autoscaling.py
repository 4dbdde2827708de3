"""The group `autoscaling`: stored as v2, and shown as v1 to those who ask for it."""

from __future__ import annotations

from orchestrator.api.hpa.v1 import to_v1, to_v2
from orchestrator.api.kinds import Conversion, Kind
from orchestrator.api.strategies.base import Strategy
from orchestrator.api.strategies.hpa import HorizontalPodAutoscalerStrategy, HorizontalPodAutoscalerV1Strategy


def _kind(version: str, strategy: Strategy, conversion: Conversion | None = None) -> Kind:
    return Kind(
        "autoscaling",
        version,
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        short_names=("hpa",),
        categories=("all",),
        subresources=("status",),
        strategy=strategy,
        primary=conversion is None,
        conversion=conversion,
    )


HORIZONTAL_POD_AUTOSCALER = _kind("v2", HorizontalPodAutoscalerStrategy())
_CONVERSION = Conversion("autoscaling", show=to_v1, store=to_v2)
HORIZONTAL_POD_AUTOSCALER_V1 = _kind(
    "v1",
    HorizontalPodAutoscalerV1Strategy(HORIZONTAL_POD_AUTOSCALER.strategy, _CONVERSION),
    _CONVERSION,
)

KINDS = (HORIZONTAL_POD_AUTOSCALER, HORIZONTAL_POD_AUTOSCALER_V1)
