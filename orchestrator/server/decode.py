"""From a request's body to an object that may be stored: its type, its fields, the rules of its kind."""

from __future__ import annotations

from typing import Any

from orchestrator.api import strict
from orchestrator.api.errors import BadRequest, FieldError, invalid_object
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name
from orchestrator.api.request import Request
from orchestrator.api.validation import validate_metadata, validate_metadata_update
from orchestrator.server.options import field_validation


def decode(request: Request) -> tuple[Object, list[str]]:
    """A copy of the body as an object of the request's kind, and warnings. Raises BadRequest."""
    obj = typed(request.kind, request.body)
    return strict.accept(request.kind, obj, field_validation(request.options), request.duplicates)


def decode_patched(request: Request, patched: Any) -> tuple[Object, list[str]]:
    """The same for what the request's patch made of the current object. Raises BadRequest, Invalid."""
    obj = typed(request.kind, patched)
    validation = field_validation(request.options)
    return strict.accept_patched(request.kind, obj, request.body, validation, request.duplicates)


def typed(kind: Kind, body: Any) -> Object:
    """The body, which must be an object of the endpoint's kind; what it leaves out of its type is filled in."""
    if not isinstance(body, dict):
        raise BadRequest("the body must be an object")
    given = body.get("apiVersion") or kind.api_version
    if given != kind.api_version:
        raise BadRequest(
            f"the API version in the data ({given}) does not match the expected API version ({kind.api_version})"
        )
    if (given := body.get("kind") or kind.kind) != kind.kind:
        raise BadRequest(f"the kind in the data ({given}) does not match the expected kind ({kind.kind})")
    return {"apiVersion": kind.api_version, "kind": kind.kind, **_without(body, "apiVersion", "kind")}


def _without(body: Object, *fields: str) -> Object:
    return {field: value for field, value in body.items() if field not in fields}


def validate_new(kind: Kind, obj: Object) -> None:
    """Raises Invalid."""
    errors = validate_metadata(kind, obj) + kind.strategy.validate(obj) + kind.strategy.validate_create(obj)
    _raise(kind, obj, errors)


def validate_change(kind: Kind, new: Object, old: Object) -> None:
    """Raises Invalid."""
    errors = validate_metadata(kind, new) + validate_metadata_update(new, old)
    errors += kind.strategy.validate(new) + kind.strategy.validate_update(new, old)
    _raise(kind, new, errors)


def validate_status(kind: Kind, new: Object, old: Object) -> None:
    """Raises Invalid."""
    _raise(kind, new, kind.strategy.validate_status(new, old))


def _raise(kind: Kind, obj: Object, errors: list[FieldError]) -> None:
    if errors:
        raise invalid_object(kind.kind, kind.group, name(obj), errors)
