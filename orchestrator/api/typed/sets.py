"""The fields that a value has."""

from __future__ import annotations

from typing import Any

from orchestrator.api.fieldset import LEAF, SELF, FieldSet, Tree, is_member, node
from orchestrator.api.schema import Field
from orchestrator.api.typed.shape import Shape, below, is_list, is_map, is_named, item_element, under


def applied_fields(shape: Shape, value: Any) -> FieldSet:
    """What a manager owns that applied `value`: leaves, keys of maps, items of lists; not the structs around them."""
    return FieldSet(_applied(shape, value) or {})


def _applied(shape: Shape, value: Any) -> Tree | None:
    """What stands under the value's element; None when there is nothing to own."""
    if is_map(shape, value):
        return _applied_map(shape, value) if value else LEAF
    if is_list(shape, value):
        assert shape is not None
        return _applied_list(shape, value) or None
    return LEAF


def _applied_map(shape: Shape, value: Any) -> Tree | None:
    tree: Tree = {}
    for key, inner in value.items():
        found = _applied(under(shape, key), inner)
        if not is_named(shape, key):
            tree[f"f:{key}"] = node(found or {}, member=True)
        elif found is not None:
            tree[f"f:{key}"] = found
    return tree or None


def _applied_list(shape: Field, value: list[Any]) -> Tree:
    return {item_element(shape, item): node(_applied(shape.items, item) or {}, member=True) for item in value}


def all_fields(shape: Shape, value: Any) -> Tree:
    """What stands under the element of a value that is new (or gone) as a whole: every level of it is a member."""
    if is_map(shape, value):
        return node({f"f:{key}": all_fields(under(shape, key), inner) for key, inner in value.items()}, member=True)
    if is_list(shape, value):
        assert shape is not None
        inner = {item_element(shape, item): all_fields(shape.items, item) for item in value}
        return node(inner, member=True)
    return LEAF


def with_structs(shape: Shape, fields: FieldSet) -> FieldSet:
    """The set with each struct in it that has a member below.

    A struct lives as long as something in it has an owner, although nobody owns the struct itself.
    """
    return FieldSet(_with_structs(shape, fields.tree))


def _with_structs(shape: Shape, tree: Tree) -> Tree:
    result: Tree = {}
    for element, inner in tree.items():
        if element == SELF:
            continue
        named = element.startswith("f:") and is_named(shape, element[2:])
        result[element] = node(_with_structs(below(shape, element), inner), member=named or is_member(inner))
    return result
