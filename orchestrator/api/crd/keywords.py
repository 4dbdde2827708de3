"""The keywords of a schema that check one value by itself: a table of what each says of a value that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from orchestrator.api.crd import formats, patterns
from orchestrator.api.errors import FieldError, invalid, not_supported, show, too_long, too_many
from orchestrator.api.meta import Object

#: What is wrong with a value at a path; None when nothing is.
Test = Callable[[str, Any], FieldError | None]

_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def type_name(value: Any) -> str:
    """JSON Schema's name of a value's type; a whole number is an integer, however it is written."""
    if isinstance(value, float) and value.is_integer():
        return "integer"
    return _NAMES.get(type(value), "null")


def tests(schema: Object) -> dict[str, tuple[Test, ...]]:
    """The tests of a schema by the type of the values they are for; those of any value under "enum"."""
    numbers = (*_made(schema, _NUMBERS), *_bounds(schema))
    found = {
        "string": (*_made(schema, _STRINGS), *_format(schema)),
        "integer": numbers,
        "number": numbers,
        "array": _made(schema, _ARRAYS),
        "object": _made(schema, _OBJECTS),
        "enum": (_enum(schema["enum"]),) if schema.get("enum") else (),
    }
    return {name: made for name, made in found.items() if made or name == "enum"}


def _made(schema: Object, table: Mapping[str, Callable[[Any], Test]]) -> tuple[Test, ...]:
    return tuple(make(schema[name]) for name, make in table.items() if schema.get(name) is not None)


def _test(holds: Callable[[Any], bool], sentence: str, shown: Callable[[Any], Any] = lambda value: value) -> Test:
    """A test whose error shows the value (or `shown` of it), and says "PATH in body SENTENCE"."""

    def test(path: str, value: Any) -> FieldError | None:
        return None if holds(value) else invalid(path or "<nil>", shown(value), f"{path} in body {sentence}")

    return test


def _bounds(schema: Object) -> Iterable[Test]:
    if (most := schema.get("maximum")) is not None:
        if schema.get("exclusiveMaximum"):
            yield _test(lambda value: value < most, f"should be less than {_number(most)}")
        else:
            yield _test(lambda value: value <= most, f"should be less than or equal to {_number(most)}")
    if (least := schema.get("minimum")) is not None:
        if schema.get("exclusiveMinimum"):
            yield _test(lambda value: value > least, f"should be greater than {_number(least)}")
        else:
            yield _test(lambda value: value >= least, f"should be greater than or equal to {_number(least)}")


def _multiple_of(factor: float) -> Test:
    exact = Decimal(str(factor))

    def holds(value: float) -> bool:
        # Very large quotients have no exact remainder here, and none in Kubernetes' floats either.
        quotient = Decimal(str(value)) / exact
        return quotient == quotient.to_integral_value()

    return _test(holds, f"should be a multiple of {_number(factor)}")


def _max_length(limit: int) -> Test:
    """In characters, although the sentence that Kubernetes has for it says bytes."""
    return lambda path, value: too_long(path or "<nil>", limit) if len(value) > limit else None


def _min_length(limit: int) -> Test:
    return _test(lambda value: len(value) >= limit, f"should be at least {limit} chars long")


def _pattern(pattern: str) -> Test:
    return _test(patterns.matcher(pattern), f"should match '{pattern}'")


def _max_size(limit: int) -> Test:
    return lambda path, value: too_many(path or "<nil>", len(value), limit) if len(value) > limit else None


def _min_items(limit: int) -> Test:
    return _test(lambda value: len(value) >= limit, f"should have at least {limit} items", len)


def _min_properties(limit: int) -> Test:
    return _test(lambda value: len(value) >= limit, f"should have at least {limit} properties", len)


_NUMBERS = {"multipleOf": _multiple_of}
_STRINGS: Mapping[str, Callable[[Any], Test]] = {
    "maxLength": _max_length,
    "minLength": _min_length,
    "pattern": _pattern,
}
_ARRAYS = {"minItems": _min_items, "maxItems": _max_size}
_OBJECTS = {"minProperties": _min_properties, "maxProperties": _max_size}


def _format(schema: Object) -> Iterable[Test]:
    name = str(schema.get("format") or "").replace("-", "")
    holds = formats.check(name)
    if holds is None:
        return

    def test(path: str, value: Any) -> FieldError | None:
        if holds(value):
            return None
        sentence = f"Invalid value: {show(value)}: {path} in body must be of type {schema['format']}: {show(value)}"
        return FieldError(path or "<nil>", "FieldValueTypeInvalid", sentence)

    yield test


def _enum(options: Sequence[Any]) -> Test:
    known = {_plain(option) for option in options}
    shown = [option if isinstance(option, str) else show(option) for option in options]
    return lambda path, value: None if _plain(value) in known else not_supported(path or "<nil>", value, shown)


def _plain(value: Any) -> Any:
    """Hashable, and equal for values that are the same JSON (true is not 1, but 1.0 is)."""
    if isinstance(value, dict):
        return ("object", frozenset((key, _plain(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return ("array", tuple(map(_plain, value)))
    return (isinstance(value, bool), value)


def _number(value: float) -> str:
    """As Go's %v writes a float: 10, 0.5, 1e+21."""
    text = repr(float(value))
    if 1e-4 <= abs(value) < 1e21:
        text = f"{Decimal(text):f}"
    return text.removesuffix(".0")
