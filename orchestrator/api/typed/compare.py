"""What changed from one value to another, as sets of fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.api.fieldset import LEAF, FieldSet, Tree, node
from orchestrator.api.schema import Field
from orchestrator.api.typed.sets import all_fields
from orchestrator.api.typed.shape import Shape, is_list, is_map, items, under


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is added or removed as a whole is a member at every level; a modified field is a leaf."""

    added: FieldSet
    modified: FieldSet
    removed: FieldSet

    @property
    def written(self) -> FieldSet:
        return self.added | self.modified


def compare(shape: Shape, old: dict[str, Any], new: dict[str, Any]) -> Comparison:
    changes = _compare(shape, old, new)
    return Comparison(FieldSet(changes.added), FieldSet(changes.modified), FieldSet(changes.removed))


@dataclass(slots=True)
class _Changes:
    """Of one value: what stands under its element in each of the sets, nothing where the set has nothing there."""

    added: Tree
    modified: Tree
    removed: Tree

    def take(self, element: str, below: _Changes | None) -> None:
        """The changes of a part; None when it is changed as a whole."""
        if below is None:
            self.modified[element] = LEAF
            return
        if below.added:
            self.added[element] = below.added
        if below.modified:
            self.modified[element] = below.modified
        if below.removed:
            self.removed[element] = below.removed


def _compare(shape: Shape, old: Any, new: Any) -> _Changes:
    return _parts(shape, old, new) or _Changes({}, {}, {})


def _parts(shape: Shape, old: Any, new: Any) -> _Changes | None:
    """The changes by parts; None for values that do not fall into parts (two that are empty, too)."""
    if not old and not new:
        return None
    if is_map(shape, old) and is_map(shape, new):
        return _maps(shape, old, new)
    if is_list(shape, old) and is_list(shape, new):
        assert shape is not None
        return _lists(shape, old, new)
    return None


def _maps(shape: Shape, old: dict[str, Any], new: dict[str, Any]) -> _Changes:
    changes = _Changes({}, {}, {})
    for key, value in new.items():
        if key not in old:
            changes.added[f"f:{key}"] = all_fields(under(shape, key), value)
        elif value != (before := old[key]):
            changes.take(f"f:{key}", _parts(under(shape, key), before, value))
    for key, before in old.items():
        if key not in new:
            changes.removed[f"f:{key}"] = all_fields(under(shape, key), before)
    return changes


def _lists(shape: Field, old: list[Any], new: list[Any]) -> _Changes:
    changes = _Changes({}, {}, {})
    olds, news = items(shape, old), items(shape, new)
    for element, group in news.items():
        before = olds.get(element)
        if before is None:
            changes.added[element] = _whole(shape, group)
        elif len(group) > 1 or len(before) > 1:
            # Items that cannot be told apart are one thing.
            if group != before:
                changes.modified[element] = LEAF
        elif group != before:
            changes.take(element, _parts(shape.items, before[0], group[0]))
    for element, before in olds.items():
        if element not in news:
            changes.removed[element] = _whole(shape, before)
    return changes


def _whole(shape: Field, group: list[Any]) -> Tree:
    return all_fields(shape.items, group[0]) if len(group) == 1 else node({}, member=True)
