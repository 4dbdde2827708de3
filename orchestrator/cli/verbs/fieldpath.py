"""Fields by kubectl's JSONPath: `.metadata.name`, `.items[*]`, `['a.b']`, `[0:2]`, `..image`, `[?(@.type=="Ready")]`.

Own code, as no maintained library takes this dialect: names with escaped dots, filters without quotes around paths,
missing fields that are no error, and templates around the paths (`orchestrator.cli.verbs.jsonpath`). Pure.
Source: kubernetes.io/docs/reference/kubectl/jsonpath.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from orchestrator.cli.failure import Failure

#: From one value to those that a part of the path selects in it.
Step = Callable[[Any], Iterable[Any]]

_NAME = re.compile(r"\.?((?:\\.|[^.\[\]\\\s])+)")
_BRACKET = re.compile(
    r"""\[(?:\?\((?P<filter>(?:"[^"]*"|'[^']*'|[^"')])*)\)|(?P<inside>(?:"[^"]*"|'[^']*'|[^\]"'])*))\]"""
)
_SLICE = re.compile(r"(-?\d*):(-?\d*)(?::(\d+))?")
_COMPARISON = re.compile(r"(?P<left>.+?)\s*(?P<sign>==|!=|<=|>=|<|>)\s*(?P<right>.+)")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class FieldPath:
    """Parsed once, for many objects. Raises Failure when the text is no path."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._steps = list(self._parse(text.strip().removeprefix("$").removeprefix("@")))

    def find(self, value: Any) -> list[Any]:
        """All that the path selects; [] where a field is missing."""
        found = [value]
        for step in self._steps:
            found = [inner for each in found for inner in step(each)]
        return found

    def _parse(self, rest: str) -> Iterator[Step]:
        while rest and rest != ".":
            if rest.startswith(".."):
                yield _descend
                rest = rest[1:] if rest[2:3] != "[" else rest[2:]
            elif match := _BRACKET.match(rest.removeprefix(".") if rest.startswith(".[") else rest):
                yield self._bracket(match)
                rest = rest[match.end() + rest.startswith(".[") :]
            elif match := _NAME.match(rest):
                name = re.sub(r"\\(.)", r"\1", match[1])
                yield _every if name == "*" else _field(name)
                rest = rest[match.end() :]
            else:
                raise Failure(f"{self._text!r} is no path to a field: it goes wrong at {rest!r}")

    def _bracket(self, match: re.Match[str]) -> Step:
        if match["filter"] is not None:
            return _filter(match["filter"].strip())
        inside = match["inside"].strip()
        if inside == "*":
            return _every
        if inside[:1] in ("'", '"'):
            return _either([_field(name.strip().strip("'\"")) for name in inside.split(",")])
        if bounds := _SLICE.fullmatch(inside):
            start, stop, stride = (int(bound) if bound else None for bound in bounds.groups())
            return lambda value: value[start:stop:stride] if isinstance(value, list) else ()
        try:
            return _either([_item(int(number)) for number in inside.split(",")])
        except ValueError:
            raise Failure(f"{self._text!r} is no path to a field: what is [{inside}]?") from None


def _field(name: str) -> Step:
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else ()


def _item(index: int) -> Step:
    return lambda value: [value[index]] if isinstance(value, list) and -len(value) <= index < len(value) else ()


def _either(steps: list[Step]) -> Step:
    return lambda value: [found for step in steps for found in step(value)]


def _every(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _descend(value: Any) -> Iterator[Any]:
    yield value
    for inner in _every(value):
        yield from _descend(inner)


def _filter(condition: str) -> Step:
    """Those items of a list that have a field, or whose field compares so."""
    match = _COMPARISON.fullmatch(condition)
    if match is None:
        path = FieldPath(condition)
        return lambda value: [item for item in _every(value) if path.find(item)]
    left, right, compare = _operand(match["left"]), _operand(match["right"]), _SIGNS[match["sign"]]

    def holds(item: Any) -> bool:
        try:
            return any(compare(one, other) for one in left(item) for other in right(item))
        except TypeError:
            return False

    return lambda value: [item for item in _every(value) if holds(item)]


def _operand(text: str) -> Step:
    """A path from the item (`@.type`), or a value."""
    if text.startswith("@"):
        return FieldPath(text).find
    if text[:1] in ("'", '"') and text[-1:] == text[:1]:
        return lambda _: [text[1:-1]]
    try:
        value = json.loads(text)
    except ValueError:
        raise Failure(f"{text!r} in a filter is no value: put quotes around it") from None
    return lambda _: [value]
