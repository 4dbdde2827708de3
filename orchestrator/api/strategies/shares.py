"""IntOrString fields that are a number of pods or a percentage of them: `maxUnavailable`, `minAvailable` ..."""

from __future__ import annotations

from typing import Any

from orchestrator.api.checks import NOT_NEGATIVE, Errors, obeys
from orchestrator.api.errors import invalid
from orchestrator.api.names import percentage


def share(value: Any, field: str) -> Errors:
    """A count that is not negative, or a percentage."""
    if isinstance(value, str):
        yield from obeys(field, value, percentage)
    elif (value or 0) < 0:
        yield invalid(field, value, NOT_NEGATIVE)


def no_more_than_all(value: Any, field: str) -> Errors:
    if isinstance(value, str) and _percent(value) > 100:
        yield invalid(field, value, "must not be greater than 100%")


def is_zero(value: Any) -> bool:
    return _percent(value) == 0 if isinstance(value, str) else not value


def _percent(text: str) -> int:
    """The number of a percentage, -1 for what is none; of a very long one only that it is large."""
    return -1 if percentage(text) else int(text[:-1].lstrip("0")[:9] or "0")
