"""The API without HTTP: every request on every kind, one function a verb."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from orchestrator.api.access import access_of
from orchestrator.api.errors import MethodNotAllowed, NotFound, ServiceUnavailable
from orchestrator.api.groups import metrics
from orchestrator.api.kinds import Kind, Kinds
from orchestrator.api.request import Request, User
from orchestrator.server.admission.base import Admission
from orchestrator.server.approval import patch_approval, update_approval
from orchestrator.server.backend import Backend
from orchestrator.server.create import create
from orchestrator.server.delete import delete, delete_collection
from orchestrator.server.ephemeral_containers import patch_ephemeral, update_ephemeral
from orchestrator.server.eviction import evict
from orchestrator.server.patch import patch, patch_status
from orchestrator.server.read import get, list_objects
from orchestrator.server.resize import patch_resize, update_resize
from orchestrator.server.resource_metrics import get_metrics, list_metrics
from orchestrator.server.results import Result
from orchestrator.server.reviews import REVIEWS
from orchestrator.server.scale import get_scale, patch_scale, update_scale
from orchestrator.server.security import Security
from orchestrator.server.subresources import bind, finalize
from orchestrator.server.summaries import Summaries, no_summaries
from orchestrator.server.token_request import create_token
from orchestrator.server.update import update, update_status
from orchestrator.server.watch import ExpiredSession, WatchSession, watch
from orchestrator.store.base import Store, StoreUnavailable
from orchestrator.util.clock import Clock

Handler = Callable[[Backend, Request, User], Result]
#: Returns when the writes of a request are acknowledged. Raises ServiceUnavailable.
Wait = Callable[[], None]

_NOT_ALLOWED = "the server does not allow this method on the requested resource"

#: (subresource, verb) -> what answers it.
_HANDLERS: dict[tuple[str, str], Handler] = {
    ("", "get"): get,
    ("", "list"): list_objects,
    ("", "create"): create,
    ("", "update"): update,
    ("", "patch"): patch,
    ("", "delete"): delete,
    ("", "deletecollection"): delete_collection,
    ("status", "get"): get,
    ("status", "update"): update_status,
    ("status", "patch"): patch_status,
    ("scale", "get"): get_scale,
    ("scale", "update"): update_scale,
    ("scale", "patch"): patch_scale,
    ("ephemeralcontainers", "get"): get,
    ("ephemeralcontainers", "update"): update_ephemeral,
    ("ephemeralcontainers", "patch"): patch_ephemeral,
    ("resize", "get"): get,
    ("resize", "update"): update_resize,
    ("resize", "patch"): patch_resize,
    ("binding", "create"): bind,
    ("eviction", "create"): evict,
    ("token", "create"): create_token,
    ("approval", "get"): get,
    ("approval", "update"): update_approval,
    ("approval", "patch"): patch_approval,
    ("finalize", "update"): finalize,
}
#: The same for virtual kinds.
_VIRTUAL: dict[Kind, dict[tuple[str, str], Handler]] = {
    **{kind: {("", "create"): answer} for kind, answer in REVIEWS.items()},
    **{kind: {("", "get"): get_metrics, ("", "list"): list_metrics} for kind in metrics.KINDS},
}


class Resources:
    """Answers requests from any transport. Raises `orchestrator.api.errors.ApiError`."""

    def __init__(
        self,
        store: Store,
        kinds: Kinds,
        admission: Admission,
        security: Security,
        clock: Clock,
        rng: random.Random | None = None,
        summaries: Summaries = no_summaries,
    ) -> None:
        self.backend = Backend(store, kinds, admission, security, clock, rng or random.Random(), summaries)

    def handle(self, request: Request, user: User) -> Result:
        """Any verb but watch."""
        result, wait = self.begin(request, user)
        if wait is not None:
            wait()
        return result

    def begin(self, request: Request, user: User) -> tuple[Result, Wait | None]:
        """The same, but for the wait for its writes: nobody may be told of the result before."""
        handler, backend = self._handler(request), replace(self.backend, begun=[])
        with _store_errors():
            self.authorize(request, user)
            try:
                result = handler(backend, request, user)
            except BaseException:
                # Of what was written before, nobody else would take care.
                backend.acknowledge()
                raise
        return result, _store_errors()(backend.acknowledge) if backend.begun else None

    def watch(self, request: Request, user: User) -> WatchSession | ExpiredSession:
        if not request.kind.stored:
            raise MethodNotAllowed(_NOT_ALLOWED)
        self.authorize(request, user)
        return watch(self.backend, request)

    def authorize(self, request: Request, user: User) -> None:
        """Raises Forbidden."""
        self.backend.security.authorizer.require(user, access_of(request))

    def _handler(self, request: Request) -> Handler:
        if request.subresource and request.subresource not in request.kind.subresources:
            raise NotFound("the server could not find the requested resource")
        handlers = _HANDLERS if request.kind.stored else _VIRTUAL[request.kind]
        handler = handlers.get((request.subresource, request.verb))
        if handler is None or not (request.subresource or request.verb in request.kind.verbs):
            raise MethodNotAllowed(_NOT_ALLOWED)
        return handler


@contextmanager
def _store_errors() -> Iterator[None]:
    """What of the store's failures the client is told."""
    try:
        yield
    except StoreUnavailable as error:
        raise ServiceUnavailable(str(error)) from error
