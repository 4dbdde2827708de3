"""The `resize` subresource: other requests and limits for the containers of a pod that runs."""

from __future__ import annotations

from orchestrator.api.errors import forbidden
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, spec
from orchestrator.api.podspec.resizing import resize_rules, with_resources
from orchestrator.api.request import Request, User
from orchestrator.server.apply import apply_part
from orchestrator.server.backend import Backend
from orchestrator.server.decode import refuse
from orchestrator.server.options import is_apply
from orchestrator.server.patch import patched
from orchestrator.server.results import Single
from orchestrator.server.update import change, put

_LISTS = ("containers", "initContainers")


def update_resize(backend: Backend, request: Request, user: User) -> Single:
    """PUT of the pod with other resources. Raises Invalid for a change that is not to be had in place."""
    return change(backend, request, user, put(request), _part)


def patch_resize(backend: Backend, request: Request, user: User) -> Single:
    """As `update_resize`, told as a difference."""
    if is_apply(request):
        return apply_part(backend, request, user, _resources, _part)
    return change(backend, request, user, patched(request), _part)


def _part(kind: Kind, wanted: Object, old: Object) -> Object:
    """The pod as it is, with the resources that are wanted. Raises Invalid."""
    for field in _LISTS:
        if _names(wanted, field) != _names(old, field):
            why = "containers may not be added, removed, reordered or renamed"
            refuse(kind, old, [forbidden(f"spec.{field}", why)])
    new = with_resources(old, wanted)
    refuse(kind, new, [*kind.strategy.validate(new), *resize_rules(new, old)])
    return new


def _names(pod: Object, field: str) -> list[str]:
    return [container.get("name", "") for container in spec(pod).get(field) or ()]


def _resources(pod: Object) -> Object:
    """Of an applied configuration: its containers' names and resources."""
    kept = ("name", "resources")
    lists = {
        field: [{name: container[name] for name in kept if name in container} for container in spec(pod)[field]]
        for field in _LISTS
        if spec(pod).get(field)
    }
    return {"spec": lists}
