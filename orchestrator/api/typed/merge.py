"""An applied configuration merged into an object, and fields taken out of an object. Nothing is changed in place."""

from __future__ import annotations

from collections import deque
from typing import Any

from orchestrator.api.fieldset import FieldSet, Tree, is_member
from orchestrator.api.schema import Field
from orchestrator.api.typed.shape import Shape, is_list, is_map, item_element, items, under


def merge(shape: Shape, live: Any, applied: Any) -> Any:
    """`live` with what `applied` says. The result shares its parts with both."""
    if is_map(shape, live) and is_map(shape, applied):
        merged = dict(live)
        for key, value in applied.items():
            merged[key] = merge(under(shape, key), live[key], value) if key in live else value
        return merged
    if is_list(shape, live) and is_list(shape, applied):
        assert shape is not None
        return _merge_lists(shape, live, applied)
    return applied


def _merge_lists(shape: Field, live: list[Any], applied: list[Any]) -> list[Any]:
    """The applied items in their order, and the others of the live list where they stand between them.

    Going through the live list: an item that is not applied stays; one that is the next in the applied order brings
    the new ones before it along; one whose turn comes later waits for it.
    """
    there, wanted = items(shape, live), items(shape, applied)

    def merged(element: str) -> Any:
        before = there.get(element, ())
        return merge(shape.items, before[0], wanted[element][0]) if len(before) == 1 else wanted[element][0]

    result: list[Any] = []
    coming = deque(wanted)
    shared = deque(element for element in wanted if element in there)
    for item in live:
        element = item_element(shape, item)
        if element not in wanted:
            result.append(item)
        elif shared and element == shared[0]:
            shared.popleft()
            while (upcoming := coming.popleft()) != element:
                result.append(merged(upcoming))
            result.append(merged(element))
    return result + [merged(element) for element in coming]


def remove(shape: Shape, value: Any, fields: FieldSet) -> Any:
    """`value` without its parts that `fields` names; what is left empty by it goes too. None when nothing stays."""
    return _remove(shape, value, fields.tree)


def _remove(shape: Shape, value: Any, tree: Tree) -> Any:
    if not value:
        return value
    if is_map(shape, value):
        return _remove_keys(shape, value, tree) or None
    if is_list(shape, value):
        assert shape is not None
        return _remove_items(shape, value, tree) or None
    return value


def _remove_keys(shape: Shape, value: dict[str, Any], tree: Tree) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        below = tree.get(f"f:{key}")
        if below is None:
            kept[key] = inner
        elif not is_member(below) and (rest := _remove(under(shape, key), inner, below)) is not None:
            kept[key] = rest
    return kept


def _remove_items(shape: Field, value: list[Any], tree: Tree) -> list[Any]:
    kept: list[Any] = []
    for item in value:
        below = tree.get(item_element(shape, item))
        if below is None:
            kept.append(item)
        elif not is_member(below) and (rest := _remove(shape.items, item, below)) is not None:
            kept.append(rest)
    return kept
