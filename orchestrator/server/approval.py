"""The `approval` subresource of CertificateSigningRequests: its conditions, and nothing else."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, status
from orchestrator.api.request import Request, User
from orchestrator.api.times import rfc3339
from orchestrator.server.backend import Backend
from orchestrator.server.patch import patched
from orchestrator.server.results import Single
from orchestrator.server.update import Change, change, put


def update_approval(backend: Backend, request: Request, user: User) -> Single:
    return _approve(backend, request, user, put(request))


def patch_approval(backend: Backend, request: Request, user: User) -> Single:
    return _approve(backend, request, user, patched(request))


def _approve(backend: Backend, request: Request, user: User, make: Change) -> Single:
    now = rfc3339(backend.clock.now())
    times = {"lastUpdateTime": now, "lastTransitionTime": now}

    def part(_kind: Kind, new: Object, old: Object) -> Object:
        """What conditions leave out of their times is now."""
        conditions = [times | {k: v for k, v in each.items() if v} for each in status(new).get("conditions") or ()]
        return {**old, "status": {**status(old), "conditions": conditions}}

    return change(backend, request, user, make, part)
