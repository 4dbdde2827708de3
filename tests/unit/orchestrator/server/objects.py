"""Small valid objects for tests."""

from __future__ import annotations

from typing import Any

from orchestrator.api.meta import Object


def config_map(name: str = "settings", namespace: str = "default", **meta: Any) -> Object:
    return {"metadata": {"name": name, "namespace": namespace, **meta}, "data": {"a": "1"}}


def pod(name: str = "web", namespace: str = "default", **spec: Any) -> Object:
    container = {"name": "main", "image": "nginx"}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"containers": [container], **spec}}


def deployment(name: str = "web", namespace: str = "default", replicas: int = 2) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "nginx"}]}}
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def job(name: str = "pi", namespace: str = "default") -> Object:
    containers = [{"name": "pi", "image": "perl"}]
    template = {"spec": {"restartPolicy": "Never", "containers": containers}}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"template": template}}


def service(name: str = "web", namespace: str = "default", port: Object | None = None, **spec: Any) -> Object:
    ports = [{"port": 80, **(port or {})}]
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"ports": ports, **spec}}
