"""From the bytes of a request to a JSON value, with the fields that were given twice.

Bodies come from anywhere: what could make the server run out of memory or stack is refused here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from orchestrator.api.errors import BadRequest, UnsupportedMediaType

#: Nothing in the API nests half as deep, and what nests deeper cannot be encoded again.
MAX_DEPTH = 120

_SPACES = b" \t\r\n"

JSON_TYPES = frozenset(
    {
        "",
        "application/json",
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
    }
)
YAML_TYPES = frozenset({"application/yaml", "application/apply-patch+yaml"})
PROTOBUF = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True, slots=True)
class Body:
    """`duplicates` are the dotted paths of the fields given twice; the last value counts."""

    value: Any
    duplicates: tuple[str, ...] = ()


def decode(data: bytes, content_type: str) -> Body:
    """JSON, YAML or Kubernetes' protobuf, by its media type (parameters are ignored; none means JSON).

    Raises BadRequest for a body that is not of its type, UnsupportedMediaType for another media type.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in JSON_TYPES:
        return _json(data)
    if media_type in YAML_TYPES:
        # Few clients send YAML, and its parser is large.
        from orchestrator.api import yaml_body

        return Body(*yaml_body.decode(data, MAX_DEPTH))
    if media_type == PROTOBUF:
        # Its table is large, and not every cluster sees a client that sends it.
        from orchestrator.api.protobuf.decode import decode as decode_protobuf

        return Body(decode_protobuf(data, lambda raw: _json(raw).value))
    supported = ", ".join(sorted((JSON_TYPES | YAML_TYPES | {PROTOBUF}) - {""}))
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {supported}"
    )


def _json(data: bytes) -> Body:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"couldn't get version/kind; json parse error: {error}") from None
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise BadRequest(f"json parse error: exceeded max depth of {MAX_DEPTH}")
    # What comes out as it went in, but for spaces, has no field twice.
    plain = orjson.dumps(value).translate(None, _SPACES) == data.translate(None, _SPACES)
    return Body(value) if plain else Body(value, tuple(_duplicates(data)))


def _depth(value: Any) -> int:
    """How deep lists and objects nest, found level by level, because recursion is what must be avoided."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


class _Repeating(dict[str, Any]):
    """An object of the body that gives fields more than once."""

    repeated: tuple[str, ...] = ()


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    repeating = _Repeating(value)
    repeating.repeated = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return repeating


def _duplicates(data: bytes) -> Iterator[str]:
    found: list[_Repeating] = []

    def hook(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = _pairs(pairs)
        if isinstance(value, _Repeating):
            found.append(value)
        return value

    value = json.loads(data, object_pairs_hook=hook)
    return _repeated(value, "") if found else iter(())


def _repeated(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Repeating):
        yield from (f"{path}{key}" for key in value.repeated)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _repeated(inner, f"{path}{key}." if isinstance(inner, dict) else f"{path}{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _repeated(inner, f"{path}[{index}].")
