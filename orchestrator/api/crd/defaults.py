"""Defaults: where a field is missing, or null although it must not be."""

from __future__ import annotations

import copy
from typing import Any

from orchestrator.api.crd.node import Node


def drop_nulls(node: Node | None, value: Any) -> None:
    """Drop, in place, nulls of known fields that allow no null and have no default to put in their place."""
    if node is None:
        return
    if isinstance(value, dict):
        for key in list(value):
            inner = node.under(key)
            if value[key] is None and inner is not None and not inner.nullable and inner.default is None:
                del value[key]
            else:
                drop_nulls(inner, value[key])
    elif isinstance(value, list):
        for item in value:
            drop_nulls(node.items, item)


def default(node: Node | None, value: Any) -> None:
    """Fill in defaults, in place, also within what was filled in."""
    if node is None:
        return
    if isinstance(value, dict):
        for key, inner in node.properties.items():
            if inner.default is not None and (key not in value or _is_wrong_null(inner, value[key])):
                value[key] = copy.deepcopy(inner.default)
        for key in value:
            value[key] = _within(node.under(key), value[key])
    elif isinstance(value, list):
        value[:] = [_within(node.items, item) for item in value]


def _within(node: Node | None, value: Any) -> Any:
    if node is not None and _is_wrong_null(node, value):
        value = copy.deepcopy(node.default)
    default(node, value)
    return value


def _is_wrong_null(node: Node, value: Any) -> bool:
    return value is None and not node.nullable
