"""delete and deletecollection: finalizers, grace, and what becomes of dependents."""

from __future__ import annotations

from dataclasses import replace

import orjson

from orchestrator.api.errors import NotFound
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, finalizers, is_deleting, name, resource_version, uid
from orchestrator.api.request import Request, User
from orchestrator.api.times import parse, rfc3339
from orchestrator.server.admission.base import Attributes
from orchestrator.server.backend import Backend
from orchestrator.server.conflicts import ATTEMPTS, conflict
from orchestrator.server.options import DeleteOptions, Propagation, delete_options
from orchestrator.server.read import list_objects
from orchestrator.server.results import Listing, Single
from orchestrator.store.base import Entry, RevisionConflict

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


def held(kind: Kind, obj: Object) -> bool:
    """True while finalizers keep the object: its own, and `spec.finalizers` where the kind can be finalized."""
    if finalizers(obj):
        return True
    return "finalize" in kind.subresources and bool((obj.get("spec") or {}).get("finalizers"))


def mark(kind: Kind, obj: Object, options: DeleteOptions, now: float) -> bool:
    """Make `obj` what a delete makes of it, in place; True when it is to leave the store at once.

    The first delete sets deletionTimestamp (the time at which the grace period ends); a later one can only shorten
    the grace period. As `BeforeDelete` in `k8s.io/apiserver/pkg/registry/rest/delete.go`.
    """
    meta = obj["metadata"]
    if is_deleting(obj):
        _shorten(meta, options.grace_seconds)
        return not held(kind, obj) and not meta.get("deletionGracePeriodSeconds")
    _ask_collector(meta, options.propagation or _default_propagation(kind, obj))
    kind.strategy.prepare_delete(obj)
    grace = kind.strategy.grace_seconds(obj, options.grace_seconds)
    if grace == 0 and not held(kind, obj):
        return True
    meta["deletionTimestamp"] = rfc3339(now + grace)
    meta["deletionGracePeriodSeconds"] = grace
    if meta.get("generation"):
        meta["generation"] += 1
    return False


def _shorten(meta: Object, requested: int | None) -> None:
    granted = int(meta.get("deletionGracePeriodSeconds") or 0)
    if requested is None or requested >= granted:
        return
    meta["deletionTimestamp"] = rfc3339(parse(meta["deletionTimestamp"]) - granted + requested)
    meta["deletionGracePeriodSeconds"] = requested


def _default_propagation(kind: Kind, obj: Object) -> Propagation:
    """Where nothing is asked for, a wish that the object carries already stands."""
    undecided = not {FOREGROUND, ORPHAN} & set(finalizers(obj))
    return "Orphan" if kind.strategy.orphans_dependents and undecided else ""


def _ask_collector(meta: Object, propagation: Propagation) -> None:
    """Tell the garbage collector by finalizer what to do with dependents; without a policy an old wish stands."""
    if not propagation:
        return
    kept = [finalizer for finalizer in meta.get("finalizers") or [] if finalizer not in (FOREGROUND, ORPHAN)]
    if propagation == "Foreground":
        kept.append(FOREGROUND)
    elif propagation == "Orphan":
        kept.append(ORPHAN)
    if kept:
        meta["finalizers"] = kept
    else:
        meta.pop("finalizers", None)


def delete(backend: Backend, request: Request, user: User) -> Single:
    """Raises NotFound, Conflict (a precondition does not hold), Forbidden."""
    options = delete_options(request)
    warnings = request.kind.strategy.delete_warnings(options.propagation)
    return replace(remove(backend, request, options, user), warnings=tuple(warnings))


def remove(backend: Backend, request: Request, options: DeleteOptions, user: User) -> Single:
    """Delete as `options` say: the object where it stays for now, a Status where it is gone (see `returns_deleted`)."""
    for _ in range(ATTEMPTS):
        current = backend.entry(request.kind, request.namespace, request.name)
        old = current.object()
        check_preconditions(request.kind, old, options)
        attributes = Attributes(
            "DELETE", request.kind, request.namespace, request.name, user, old=old, dry_run=options.dry_run
        )
        try:
            with backend.admission.admit(attributes):
                return _remove(backend, request.kind, current, options, user)
        except RevisionConflict:
            continue
    raise conflict(request.kind, request.name)


def _remove(backend: Backend, kind: Kind, current: Entry, options: DeleteOptions, user: User) -> Single:
    old, obj = current.object(), current.object()
    if mark(kind, obj, options, backend.clock.now()):
        if not options.dry_run:
            backend.remove(kind, current, user)
        return Single(current.data if kind.strategy.returns_deleted else orjson.dumps(_success(kind, old)))
    if obj == old:
        return Single(current.data)
    return Single(orjson.dumps(obj) if options.dry_run else backend.write(kind, current, obj, user).acknowledged().data)


def check_preconditions(kind: Kind, obj: Object, options: DeleteOptions) -> None:
    if options.uid not in ("", uid(obj)):
        raise conflict(
            kind,
            name(obj),
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid(obj)}). "
            "The object might have been deleted and then recreated",
        )
    if options.resource_version not in ("", resource_version(obj)):
        raise conflict(
            kind,
            name(obj),
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the "
            f"ResourceVersion in record ({resource_version(obj)}). The object might have been modified",
        )


def _success(kind: Kind, obj: Object) -> Object:
    details = {"name": name(obj), "group": kind.group, "kind": kind.plural, "uid": uid(obj)}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def delete_collection(backend: Backend, request: Request, user: User) -> Listing:
    """Delete what the selectors choose, and answer with it. What is gone meanwhile is no error."""
    options = delete_options(request)
    chosen = list_objects(backend, request, user)
    for entry in chosen.entries:
        obj = entry.object()
        meta = obj["metadata"]
        one = Request("delete", request.kind, meta.get("namespace", ""), meta["name"])
        try:
            remove(backend, one, options, user)
        except NotFound:
            continue
    return chosen
