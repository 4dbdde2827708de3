"""Whether an applied configuration can be merged at all: its lists must tell their items apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.api.fieldset import Path, show
from orchestrator.api.schema import Field
from orchestrator.api.typed.shape import Shape, is_list, is_map, item_element, item_key, items, under


def problems(shape: Shape, value: Any, path: Path = ()) -> Iterator[str]:
    """A sentence for each list with items that lack a key, or that are the same."""
    if is_map(shape, value):
        for key, inner in value.items():
            yield from problems(under(shape, key), inner, (*path, f"f:{key}"))
    elif is_list(shape, value):
        assert shape is not None
        yield from _list(shape, value, path)


def _list(shape: Field, value: list[Any], path: Path) -> Iterator[str]:
    for index, item in enumerate(value):
        missing = [key for key in shape.list_map_keys if item_key(shape, item, key) is None]
        if missing:
            yield (
                f"{show(path)}: element {index}: associative list with keys has an element that omits key field "
                f'"{missing[0]}" (and doesn\'t have default value)'
            )
            return
    for element, group in items(shape, value).items():
        if len(group) > 1:
            yield f"{show(path)}: duplicate entries for key {show((element,))}"
    for item in value:
        yield from problems(shape.items, item, (*path, item_element(shape, item)))
