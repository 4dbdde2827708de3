"""The error tree. Every error a user can see is one of these, and each is a Kubernetes `Status`.

Codes and reasons are those of `k8s.io/apimachinery/pkg/api/errors`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from orchestrator.api.meta import Object


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field. `reason` is a `CauseType` (`FieldValueRequired`, `FieldValueInvalid`, ...)."""

    field: str
    reason: str
    message: str

    def cause(self) -> Object:
        return {"reason": self.reason, "message": self.message, "field": self.field}


def required(field: str, detail: str = "") -> FieldError:
    return FieldError(field, "FieldValueRequired", "Required value" + (f": {detail}" if detail else ""))


def invalid(field: str, value: Any, detail: str) -> FieldError:
    return FieldError(field, "FieldValueInvalid", f"Invalid value: {show(value)}: {detail}")


def not_supported(field: str, value: Any, supported: Sequence[str]) -> FieldError:
    options = ", ".join(f'"{option}"' for option in supported)
    return FieldError(field, "FieldValueNotSupported", f"Unsupported value: {show(value)}: supported values: {options}")


def duplicate(field: str, value: Any) -> FieldError:
    return FieldError(field, "FieldValueDuplicate", f"Duplicate value: {show(value)}")


def forbidden(field: str, detail: str) -> FieldError:
    return FieldError(field, "FieldValueForbidden", f"Forbidden: {detail}")


def no_such(field: str, value: Any) -> FieldError:
    """The field names something that is not there."""
    return FieldError(field, "FieldValueNotFound", f"Not found: {show(value)}")


def too_long(field: str, limit: int) -> FieldError:
    """`limit` is in bytes."""
    return FieldError(field, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def too_many(field: str, count: int, limit: int) -> FieldError:
    return FieldError(field, "FieldValueTooMany", f"Too many: {count}: must have at most {limit} items")


def show(value: Any) -> str:
    """A value as messages spell it: compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class ApiError(Exception):
    """A failed API request. `details` is the Status' `details` (name, group, kind, causes, retryAfterSeconds)."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(self, message: str, *, details: Object | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}

    def status(self) -> Object:
        """The `Status` object that goes to the client."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details:
            status["details"] = self.details
        return status


class BadRequest(ApiError):
    code, reason = 400, "BadRequest"


class Unauthorized(ApiError):
    code, reason = 401, "Unauthorized"


class Forbidden(ApiError):
    code, reason = 403, "Forbidden"


class NotFound(ApiError):
    code, reason = 404, "NotFound"


class MethodNotAllowed(ApiError):
    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(ApiError):
    code, reason = 406, "NotAcceptable"


class AlreadyExists(ApiError):
    code, reason = 409, "AlreadyExists"


class Conflict(ApiError):
    """The object was changed since it was read, or a precondition does not hold."""

    code, reason = 409, "Conflict"


class Expired(ApiError):
    """The asked-for revision is compacted: list again; `continue_token` leads to the rest as it is now."""

    code, reason = 410, "Expired"

    def __init__(self, message: str, *, details: Object | None = None, continue_token: str = "") -> None:
        super().__init__(message, details=details)
        self.continue_token = continue_token

    def status(self) -> Object:
        status = super().status()
        if self.continue_token:
            status["metadata"] = {"continue": self.continue_token}
        return status


class RequestTooLarge(ApiError):
    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    code, reason = 415, "UnsupportedMediaType"


class Invalid(ApiError):
    """The object breaks its kind's rules; `causes` in the details name each field."""

    code, reason = 422, "Invalid"


class TooManyRequests(ApiError):
    code, reason = 429, "TooManyRequests"


class InternalError(ApiError):
    code, reason = 500, "InternalError"


class ServiceUnavailable(ApiError):
    """The server cannot do this now (store full, agent not reachable); `details.retryAfterSeconds` may say when."""

    code, reason = 503, "ServiceUnavailable"


class Unreachable(ServiceUnavailable):
    """No answer came: the client's own finding, which no server sends."""


class Timeout(ApiError):
    code, reason = 504, "Timeout"


_BY_REASON: dict[str, type[ApiError]] = {cls.reason: cls for cls in ApiError.__subclasses__()}
_BY_CODE: dict[int, type[ApiError]] = {cls.code: cls for cls in reversed(ApiError.__subclasses__())}


def not_found(group: str, plural: str, name: str) -> NotFound:
    qualified = f"{plural}.{group}" if group else plural
    return NotFound(f'{qualified} "{name}" not found', details={"name": name, "group": group, "kind": plural})


def already_exists(group: str, plural: str, name: str) -> AlreadyExists:
    qualified = f"{plural}.{group}" if group else plural
    return AlreadyExists(f'{qualified} "{name}" already exists', details={"name": name, "group": group, "kind": plural})


def invalid_object(kind: str, group: str, name: str, errors: Sequence[FieldError]) -> Invalid:
    """`Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be ...`."""
    qualified = f"{kind}.{group}" if group else kind
    lines = [f"{error.field}: {error.message}" for error in errors]
    text = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    details = {"name": name, "group": group, "kind": kind, "causes": [error.cause() for error in errors]}
    return Invalid(f'{qualified} "{name}" is invalid: {text}', details=details)


def from_status(status: Object, code: int) -> ApiError:
    """The error that a server's answer stands for; `code` is the HTTP status, used when the body says little."""
    cls = _BY_REASON.get(str(status.get("reason"))) or _BY_CODE.get(code, ApiError)
    message = str(status.get("message") or f"the server answered {code}")
    return cls(message, details=status.get("details"))
