"""The types of `metrics.k8s.io/v1beta1`, which are not among Kubernetes' own, as the other definitions are written."""

from __future__ import annotations

from typing import Any

_PACKAGE = "io.k8s.metrics.pkg.apis.metrics.v1beta1"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"

_USAGE: dict[str, Any] = {
    "description": "How much of each resource was used: cpu in cores, memory in bytes.",
    "type": "object",
    "additionalProperties": {"$ref": f"#/$defs/{_QUANTITY}"},
}
_CONTAINERS: dict[str, Any] = {
    "description": "What each container used.",
    "type": "array",
    "items": {"$ref": f"#/$defs/{_PACKAGE}.ContainerMetrics"},
}


def _definition(description: str, properties: dict[str, Any], kind: str = "") -> dict[str, Any]:
    """With `kind`, of an object that says its type."""
    if not kind:
        return {"description": description, "type": "object", "properties": properties}
    typed = {
        "apiVersion": {"description": "The version of this representation of the object.", "type": "string"},
        "kind": {"description": "What sort of object this is.", "type": "string"},
    }
    served = {"group": "metrics.k8s.io", "version": "v1beta1", "kind": kind}
    return {
        "description": description,
        "type": "object",
        "properties": typed | properties,
        "x-kubernetes-group-version-kind": [served],
    }


def _measured(kind: str, description: str, figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The definitions of a kind and of its list."""
    properties: dict[str, Any] = {
        "metadata": {"description": "Of the object that was measured.", "$ref": f"#/$defs/{_META}.ObjectMeta"},
        "timestamp": {"description": "When the measurement ended.", "$ref": f"#/$defs/{_META}.Time"},
        "window": {"description": "Over how long before the timestamp cpu is an average.", "type": "string"},
    }
    items = {"type": "array", "items": {"$ref": f"#/$defs/{_PACKAGE}.{kind}"}}
    listed: dict[str, Any] = {"metadata": {"$ref": f"#/$defs/{_META}.ListMeta"}, "items": items}
    return {
        f"{_PACKAGE}.{kind}": _definition(description, properties | figures, kind),
        f"{_PACKAGE}.{kind}List": _definition(f"A list of {kind}.", listed, f"{kind}List"),
    }


METRICS: dict[str, dict[str, Any]] = {
    f"{_PACKAGE}.ContainerMetrics": _definition(
        "What a container used.", {"name": {"description": "The container's name.", "type": "string"}, "usage": _USAGE}
    ),
    **_measured("NodeMetrics", "What a node used lately.", {"usage": _USAGE}),
    **_measured("PodMetrics", "What a pod's containers used lately.", {"containers": _CONTAINERS}),
}
