"""update (PUT), and the way every change of an object takes: read, change, check, write; again on a conflict."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from orchestrator.api.errors import BadRequest
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, is_deleting, metadata, name, namespace, resource_version, uid
from orchestrator.api.request import Request, User
from orchestrator.server.admission.base import Attributes
from orchestrator.server.backend import Backend
from orchestrator.server.conflicts import ATTEMPTS, conflict
from orchestrator.server.decode import decode, validate_change, validate_status
from orchestrator.server.delete import held
from orchestrator.server.options import dry_run
from orchestrator.server.ownership import Owners, Writing, owned, tracked
from orchestrator.server.results import Single
from orchestrator.store.base import Entry, RevisionConflict

#: From a copy of the current object, the object the client wants, and warnings about it.
Change = Callable[[Object], tuple[Object, list[str]]]
#: (kind, wanted, current) -> what of the wanted object this endpoint may change, on top of the current one.
Part = Callable[[Kind, Object, Object], Object]

#: What only the server may change.
_SERVER_FIELDS = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "generateName",
    "selfLink",
    "managedFields",
)


def main_part(kind: Kind, new: Object, old: Object) -> Object:
    """Everything but the status, where the kind has one."""
    if kind.strategy.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
    kind.strategy.prepare_update(new, old)
    return new


def status_part(_kind: Kind, new: Object, old: Object) -> Object:
    """The status alone."""
    return {**old, "status": new.get("status") or {}}


def update(backend: Backend, request: Request, user: User) -> Single:
    """PUT of the object. Raises BadRequest, NotFound, Conflict, Invalid."""
    return change(backend, request, user, put(request), main_part)


def update_status(backend: Backend, request: Request, user: User) -> Single:
    return change(backend, request, user, put(request), status_part)


def put(request: Request) -> Change:
    """The body as it came, once it is about the object in the URL."""
    body, warnings = decode(request)
    if name(body) not in ("", request.name):
        raise BadRequest(f"the name of the object ({name(body)}) does not match the name on the URL ({request.name})")
    data = orjson.dumps(body)
    return lambda _: (orjson.loads(data), list(warnings))


def change(
    backend: Backend, request: Request, user: User, make: Change, part: Part, owners: Owners = tracked
) -> Single:
    """Write what `make` makes of the current object, as far as `part` lets it through.

    A wanted object that names a resourceVersion is written over that version only; any other is made anew from the
    newest version until no one writes in between. Raises Conflict, NotFound, Invalid and what admission raises.
    """
    for _ in range(ATTEMPTS):
        current = backend.entry(request.kind, request.namespace, request.name)
        try:
            return _attempt(backend, request, user, current, make, part, owners)
        except RevisionConflict:
            continue
    raise conflict(request.kind, request.name)


def _attempt(
    backend: Backend, request: Request, user: User, current: Entry, make: Change, part: Part, owners: Owners
) -> Single:
    kind, old = request.kind, current.object()
    wanted, warnings = make(current.object())
    _check_identity(kind, wanted, old)
    given = metadata(wanted).pop("managedFields", None)
    _carry(wanted, old)
    kind.strategy.default(wanted)
    new = part(kind, wanted, old)
    new = owned(new, owners(Writing(request, user, backend.clock.now(), old, new, given)))
    if kind.strategy.has_generation and kind.strategy.wishes(new) != kind.strategy.wishes(old):
        new["metadata"]["generation"] = int(old["metadata"].get("generation") or 0) + 1
    dry = dry_run(request.options)
    attributes = Attributes("UPDATE", kind, request.namespace, request.name, user, new, old, request.subresource, dry)
    whole = part is main_part
    validate = validate_change if whole else validate_status
    with backend.admission.admit(attributes, lambda: validate(kind, new, old)):
        if whole:
            warnings += kind.strategy.warnings(new)
        data = orjson.dumps(new) if dry else _write(backend, attributes, current)
    return Single(data, 200, tuple(warnings))


def _write(backend: Backend, attributes: Attributes, current: Entry) -> bytes:
    """Write the change; nothing, when there is none; and remove an object whose last finalizer went."""
    kind, new = attributes.kind, attributes.new
    assert new is not None
    if new == attributes.old:
        return current.data
    if is_deleting(new) and not held(kind, new) and not new["metadata"].get("deletionGracePeriodSeconds"):
        backend.remove(kind, current, attributes.user)
        return orjson.dumps(new)
    written = backend.write(kind, current, new, attributes.user)
    attributes.settle(written)
    return written.entry.data


def _check_identity(kind: Kind, wanted: Object, old: Object) -> None:
    """The wanted object must be of the version, the uid and the place of the current one, where it says so."""
    if namespace(wanted) not in ("", namespace(old)):
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    if resource_version(wanted) not in ("", "0", resource_version(old)):
        raise conflict(kind, name(old))
    if uid(wanted) not in ("", uid(old)):
        why = f"Precondition failed: UID in precondition: {uid(wanted)}, UID in object meta: {uid(old)}"
        raise conflict(kind, name(old), why)


def _carry(wanted: Object, old: Object) -> None:
    """Put the current values of what only the server may change into the wanted object."""
    meta, current = metadata(wanted), old["metadata"]
    for field in (*_SERVER_FIELDS, "name", "namespace", "resourceVersion"):
        if field in current:
            meta[field] = current[field]
        else:
            meta.pop(field, None)
