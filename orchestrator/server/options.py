"""The query parameters of a request, and `DeleteOptions`, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from orchestrator.api.errors import (
    BadRequest,
    FieldError,
    Invalid,
    forbidden,
    invalid,
    invalid_object,
    not_supported,
    required,
)
from orchestrator.api.meta import Object
from orchestrator.api.request import APPLY_PATCH, Request
from orchestrator.api.strict import FieldValidation

Propagation = Literal["", "Background", "Foreground", "Orphan"]
_FIELD_VALIDATIONS = ("Ignore", "Warn", "Strict")
#: Bytes of a field manager's name at most.
MAX_MANAGER = 128
#: Of a number: all that fit into 63 bits.
MAX_DIGITS = 18
_PROPAGATIONS = ("Foreground", "Background", "Orphan")


def integer(options: Mapping[str, str], name: str, default: int = 0) -> int:
    """A whole number that is not negative. Raises BadRequest."""
    text = options.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise BadRequest(f"{name}: {text!r} is no whole number")
    return int(text)


def boolean(options: Mapping[str, str], name: str) -> bool:
    return options.get(name, "").lower() in ("1", "t", "true")


def dry_run(options: Mapping[str, str]) -> bool:
    """True when the request is to be checked and answered, but not written."""
    value = options.get("dryRun", "")
    if value not in ("", "All"):
        raise invalid_object("CreateOptions", "meta.k8s.io", "", [not_supported("dryRun", value, ["All"])])
    return value == "All"


def field_validation(options: Mapping[str, str]) -> FieldValidation:
    value = options.get("fieldValidation") or "Warn"
    if value not in _FIELD_VALIDATIONS:
        error = not_supported("fieldValidation", value, _FIELD_VALIDATIONS)
        raise invalid_object("CreateOptions", "meta.k8s.io", "", [error])
    return cast(FieldValidation, value)


def field_manager(request: Request) -> str:
    """Who owns what the request writes, "" where it does not say; an apply must. Raises Invalid."""
    manager = request.options.get("fieldManager", "")
    if is_apply(request) and not manager:
        raise _bad_option(request, required("fieldManager", "is required for apply patch"))
    if len(manager.encode()) > MAX_MANAGER:
        raise _bad_option(request, invalid("fieldManager", manager, f"may not be longer than {MAX_MANAGER}"))
    if not manager.isprintable():
        raise _bad_option(request, invalid("fieldManager", manager, "should only contain printable characters"))
    return manager


def forced(request: Request) -> bool:
    """True for an apply that takes over what others own. Raises Invalid."""
    if request.options.get("force") and not is_apply(request):
        raise _bad_option(request, forbidden("force", "may not be specified for non-apply patch"))
    return boolean(request.options, "force")


def is_apply(request: Request) -> bool:
    return request.verb == "patch" and request.content_type.partition(";")[0] == APPLY_PATCH


def _bad_option(request: Request, error: FieldError) -> Invalid:
    return invalid_object(f"{request.verb.capitalize()}Options", "meta.k8s.io", "", [error])


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """`grace_seconds` None leaves it to the kind; `uid` and `resource_version` must hold, where they are given."""

    grace_seconds: int | None = None
    propagation: Propagation = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


def delete_options(request: Request) -> DeleteOptions:
    """From the body, or from the query where there is no body. Raises BadRequest, Invalid."""
    body = request.body if request.body is not None else _from_query(request.options)
    if not isinstance(body, dict):
        raise BadRequest("the body of a delete must be a DeleteOptions object")
    grace = body.get("gracePeriodSeconds")
    if grace is not None and (not isinstance(grace, int) or isinstance(grace, bool)):
        raise BadRequest("gracePeriodSeconds must be a whole number")
    propagation = body.get("propagationPolicy") or _orphan(body)
    if propagation and propagation not in _PROPAGATIONS:
        error = not_supported("propagationPolicy", propagation, _PROPAGATIONS)
        raise invalid_object("DeleteOptions", "meta.k8s.io", "", [error])
    preconditions = body.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise BadRequest("preconditions must be an object")
    return DeleteOptions(
        # Kubernetes takes a negative grace period as one second.
        grace_seconds=1 if grace is not None and grace < 0 else grace,
        propagation=propagation,
        uid=str(preconditions.get("uid") or ""),
        resource_version=str(preconditions.get("resourceVersion") or ""),
        dry_run=body.get("dryRun") == ["All"] or dry_run(request.options),
    )


def _from_query(options: Mapping[str, str]) -> Object:
    body: dict[str, Any] = {}
    if options.get("gracePeriodSeconds"):
        body["gracePeriodSeconds"] = integer(options, "gracePeriodSeconds")
    if options.get("propagationPolicy"):
        body["propagationPolicy"] = options["propagationPolicy"]
    if options.get("orphanDependents"):
        body["orphanDependents"] = boolean(options, "orphanDependents")
    return body


def _orphan(body: Object) -> Propagation:
    """`orphanDependents`, which came before `propagationPolicy`."""
    orphan = body.get("orphanDependents")
    return "" if orphan is None else "Orphan" if orphan else "Background"
