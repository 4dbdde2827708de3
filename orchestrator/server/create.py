"""create: a new object, named by the client or by `generateName`."""

from __future__ import annotations

import uuid

import orjson

from orchestrator.api.errors import AlreadyExists, BadRequest, NotFound, already_exists
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, metadata, name
from orchestrator.api.request import Request, User
from orchestrator.api.times import rfc3339
from orchestrator.server.admission.base import Attributes
from orchestrator.server.backend import Backend
from orchestrator.server.conflicts import ATTEMPTS
from orchestrator.server.decode import decode, validate_new
from orchestrator.server.generated_names import generate_name
from orchestrator.server.options import dry_run
from orchestrator.server.ownership import Owners, Writing, owned, tracked
from orchestrator.server.results import Single
from orchestrator.store.base import KeyExists


def create(backend: Backend, request: Request, user: User) -> Single:
    """Raises BadRequest, Invalid, AlreadyExists, and what admission raises."""
    return create_object(backend, request, user, *decode(request), tracked)


def create_object(
    backend: Backend, request: Request, user: User, obj: Object, warnings: list[str], owners: Owners
) -> Single:
    """The same for an object that is decoded already."""
    _place(request, obj)
    if name(obj) or not metadata(obj).get("generateName"):
        try:
            return _attempt(backend, request, user, obj, warnings, owners)
        except KeyExists:
            raise already_exists(request.kind.group, request.kind.plural, name(obj)) from None
    wanted = orjson.dumps(obj)
    for _ in range(ATTEMPTS):
        # A name that is taken is made anew, and with it what the kind makes of the name.
        obj = orjson.loads(wanted)
        metadata(obj)["name"] = generate_name(str(metadata(obj)["generateName"]), backend.rng)
        try:
            return _attempt(backend, request, user, obj, list(warnings), owners)
        except KeyExists:
            continue
    raise _no_unique_name(request.kind, name(obj))


def _attempt(
    backend: Backend, request: Request, user: User, obj: Object, warnings: list[str], owners: Owners
) -> Single:
    """Raises KeyExists, beside what `create` raises."""
    kind = request.kind
    given = metadata(obj).pop("managedFields", None)
    kind.strategy.default(obj)
    new = {field: value for field, value in obj.items() if field != "status"} if kind.strategy.has_status else obj
    entries = owners(Writing(request, user, backend.clock.now(), {}, new, given))
    _stamp(kind, obj, backend.clock.now())
    kind.strategy.prepare_create(obj, backend.clock.now())
    obj = owned(obj, entries)
    dry = dry_run(request.options)
    attributes = Attributes("CREATE", kind, request.namespace, name(obj), user, new=obj, dry_run=dry)
    with backend.admission.admit(attributes, lambda: validate_new(kind, obj)):
        warnings += kind.strategy.warnings(obj)
        data = _dry(backend, request, obj) if dry else _store(backend, attributes, obj)
    return Single(data, 201, tuple(warnings))


def _place(request: Request, obj: Object) -> None:
    """Give the object its namespace, and refuse what only the server may say."""
    meta = metadata(obj)
    if meta.get("resourceVersion"):
        raise BadRequest("resourceVersion should not be set on objects to be created")
    if not request.kind.namespaced:
        meta.pop("namespace", None)
        return
    if not request.namespace:
        raise BadRequest("an empty namespace may not be set during creation")
    if meta.setdefault("namespace", request.namespace) != request.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")


def _stamp(kind: Kind, obj: Object, now: float) -> None:
    meta = metadata(obj)
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"):
        meta.pop(field, None)
    meta["uid"] = str(uuid.uuid4())
    meta["creationTimestamp"] = rfc3339(now)
    if kind.strategy.has_generation:
        meta["generation"] = 1


def _dry(backend: Backend, request: Request, obj: Object) -> bytes:
    """What would be stored. A name that is taken is told all the same: raises KeyExists."""
    try:
        backend.entry(request.kind, request.namespace, name(obj))
    except NotFound:
        return orjson.dumps(obj)
    raise KeyExists


def _store(backend: Backend, attributes: Attributes, obj: Object) -> bytes:
    written = backend.create(attributes.kind, attributes.namespace, attributes.name, obj, attributes.user)
    attributes.settle(written)
    return written.entry.data


def _no_unique_name(kind: Kind, taken: str) -> AlreadyExists:
    return AlreadyExists(
        f'{kind.resource} "{taken}" already exists, the server was not able to generate a unique name for the object',
        details={"name": taken, "group": kind.group, "kind": kind.plural, "retryAfterSeconds": 1},
    )
