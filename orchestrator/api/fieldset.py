"""Sets of field paths, as `metadata.managedFields` keeps them (FieldsV1).

A path is a tuple of elements, each a string with its kind in front, as the JSON form spells them:

    f:NAME     a field of an object, or a key of a map
    k:{...}    an item of a list, by the values of its keys: `k:{"name":"web"}`
    v:VALUE    an item of a set, by its value (JSON)
    i:INDEX    an item of a list, by its place

The JSON form is a tree of elements, and it is also the form in memory, so that reading and writing cost nothing: an
element with nothing below is a member; one with others below is a member if `.` is among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

#: A path's elements -> what is below each. Never changed once it is in a set: sets share their parts.
Tree = dict[str, Any]
Path = tuple[str, ...]

SELF = "."
LEAF: Tree = {}
_KINDS = ("f:", "k:", "v:", "i:")


@dataclass(frozen=True, slots=True)
class FieldSet:
    """An immutable set of paths. `tree` is its FieldsV1."""

    tree: Tree = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterable[Path]) -> FieldSet:
        result = EMPTY
        for path in paths:
            node: Tree = LEAF
            for element in reversed(path):
                node = {element: node}
            result |= cls(node)
        return result

    @classmethod
    def from_json(cls, value: Any) -> FieldSet:
        """Raises ValueError when `value` is no FieldsV1."""
        if not isinstance(value, dict):
            raise ValueError("a set of fields is an object")
        return cls(_normal({element: node for element, node in value.items() if element != SELF}))

    def __bool__(self) -> bool:
        return bool(self.tree)

    def __contains__(self, path: Path) -> bool:
        node = self.tree
        for element in path:
            if (below := node.get(element)) is None:
                return False
            node = below
        return is_member(node)

    def __iter__(self) -> Iterator[Path]:
        """The members; a parent comes before what is below it."""
        return _paths(self.tree, ())

    def __or__(self, other: FieldSet) -> FieldSet:
        return FieldSet(_union(self.tree, other.tree)) if other.tree else self

    def __and__(self, other: FieldSet) -> FieldSet:
        return FieldSet(_intersection(self.tree, other.tree))

    def __sub__(self, other: FieldSet) -> FieldSet:
        return FieldSet(_difference(self.tree, other.tree)) if other.tree else self


EMPTY = FieldSet()


def is_member(node: Tree) -> bool:
    return not node or SELF in node


def node(below: Tree, *, member: bool) -> Tree:
    """What stands under an element that has `below` below it; with nothing below it is always a member."""
    return {SELF: LEAF, **below} if member and below else below


def show(path: Path) -> str:
    """As Kubernetes' messages spell it: `.spec.containers[name="web"].image`."""
    return "".join(_show(element[:2], element[2:]) for element in path)


def _show(kind: str, text: str) -> str:
    if kind == "f:":
        return f".{text}"
    if kind == "k:":
        keys = orjson.loads(text)
        return f"[{','.join(f'{key}={orjson.dumps(value).decode()}' for key, value in keys.items())}]"
    return f"[={text}]" if kind == "v:" else f"[{text}]"


def _normal(tree: Tree) -> Tree:
    """Every level checked; `.` alone is the same as nothing below."""
    normal: Tree = {}
    for element, below in tree.items():
        if element != SELF and element[:2] not in _KINDS:
            raise ValueError(f"no element of a path: {element}")
        if not isinstance(below, dict):
            raise ValueError(f"what stands under {element} is no object")
        normal[element] = _close(_normal(below))
    return normal


def _open(node: Tree) -> Tree:
    """A member spelled out, so that the algebra needs no case for it."""
    return node or {SELF: LEAF}


def _close(node: Tree) -> Tree:
    return LEAF if len(node) == 1 and SELF in node else node


def _union(left: Tree, right: Tree) -> Tree:
    union = dict(left)
    for element, below in right.items():
        own = union.get(element)
        union[element] = below if own is None or own == below else _close(_union(_open(own), _open(below)))
    return union


def _intersection(left: Tree, right: Tree) -> Tree:
    common: Tree = {}
    for element, own in left.items():
        below = right.get(element)
        if below == own:
            common[element] = own
        elif below is not None and (both := _intersection(_open(own), _open(below))):
            common[element] = _close(both)
    return common


def _difference(left: Tree, right: Tree) -> Tree:
    rest: Tree = {}
    for element, own in left.items():
        below = right.get(element)
        if below is None:
            rest[element] = own
        elif below != own and (kept := _difference(_open(own), _open(below))):
            rest[element] = _close(kept)
    return rest


def _paths(tree: Tree, above: Path) -> Iterator[Path]:
    for element, below in tree.items():
        if element == SELF:
            continue
        path = (*above, element)
        if is_member(below):
            yield path
        yield from _paths(below, path)
