"""Fields that the schema does not know are dropped."""

from __future__ import annotations

from typing import Any

from orchestrator.api.crd import embedded
from orchestrator.api.crd.node import TYPE_AND_METADATA, Node
from orchestrator.api.meta import Object


def prune(node: Node, obj: Object) -> list[str]:
    """Drop, in place, what `node` does not know; the dotted paths of it, sorted (`spec.list[0].field`)."""
    dropped: list[str] = []
    _prune(node, obj, "", dropped)
    return sorted(dropped)


def prune_value(node: Node, value: Any) -> None:
    """The same of any value."""
    _prune(node, value, "", [])


def _prune(node: Node | None, value: Any, path: str, dropped: list[str]) -> None:
    if isinstance(value, dict):
        _prune_object(node, value, path, dropped)
    elif isinstance(value, list):
        preserve = node is not None and node.preserve
        if preserve and node is not None and node.items is None:
            return
        for index, item in enumerate(value):
            _prune(node.items if node is not None else None, item, f"{path}[{index}]", dropped)


def _prune_object(node: Node | None, value: Object, path: str, dropped: list[str]) -> None:
    for key in list(value):
        field = f"{path}.{key}" if path else key
        if node is not None and node.embedded and key in TYPE_AND_METADATA:
            # The root's metadata is the server's business, like that of any kind.
            if path and key == "metadata":
                dropped += embedded.prune_metadata(value, field)
            continue
        inner = node.under(key) if node is not None else None
        if inner is not None:
            _prune(inner, value[key], field, dropped)
        elif node is not None and node.any_additional and not node.preserve:
            _prune(None, value[key], field, dropped)
        elif node is None or not node.preserve:
            del value[key]
            dropped.append(field)
