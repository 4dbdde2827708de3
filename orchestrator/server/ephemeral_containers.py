"""The `ephemeralcontainers` subresource: containers added to a pod that runs, to look into it."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, spec
from orchestrator.api.podspec.changes import added_ephemeral
from orchestrator.api.request import Request, User
from orchestrator.server.apply import apply_part
from orchestrator.server.backend import Backend
from orchestrator.server.decode import refuse
from orchestrator.server.options import is_apply
from orchestrator.server.patch import patched
from orchestrator.server.results import Single
from orchestrator.server.update import change, put

_FIELD = "ephemeralContainers"


def update_ephemeral(backend: Backend, request: Request, user: User) -> Single:
    """PUT of the pod with more ephemeral containers. Raises Invalid when one is changed, or is taken away."""
    return change(backend, request, user, put(request), _part)


def patch_ephemeral(backend: Backend, request: Request, user: User) -> Single:
    """As `update_ephemeral`, told as a difference."""
    if is_apply(request):
        return apply_part(backend, request, user, lambda wanted: {"spec": _ephemeral(wanted)}, _part)
    return change(backend, request, user, patched(request), _part)


def _part(kind: Kind, wanted: Object, old: Object) -> Object:
    """The pod as it is, with the ephemeral containers that are wanted. Raises Invalid."""
    kept = {field: value for field, value in spec(old).items() if field != _FIELD}
    new = {**old, "spec": kept | _ephemeral(wanted)}
    refuse(kind, new, [*kind.strategy.validate(new), *added_ephemeral(spec(new), spec(old))])
    return new


def _ephemeral(pod: Object) -> Object:
    """This field of the spec, {} where there is nothing in it."""
    containers = spec(pod).get(_FIELD)
    return {_FIELD: containers} if containers else {}
