"""Schedules of CronJobs: `*/5 8-18 * * mon-fri`, `@daily`, `@every 90m`.

Grammar and sentences are those of Kubernetes' parser, github.com/robfig/cron (`ParseStandard`). No cron library for
Python accepts the same: they know 7 as Sunday, `L` and `#`, do not know `?` and `@every`, or, like APScheduler's
CronTrigger, take 0 as Monday.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.api.times import duration_seconds

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
#: Go's duration: `1h30m`, `1.5s`.
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_DURATION = re.compile(rf"[-+]?(?:0|(?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h))+)")
#: Digits of a number at most; more is nothing that fits.
_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class _Range:
    """What a field of the schedule may hold."""

    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)


_FIELDS = (
    _Range(0, 59),
    _Range(0, 23),
    _Range(1, 31),
    _Range(1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _Range(0, 6, {name: number for number, name in enumerate(_WEEKDAYS)}),
)


@dataclass(frozen=True, slots=True)
class Times:
    """The moments that match: every field does, but of `days` and `weekdays` one is enough where both are limited.

    0 is Sunday. The limits are kept apart: `*` matches every day, and so does `1-31`, but only `*` leaves the choice to
    the other field.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again after so many seconds, counted from the start."""

    seconds: float


Schedule = Times | Every


def parse(text: str) -> Schedule:
    """Raises ValueError with a sentence for the user. A day that never comes, such as 31 February, is no error."""
    if not text:
        raise ValueError("empty spec string")
    if text.startswith(_EVERY):
        return Every(_duration(text))
    if text.startswith("@") and text not in _MACROS:
        raise ValueError(f"unrecognized descriptor: {text}")
    fields = _MACROS.get(text, text).split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"expected exactly {len(_FIELDS)} fields, found {len(fields)}: [{' '.join(fields)}]")
    minutes, hours, days, months, weekdays = map(_numbers, fields, _FIELDS)
    return Times(minutes, hours, days, months, weekdays, any_day=_is_any(fields[2]), any_weekday=_is_any(fields[4]))


def _is_any(text: str) -> bool:
    """A star, or with a step of one the same: the field does not limit."""
    return any(re.fullmatch(r"[*?](/0*1)?", part) for part in text.split(","))


def _numbers(text: str, bounds: _Range) -> frozenset[int]:
    """`1,10-20/5`: a list of ranges."""
    parts = [part for part in text.split(",") if part]
    return frozenset(number for part in parts for number in _range(part, bounds))


def _range(text: str, bounds: _Range) -> range:
    """`*`, `5`, `1-5`, each also with `/step`; `5/2` begins at 5 and ends where the field ends."""
    span, *steps = text.split("/")
    ends = span.split("-")
    if len(ends) > 2:
        raise ValueError(f"too many hyphens: {text}")
    if len(steps) > 1:
        raise ValueError(f"too many slashes: {text}")
    if ends[0] in ("*", "?"):
        low, high = bounds.low, bounds.high
    else:
        low = _named(ends[0], bounds)
        high = _named(ends[-1], bounds) if len(ends) == 2 or not steps else bounds.high
    step = _integer(steps[0]) if steps else 1
    _check(low, high, step, bounds, text)
    return range(low, high + 1, step)


def _check(low: int, high: int, step: int, bounds: _Range, text: str) -> None:
    if low < bounds.low:
        raise ValueError(f"beginning of range ({low}) below minimum ({bounds.low}): {text}")
    if high > bounds.high:
        raise ValueError(f"end of range ({high}) above maximum ({bounds.high}): {text}")
    if low > high:
        raise ValueError(f"beginning of range ({low}) beyond end of range ({high}): {text}")
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {text}")


def _named(text: str, bounds: _Range) -> int:
    name = text.lower()
    return bounds.names[name] if name in bounds.names else _integer(text)


def _integer(text: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]+", text):
        raise ValueError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    digits = text.lstrip("+-").lstrip("0")
    if text.startswith("-") and digits:
        raise ValueError(f"negative number ({text}) not allowed: {text}")
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": value out of range')
    return int(digits or "0")


def _duration(text: str) -> float:
    """Seconds, at least one."""
    duration = text.removeprefix(_EVERY)
    if not _DURATION.fullmatch(duration):
        raise ValueError(f'failed to parse duration {text}: time: invalid duration "{duration}"')
    return max(1.0, float(int(duration_seconds(duration))))
