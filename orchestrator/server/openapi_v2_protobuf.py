"""OpenAPI v2 in protobuf, the only form in which kubectl asks for it: gnostic's `openapi.v2.Document`.

A `_Form` says how an object of the JSON document becomes a message; the numbers are those of `OpenAPIv2.proto`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from orchestrator.api.meta import Object
from orchestrator.api.protobuf.wire import field

#: What Accept asks for, and the content type of the answer, which had to be spelled without `@`.
MEDIA_TYPES = (
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
)

Encode = Callable[[Any], bytes | str | int]


def encode(document: Object) -> bytes:
    """Raises KeyError for a part of a document that we never make."""
    return _DOCUMENT(document)


@dataclass(frozen=True, slots=True)
class _Form:
    """`fields`: key in JSON -> number and encoding; lists are repeated fields. `extensions`: the number of `x-...`."""

    fields: Mapping[str, tuple[int, Encode]]
    extensions: int = 0

    def __call__(self, node: Object) -> bytes:
        return b"".join(self._field(key, value) for key, value in node.items())

    def _field(self, key: str, value: Any) -> bytes:
        if key.startswith("x-"):
            return _pair(self.extensions, key, _any(value))
        number, encode = self.fields[key]
        return b"".join(field(number, encode(item)) for item in (value if isinstance(value, list) else [value]))


def _pair(number: int, name: str, value: bytes | str | int) -> bytes:
    """A map is a list of Named...{name, value}."""
    return field(number, field(1, name) + field(2, value))


def _map(number: int, encode: Encode) -> Encode:
    return lambda node: b"".join(_pair(number, name, encode(value)) for name, value in node.items())


def _wrapped(number: int, encode: Encode) -> Encode:
    """A message around one field."""
    return lambda value: field(number, encode(value))


def _any(value: Any) -> bytes:
    """An Any holds YAML, which JSON is."""
    return field(2, orjson.dumps(value))


def _plain(value: str | bool) -> str | int:
    return value


def _schema(node: Object) -> bytes:
    return _SCHEMA(node)


def _additional(node: Object | bool) -> bytes:
    return field(2, node) if isinstance(node, bool) else field(1, _SCHEMA(node))


def _parameter(node: Object) -> bytes:
    """A ParametersItem of a Parameter, which is of the body, or of the query or path."""
    where = node["in"]
    if where == "body":
        return field(1, field(1, _BODY(node)))
    return field(1, field(2, field(3, _QUERY(node)) if where == "query" else field(4, _PATH(node))))


_SCHEMA = _Form(
    {
        "$ref": (1, _plain),
        "format": (2, _plain),
        "description": (4, _plain),
        "default": (5, _any),
        "required": (19, _plain),
        "additionalProperties": (21, _additional),
        "type": (22, _wrapped(1, _plain)),
        "items": (23, _wrapped(1, _schema)),
        "properties": (25, _map(1, _schema)),
    },
    extensions=31,
)
_BODY = _Form({"name": (2, _plain), "in": (3, _plain), "required": (4, _plain), "schema": (5, _schema)})
_QUERY = _Form(
    {
        "in": (2, _plain),
        "description": (3, _plain),
        "name": (4, _plain),
        "type": (6, _plain),
        "uniqueItems": (20, _plain),
    }
)
_PATH = _Form({"required": (1, _plain), "in": (2, _plain), "name": (4, _plain), "type": (5, _plain)})
_RESPONSE = _Form({"description": (1, _plain), "schema": (2, _wrapped(1, _schema))})
_OPERATION = _Form(
    {
        "tags": (1, _plain),
        "operationId": (5, _plain),
        "consumes": (7, _plain),
        "parameters": (8, _parameter),
        "responses": (9, _map(1, _wrapped(1, _RESPONSE))),
    },
    extensions=13,
)
_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}
_ITEM = _Form({"parameters": (9, _parameter)} | {name: (number, _OPERATION) for name, number in _METHODS.items()})
_DOCUMENT = _Form(
    {
        "swagger": (1, _plain),
        "info": (2, _Form({"title": (1, _plain), "version": (2, _plain)})),
        "paths": (8, _map(2, _ITEM)),
        "definitions": (9, _map(1, _schema)),
    }
)
