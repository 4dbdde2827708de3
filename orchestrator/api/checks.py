"""Checks of single fields, from which the validators are made. Each yields what is wrong with one field."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from orchestrator.api.errors import FieldError, duplicate, invalid, not_supported, required
from orchestrator.api.meta import Object
from orchestrator.api.names import Rule

Errors = Iterator[FieldError]

NOT_NEGATIVE = "must be greater than or equal to 0"
IMMUTABLE = "field is immutable"
PORTS = (1, 65535)
MAX_INT32 = 2**31 - 1


def indexed(field: str, items: Iterable[Any] | None) -> Iterator[tuple[str, Any]]:
    """The items of a list with their paths: `spec.containers[0]`, ..."""
    return ((f"{field}[{index}]", item) for index, item in enumerate(items or ()))


def obeys(field: str, value: str, rule: Rule) -> Errors:
    """The value keeps the rule, even when it is empty."""
    return (invalid(field, value, problem) for problem in rule(value))


def follows(field: str, value: str | None, rule: Rule) -> Errors:
    """The value, when there is one, keeps the rule."""
    if value:
        yield from obeys(field, value, rule)


def named(field: str, value: str | None, rule: Rule) -> Errors:
    """There is a value, and it keeps the rule."""
    if not value:
        yield required(field)
    else:
        yield from obeys(field, value, rule)


def present(field: str, value: Any, detail: str = "") -> Errors:
    """There is a value that is not empty."""
    if not value:
        yield required(field, detail)


def one_of(field: str, value: str | None, options: Sequence[str]) -> Errors:
    """There is a value, and it is one of the options."""
    if not value:
        yield required(field)
    elif value not in options:
        yield not_supported(field, value, options)


def not_negative(obj: Object, path: str, *fields: str) -> Errors:
    """None of the number fields of `obj`, which lies at `path`, is below zero."""
    for field in fields:
        if (obj.get(field) or 0) < 0:
            yield invalid(f"{path}.{field}", obj[field], NOT_NEGATIVE)


def within(field: str, value: int | None, low: int, high: int) -> Errors:
    """The value, when there is one, is from `low` to `high`."""
    if value is not None and not low <= value <= high:
        yield invalid(field, value, f"must be between {low} and {high}, inclusive")


def unique(pairs: Iterable[tuple[str, Any]], taken: Collection[Any] = ()) -> Errors:
    """No value of the (path, value) pairs comes twice or is taken already; empty ones do not count."""
    seen = set(taken)
    for field, value in pairs:
        if value and value in seen:
            yield duplicate(field, value)
        seen.add(value)


def unchanged(field: str, new: Any, old: Any) -> Errors:
    if new != old:
        yield invalid(field, new, IMMUTABLE)
