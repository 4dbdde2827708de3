"""The `scale` subresource: the replicas of a workload as `autoscaling/v1` Scale."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from orchestrator.api.errors import NotFound, invalid, invalid_object
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, resource_version
from orchestrator.api.request import Request, User
from orchestrator.api.selectors import selector_text
from orchestrator.api.strategies.base import ScalePaths
from orchestrator.server.apply import applied, configuration
from orchestrator.server.backend import Backend
from orchestrator.server.decode import decode
from orchestrator.server.options import is_apply
from orchestrator.server.ownership import settled
from orchestrator.server.patch import patched
from orchestrator.server.results import Single
from orchestrator.server.update import Change, change, main_part

SCALE = Kind("autoscaling", "v1", "Scale", "scales", rules="scale:ScaleStrategy")
_META = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(obj: Object, paths: ScalePaths) -> Object:
    """The Scale of a Deployment, ReplicaSet ..."""
    return {
        "kind": SCALE.kind,
        "apiVersion": SCALE.api_version,
        "metadata": {field: obj["metadata"][field] for field in _META if field in obj["metadata"]},
        "spec": {"replicas": _count(_at(obj, paths.replicas))},
        "status": {
            "replicas": _count(_at(obj, paths.status_replicas)),
            "selector": _selector(_at(obj, paths.selector), paths),
        },
    }


def get_scale(backend: Backend, request: Request, _user: User) -> Single:
    entry = backend.entry(request.kind, request.namespace, request.name)
    return Single(orjson.dumps(scale_of(entry.object(), _paths(request.kind))))


def update_scale(backend: Backend, request: Request, user: User) -> Single:
    wanted = decode(replace(request, kind=SCALE))
    return _change(backend, request, user, lambda _: wanted)


def patch_scale(backend: Backend, request: Request, user: User) -> Single:
    if is_apply(request):
        return _apply(backend, request, user)
    return _change(backend, request, user, patched(replace(request, kind=SCALE)))


def _apply(backend: Backend, request: Request, user: User) -> Single:
    """An applied Scale is an applied object that has nothing but its replicas."""
    paths = _paths(request.kind)
    scale, warnings = configuration(replace(request, kind=SCALE))
    wanted: Object = {"metadata": {}}
    _set(wanted, paths.replicas, _replicas(request.name, scale))
    make = applied(backend, request, user, wanted, warnings)
    answer = change(backend, request, user, make, main_part, settled)
    return Single(orjson.dumps(scale_of(answer.object(), paths)), answer.code, answer.warnings)


def _change(backend: Backend, request: Request, user: User, make: Change) -> Single:
    """`make` works on the Scale, and what it does to the replicas is done to the object."""
    paths = _paths(request.kind)

    def scaled(current: Object) -> tuple[Object, list[str]]:
        scale, warnings = make(scale_of(current, paths))
        _set(current, paths.replicas, _replicas(request.name, scale))
        current["metadata"]["resourceVersion"] = resource_version(scale)
        return current, warnings

    answer = change(backend, request, user, scaled, main_part)
    return Single(orjson.dumps(scale_of(answer.object(), paths)), answer.code, answer.warnings)


def _paths(kind: Kind) -> ScalePaths:
    if kind.strategy.scale is None:
        raise NotFound("the server could not find the requested resource")
    return kind.strategy.scale


def _replicas(name: str, scale: Object) -> int:
    replicas = int((scale.get("spec") or {}).get("replicas") or 0)
    if replicas < 0:
        error = invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid_object(SCALE.kind, SCALE.group, name, [error])
    return replicas


def _at(obj: Object, path: tuple[str, ...]) -> Any:
    """None where there is nothing, or no path."""
    value: Any = obj if path else None
    for field in path:
        value = value.get(field) if isinstance(value, dict) else None
    return value


def _count(value: Any) -> int:
    """0 where there is nothing; a custom resource may have anything there."""
    return value if type(value) is int else 0


def _selector(value: Any, paths: ScalePaths) -> str:
    if paths.selector_form == "text":
        return value if isinstance(value, str) else ""
    return selector_text({"matchLabels": value} if paths.selector_form == "labels" else value or {})


def _set(obj: Object, path: tuple[str, ...], value: int) -> None:
    for field in path[:-1]:
        inner = obj.get(field)
        obj[field] = inner if isinstance(inner, dict) else {}
        obj = obj[field]
    obj[path[-1]] = value
