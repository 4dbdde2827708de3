"""patch: a change told as a difference, applied to the newest version."""

from __future__ import annotations

from typing import Any

from orchestrator.api.errors import UnsupportedMediaType
from orchestrator.api.meta import Object
from orchestrator.api.request import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Request, User
from orchestrator.server.backend import Backend
from orchestrator.server.decode import decode_patched
from orchestrator.server.results import Single
from orchestrator.server.update import Change, change, main_part, status_part


def patch(backend: Backend, request: Request, user: User) -> Single:
    """Raises BadRequest, UnsupportedMediaType, NotFound, Conflict (the patch names an old version), Invalid."""
    return change(backend, request, user, _patched(request), main_part)


def patch_status(backend: Backend, request: Request, user: User) -> Single:
    return change(backend, request, user, _patched(request), status_part)


def _patched(request: Request) -> Change:
    return lambda current: decode_patched(request, applied(request, current))


def applied(request: Request, current: Object) -> Any:
    """`current` with the patch of `request` applied."""
    if request.content_type in (MERGE_PATCH, STRATEGIC_PATCH):
        return _merge(current, request.body)
    raise UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: "
        f"{JSON_PATCH}, {MERGE_PATCH}, {STRATEGIC_PATCH}"
    )


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for field, value in patch.items():
        if value is None:
            result.pop(field, None)
        else:
            result[field] = _merge(result.get(field), value)
    return result
