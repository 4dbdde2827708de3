"""Server-side apply: a manager tells all that it wants of an object, and the server finds out what that changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson

from orchestrator.api import last_applied, managed, strict
from orchestrator.api.access import access_of
from orchestrator.api.errors import AlreadyExists, BadRequest, NotFound
from orchestrator.api.managed import Application, Conflicts
from orchestrator.api.meta import Object, metadata, name, uid
from orchestrator.api.request import Request, User
from orchestrator.api.times import rfc3339
from orchestrator.api.typed import shape
from orchestrator.api.typed.check import problems
from orchestrator.server import ownership
from orchestrator.server.backend import Backend
from orchestrator.server.conflicts import ATTEMPTS, conflict
from orchestrator.server.create import create_object
from orchestrator.server.decode import typed
from orchestrator.server.options import field_validation, forced
from orchestrator.server.results import Single
from orchestrator.server.update import Change, Part, change, main_part, status_part


def apply(backend: Backend, request: Request, user: User) -> Single:
    """PATCH of a configuration; an object that is not there is created.

    Raises BadRequest, Invalid, Conflict (others own what would change), and what create raises.
    """
    wanted, warnings = configuration(request)
    if request.kind.strategy.has_status:
        wanted.pop("status", None)
    make = applied(backend, request, user, wanted, warnings)
    for _ in range(ATTEMPTS):
        try:
            if _exists(backend, request):
                return change(backend, request, user, make, main_part, ownership.settled)
            return _create(backend, request, user, make)
        except AlreadyExists:
            continue
    raise conflict(request.kind, request.name)


def apply_status(backend: Backend, request: Request, user: User) -> Single:
    return apply_part(backend, request, user, lambda wanted: _fields(wanted, "status"), status_part)


def apply_part(backend: Backend, request: Request, user: User, only: Callable[[Object], Object], part: Part) -> Single:
    """PATCH of a configuration of which a subresource takes `only` a part; the object must be there."""
    wanted, warnings = configuration(request)
    chosen = _fields(wanted, "apiVersion", "kind") | only(wanted)
    chosen["metadata"] = _fields(wanted["metadata"], "uid", "resourceVersion")
    make = applied(backend, request, user, chosen, warnings)
    return change(backend, request, user, make, part, ownership.settled)


def _fields(obj: Object, *names: str) -> Object:
    return {name: obj[name] for name in names if name in obj}


def applied(backend: Backend, request: Request, user: User, wanted: Object, warnings: list[str]) -> Change:
    """The current object ({} for none) with the configuration `wanted` applied, its managedFields too."""
    who, data = ownership.manager(request, user, "Apply"), orjson.dumps(wanted)
    force = forced(request)

    def make(current: Object) -> tuple[Object, list[str]]:
        now = rfc3339(backend.clock.now())
        application = Application(shape.of(request.kind), who, orjson.loads(data), now)
        entries = managed.stored(current) if current else []
        live = ownership.owned(current, []) if current else {}
        try:
            obj, owners = _apply(application, live, entries, force=force)
        except Conflicts as conflicts:
            raise conflicts.status() from None
        return ownership.owned(obj, managed.to_json(owners)), list(warnings)

    return make


def _apply(
    application: Application, live: Object, entries: managed.Entries, *, force: bool
) -> tuple[Object, list[managed.Entry]]:
    """With the help that kubectl gets for what it used to apply itself."""
    if application.manager.name != last_applied.KUBECTL:
        return managed.apply(application, live, entries, force=force)
    try:
        obj, owners = managed.apply(application, live, entries, force=force)
    except Conflicts as conflicts:
        own = last_applied.still_applied(application.shape, live)
        if others := [(manager, rest) for manager, fields in conflicts.fields if (rest := fields - own)]:
            raise Conflicts(others) from None
        obj, owners = managed.apply(application, live, entries, force=True)
    return last_applied.keep_up(obj, application.configuration), owners


def configuration(request: Request) -> tuple[Object, list[str]]:
    """The request's body as an object of its kind, and warnings. Raises BadRequest."""
    kind, body = request.kind, request.body
    if not isinstance(body, dict):
        raise BadRequest("error decoding YAML: an applied configuration is an object")
    if (version := body.get("apiVersion") or "") != kind.api_version:
        raise BadRequest(
            "Incorrect version specified in apply patch. "
            f"Specified patch version: {version}, expected: {kind.api_version}"
        )
    obj = typed(kind, body)
    _check(request, obj)
    obj = strict.prune(kind, obj)
    if metadata(obj).get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    if name(obj) not in ("", request.name):
        raise BadRequest(f"the name of the object ({name(obj)}) does not match the name on the URL ({request.name})")
    metadata(obj)["name"] = request.name
    return obj, _duplicates(request)


def _check(request: Request, obj: Object) -> None:
    kind = request.kind
    found = strict.check(kind, obj)
    sentences = [f".{path}: field not declared in schema" for path in found.unknown] + found.errors
    if not sentences:
        sentences = list(problems(shape.of(kind), strict.prune(kind, obj)))
    if sentences:
        listed = sentences[0] if len(sentences) == 1 else "errors:" + "".join(f"\n  {line}" for line in sentences)
        what = f"{request.namespace}/{request.name}; {kind.api_version}, Kind={kind.kind}"
        raise BadRequest(f"failed to create typed patch object ({what}): {listed}")


def _duplicates(request: Request) -> list[str]:
    """Fields given twice are refused, told of or ignored, as the client wants it."""
    validation = field_validation(request.options)
    found = [f'duplicate field "{path}"' for path in request.duplicates]
    if found and validation == "Strict":
        raise BadRequest(f"error strict decoding YAML: {', '.join(found)}")
    return found if validation == "Warn" else []


def _exists(backend: Backend, request: Request) -> bool:
    try:
        backend.entry(request.kind, request.namespace, request.name)
    except NotFound:
        return False
    return True


def _create(backend: Backend, request: Request, user: User, make: Change) -> Single:
    creation = replace(request, verb="create", name="")
    backend.security.authorizer.require(user, access_of(creation))
    obj, warnings = make({})
    if wanted := uid(obj):
        why = f"uid mismatch: the provided object specified uid {wanted}, and no existing object was found"
        raise conflict(request.kind, request.name, why)
    return create_object(backend, creation, user, obj, warnings, ownership.settled)
