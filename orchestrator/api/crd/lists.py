"""Lists that are sets or maps: no item and no key comes twice."""

from __future__ import annotations

from typing import Any

import orjson

from orchestrator.api.crd.node import Node
from orchestrator.api.errors import FieldError, duplicate, invalid
from orchestrator.api.meta import Object


def validate(root: Node, obj: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    _walk(root, obj, "", errors)
    return errors


def _walk(node: Node | None, value: Any, path: str, errors: list[FieldError]) -> None:
    if node is None:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in node.properties:
                _walk(node.properties[key], inner, f"{path}.{key}" if path else key, errors)
            else:
                _walk(node.additional, inner, f"{path}[{key}]", errors)
    elif isinstance(value, list):
        errors += _list(node, value, path)
        for index, item in enumerate(value):
            _walk(node.items, item, f"{path}[{index}]", errors)


def _list(node: Node, value: list[Any], path: str) -> list[FieldError]:
    if node.list_type == "set":
        return _duplicates(value, path)
    if node.list_type != "map":
        return []
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            return [invalid(f"{path}[{index}]", item, "must be an object for an array of list-type map")]
    keys = [{key: item[key] for key in node.list_map_keys if key in item} if item else {} for item in value]
    return _duplicates(keys, path)


def _duplicates(values: list[Any], path: str) -> list[FieldError]:
    """One error for each value that is there more than once, at its second place."""
    seen: dict[bytes, int] = {}
    errors: list[FieldError] = []
    for index, value in enumerate(values):
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        seen[text] = seen.get(text, 0) + 1
        if seen[text] == 2:
            errors.append(duplicate(f"{path}[{index}]", value))
    return errors
