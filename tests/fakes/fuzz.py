"""Requests of any kind that an API's OpenAPI documents allow, and of many that they do not."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

Schema = Mapping[str, Any]

_STRINGS = (
    *("", "a", "web", "default", "x" * 300, "é\u0000\n", "a/b", "../..", "-", "*", "{}", "$(A)", "None", "true"),
    *("1", "-1", "10Mi", "1e400", "0x10", "9" * 30, "9" * 5000, "50%", "100m", "80", "http", "TCP", "Always"),
    *("10.0.0.1", "10.96.0.1", "::1", "300.1.1.1/40", "2024-01-01T00:00:00Z", "2024-13-45T99:00:00Z", "*/5 * * * *"),
    *("a in (b", "a=b,!c", "metadata.name=web", "ClusterIP", "ExternalName", "Recreate", "RollingUpdate", "Apply"),
)
_NUMBERS = (0, 1, -1, 2, 80, 65536, 2**31, -(2**31), 2**63 - 1)
_JUNK: tuple[Any, ...] = (
    *(None, True, 1.5, -0.0, 10**25, "text", "", [], {}, [[]], [None], {"a": None}, {"": ""}, [{"name": 1}]),
    {"name": []},
    {"$patch": "delete"},
)
#: The media types of patches.
_PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
_DEPTH = 7
#: Tells of the body of a request as much as a person reads.
_SHOWN = 2000


@dataclass(frozen=True)
class FuzzedRequest:
    method: str
    path: str
    content_type: str = ""
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {self.path[:_SHOWN]} {self.content_type} {self.body[:_SHOWN]!r}"


@dataclass(frozen=True)
class Operation:
    """What a document says of one method of one path."""

    method: str
    path: str
    details: Schema


def operations(document: Schema) -> Iterator[Operation]:
    for path, methods in sorted(document["paths"].items()):
        for method, details in sorted(methods.items()):
            if method in ("get", "post", "put", "patch", "delete"):
                yield Operation(method.upper(), path, details)


class Fuzzer:
    """Requests by `random`: the same for the same seed. `schemas` are the components of the operations' document."""

    def __init__(self, random_: random.Random, schemas: Schema) -> None:
        self._random = random_
        self._schemas = schemas
        #: The share of values that are not of their type.
        self._junk = 0.0

    def request(self, operation: Operation) -> FuzzedRequest:
        self._junk = self._random.choice((0.0, 0.0, 0.01, 0.2))
        path = "/".join(self._segment(part) for part in operation.path.split("/"))
        query = self._query(operation.details.get("parameters", ()))
        target = f"{path}?{query}" if query else path
        if operation.method == "GET":
            return FuzzedRequest("GET", target)
        content_type = self._random.choice(_PATCHES) if operation.method == "PATCH" else "application/json"
        value = self._body(operation, content_type)
        return FuzzedRequest(operation.method, target, content_type, json.dumps(value).encode())

    def _segment(self, part: str) -> str:
        if not part.startswith("{"):
            return part
        likely = "default" if part == "{namespace}" else "web"
        return quote(self._random.choice(_STRINGS) if self._chance(0.1) else likely, safe="")

    def _query(self, parameters: Any) -> str:
        """Not `watch`, which would go on."""
        chosen = [one["name"] for one in parameters if one["in"] == "query" and self._chance(0.2)]
        return urlencode({name: self._random.choice(_STRINGS) for name in chosen if name not in ("watch", "follow")})

    def _body(self, operation: Operation, content_type: str) -> Any:
        if content_type == _PATCHES[0]:
            return [self._json_patch() for _ in range(self._random.randint(0, 3))]
        schema = self._schema_of(operation)
        value = self._value(schema, 0)
        if isinstance(value, dict) and not self._chance(self._junk):
            self._name(value, operation)
        return value

    def _name(self, obj: dict[str, Any], operation: Operation) -> None:
        """Most objects are of their endpoint: else nothing but that would be found."""
        kind = operation.details.get("x-kubernetes-group-version-kind") or {}
        if kind and operation.method != "DELETE":
            group = kind["group"] + "/" if kind["group"] else ""
            obj |= {"apiVersion": group + kind["version"], "kind": kind["kind"]}
            meta = obj.setdefault("metadata", {})
            if isinstance(meta, dict):
                meta.pop("namespace", None)
                meta.pop("resourceVersion", None)
                meta["name"] = "web"

    def _schema_of(self, operation: Operation) -> Schema:
        """Of a patch, that of the object it answers with."""
        details = operation.details
        content = (details.get("requestBody") or details["responses"]["200"])["content"]
        schema = next(iter(content.values()))["schema"]
        if operation.method == "PATCH":
            schema = next(iter(details["responses"]["200"]["content"].values()))["schema"]
        return schema  # type: ignore[no-any-return]

    def _json_patch(self) -> Any:
        if self._chance(0.1):
            return self._random.choice(_JUNK)
        pointer = self._random.choice(
            ("", "/", "/spec", "/metadata/labels/a~1b", "/metadata", "/spec/x/-", "/a/9", "~")
        )
        step = {"op": self._random.choice(("add", "remove", "replace", "move", "copy", "test", "?")), "path": pointer}
        return step | {
            "value": self._random.choice(_JUNK),
            "from": self._random.choice(("/spec", "/metadata", "", "x")),
        }

    def _value(self, schema: Schema, depth: int) -> Any:
        if self._chance(self._junk):
            return self._random.choice(_JUNK)
        schema = self._resolved(schema)
        kind = schema.get("type")
        if kind == "array":
            items = schema.get("items", {})
            return [self._value(items, depth + 1) for _ in range(self._random.randint(0, 2 if depth < _DEPTH else 0))]
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind in ("integer", "number"):
            return self._random.choice(_NUMBERS)
        if kind == "boolean":
            return self._chance(0.5)
        return self._random.choice(_STRINGS) if kind == "string" else self._random.choice(_JUNK)

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        share = 0.6 if len(properties) < 6 else 0.25
        chosen = [name for name in sorted(properties) if name in required or (depth < _DEPTH and self._chance(share))]
        found = {name: self._value(properties[name], depth + 1) for name in chosen}
        if isinstance(more := schema.get("additionalProperties"), Mapping) and depth < _DEPTH:
            found |= {self._random.choice(_STRINGS): self._value(more, depth + 1) for _ in range(2)}
        if self._chance(self._junk):
            found[self._random.choice(_STRINGS)] = self._random.choice(_JUNK)
        return found

    def _resolved(self, schema: Schema) -> Schema:
        while True:
            if "allOf" in schema:
                schema = schema["allOf"][0]
            elif "oneOf" in schema:
                schema = self._random.choice(schema["oneOf"])
            elif "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
            else:
                return schema

    def _chance(self, share: float) -> bool:
        return self._random.random() < share
