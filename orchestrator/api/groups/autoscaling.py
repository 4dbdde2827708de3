"""The group `autoscaling`: stored as v2, and shown as v1 to those who ask for it."""

from __future__ import annotations

from orchestrator.api.hpa.v1 import CONVERSION
from orchestrator.api.kinds import Conversion, Kind


def _kind(version: str, rules: str, conversion: Conversion | None = None) -> Kind:
    return Kind(
        "autoscaling",
        version,
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        short_names=("hpa",),
        categories=("all",),
        subresources=("status",),
        rules=rules,
        primary=conversion is None,
        conversion=conversion,
    )


HORIZONTAL_POD_AUTOSCALER = _kind("v2", "hpa:HorizontalPodAutoscalerStrategy")
HORIZONTAL_POD_AUTOSCALER_V1 = _kind("v1", "hpa:HorizontalPodAutoscalerV1Strategy", CONVERSION)

KINDS = (HORIZONTAL_POD_AUTOSCALER, HORIZONTAL_POD_AUTOSCALER_V1)
