"""Sets of completion indexes, kept as intervals: a Job may have millions, most of them in a row. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: First and last index.
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class IndexSet:
    """`intervals` are in order and neither meet nor overlap."""

    intervals: tuple[Interval, ...] = ()

    @classmethod
    def of(cls, indexes: Iterable[int]) -> IndexSet:
        return cls(_joined((index, index) for index in indexes))

    @classmethod
    def parse(cls, text: str, completions: int) -> IndexSet:
        """Of a Job's status or spec, which the server has checked: `0,2-5`. What is not below `completions`, as after
        a Job was made smaller, is left out."""
        parts = (part.split("-") for part in text.split(",") if part)
        ends = ((int(part[0]), min(int(part[-1]), completions - 1)) for part in parts)
        return cls(_joined((first, last) for first, last in ends if first <= last))

    def __contains__(self, index: int) -> bool:
        at = bisect_right(self.intervals, (index, float("inf"))) - 1
        return at >= 0 and index <= self.intervals[at][1]

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.intervals)

    def __or__(self, other: IndexSet) -> IndexSet:
        return IndexSet(_joined((*self.intervals, *other.intervals)))

    def shared(self, other: IndexSet) -> int:
        """How many indexes are in both."""
        return len(self) + len(other) - len(self | other)

    def missing(self, completions: int) -> Iterator[int]:
        """The indexes below `completions` that are not in the set, in order."""
        begin = 0
        for first, last in (*self.intervals, (completions, completions)):
            yield from range(begin, min(first, completions))
            begin = last + 1

    def __str__(self) -> str:
        """As Kubernetes writes it: `0,2-5,7,8`; two in a row are no range."""
        return ",".join(map(_text, self.intervals))


def _text(interval: Interval) -> str:
    first, last = interval
    if first == last:
        return str(first)
    return f"{first}{',' if first + 1 == last else '-'}{last}"


def _joined(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    joined: list[Interval] = []
    for first, last in sorted(intervals):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)
