"""A CustomResourceDefinition, with a bit of everything, and one of its objects."""

from __future__ import annotations

from typing import Any

from orchestrator.api.meta import Object

GROUP = "stable.example.com"
NAME = f"crontabs.{GROUP}"
_SCHEMA: Object = {
    "type": "object",
    "description": "A CronTab runs an image again and again.",
    "properties": {
        "spec": {
            "type": "object",
            "description": "What to run, and when.",
            "required": ["image"],
            "properties": {
                "schedule": {"type": "string", "description": "When.", "default": "* * * * *"},
                "image": {"type": "string"},
                "replicas": {"type": "integer", "minimum": 0, "default": 1},
                "ports": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}, "number": {"type": "integer"}},
                    },
                },
            },
        },
        "status": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "selector": {"type": "string"},
                "conditions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"type": {"type": "string"}, "status": {"type": "string"}},
                    },
                },
            },
        },
    },
}
_COLUMNS: list[Object] = [
    {"name": "Schedule", "type": "string", "jsonPath": ".spec.schedule"},
    {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
    {"name": "Image", "type": "string", "jsonPath": ".spec.image", "priority": 1},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]
_SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}


def version(name: str = "v1", *, served: bool = True, storage: bool = True, **more: Any) -> Object:
    return {
        "name": name,
        "served": served,
        "storage": storage,
        "schema": {"openAPIV3Schema": _SCHEMA},
        "subresources": {"status": {}, "scale": _SCALE},
        "additionalPrinterColumns": _COLUMNS,
        "selectableFields": [{"jsonPath": ".spec.image"}],
        **more,
    }


def definition(*versions: Object, scope: str = "Namespaced", **names: Any) -> Object:
    """Of one version, unless others are given; `names` are further fields of `spec.names`."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"], "categories": ["all"], **names},
            "versions": list(versions) or [version()],
        },
    }


def crontab(name: str = "nightly", *, api_version: str = f"{GROUP}/v1", **spec: Any) -> Object:
    return {
        "apiVersion": api_version,
        "kind": "CronTab",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"image": "busybox", **spec},
    }
