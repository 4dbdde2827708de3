"""What ConfigMap and Secret share: keys with content, a greatest size, and contents that may be frozen."""

from __future__ import annotations

import base64

from orchestrator.api import names
from orchestrator.api.checks import Errors, obeys
from orchestrator.api.errors import forbidden, too_long
from orchestrator.api.meta import Object

MAX_BYTES = 1024 * 1024
_FROZEN = "field is immutable when `immutable` is set"


def keys(obj: Object, field: str) -> Errors:
    for key in obj.get(field) or {}:
        yield from obeys(f"{field}[{key}]", key, names.config_key)


def size(total: int, field: str) -> Errors:
    """`total` is in bytes."""
    if total > MAX_BYTES:
        yield too_long(field, MAX_BYTES)


def frozen(new: Object, old: Object, *fields: str) -> Errors:
    """What is immutable stays so, with its content."""
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield forbidden("immutable", _FROZEN)
    for field in fields:
        if (new.get(field) or {}) != (old.get(field) or {}):
            yield forbidden(field, _FROZEN)


def decoded(text: str) -> bytes:
    """The bytes of a base64 text; that it is one has been checked with the schema."""
    return base64.b64decode(text)
