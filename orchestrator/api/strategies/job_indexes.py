"""Sets of completion indexes as a Job writes them: `1,3-5,7`."""

from __future__ import annotations

import re
from collections.abc import Iterator

Interval = tuple[int, int]


def count(text: str, completions: int) -> int:
    """How many indexes there are. Raises ValueError, as `intervals`."""
    return sum(last - first + 1 for first, last in intervals(text, completions))


def intervals(text: str, completions: int) -> Iterator[Interval]:
    """First and last index of each interval. Raises ValueError: no numbers, out of order, not below `completions`."""
    previous = -1
    for part in text.split(",") if text else ():
        first, last = _interval(part, completions)
        if previous >= first:
            raise ValueError(_out_of_order(previous, first))
        yield first, last
        previous = last


def overlap(one: str, other: str, completions: int) -> int | None:
    """An index that is in both sets. Raises ValueError, as `intervals`."""
    left, right = list(intervals(one, completions)), list(intervals(other, completions))
    while left and right:
        (first, last), (other_first, other_last) = left[-1], right[-1]
        if first <= other_last and other_first <= last:
            return max(first, other_first)
        # From the end: of the two, the one that begins later meets nothing that is left.
        (left if first > other_first else right).pop()
    return None


def _interval(text: str, completions: int) -> Interval:
    ends = text.split("-")
    if len(ends) > 2:
        what = f'the fragment "{text}" violates the requirement that an index interval'
        raise ValueError(f"{what} can have at most two parts separated by '-'")
    first, last = _index(ends[0], completions), _index(ends[-1], completions)
    if len(ends) == 2 and first >= last:
        raise ValueError(_out_of_order(first, last))
    return first, last


def _index(text: str, completions: int) -> int:
    if not re.fullmatch("[0-9]{1,10}", text):
        raise ValueError(f'cannot convert string to integer for index: "{text}"')
    if int(text) >= completions:
        raise ValueError(f'too large index: "{text}"')
    return int(text)


def _out_of_order(previous: int, current: int) -> str:
    return f"non-increasing order, previous: {previous}, current: {current}"
