"""patch: a change told as a difference, applied to the newest version."""

from __future__ import annotations

from orchestrator.api import patch as patches
from orchestrator.api.meta import Object
from orchestrator.api.request import Request, User
from orchestrator.server.apply import apply, apply_status
from orchestrator.server.backend import Backend
from orchestrator.server.decode import decode_patched
from orchestrator.server.options import forced, is_apply
from orchestrator.server.ownership import owned, says_owners
from orchestrator.server.results import Single
from orchestrator.server.update import Change, change, main_part, status_part


def patch(backend: Backend, request: Request, user: User) -> Single:
    """Raises BadRequest, UnsupportedMediaType, NotFound, Conflict (the patch names an old version), Invalid."""
    if is_apply(request):
        return apply(backend, request, user)
    return change(backend, request, user, patched(request), main_part)


def patch_status(backend: Backend, request: Request, user: User) -> Single:
    if is_apply(request):
        return apply_status(backend, request, user)
    return change(backend, request, user, patched(request), status_part)


def patched(request: Request) -> Change:
    """The current object with the request's patch applied. Raises Invalid."""
    forced(request)

    def change(current: Object) -> tuple[Object, list[str]]:
        if not says_owners(request.body):
            # They are as large as the rest of the object, and left out they stay as they are.
            current = owned(current, [])
        return decode_patched(request, patches.apply(request.kind, current, request.body, request.content_type))

    return change
