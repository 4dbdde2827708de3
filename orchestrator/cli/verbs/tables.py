"""Tables as kubectl prints them, from the Tables that the server sends (`meta.k8s.io/v1`). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import click

from orchestrator.api import meta
from orchestrator.api.meta import Object

_GAP = "   "
_NONE = "<none>"

_GOOD = frozenset(
    {"Running", "Ready", "Active", "Bound", "Completed", "Complete", "Succeeded", "True", "Available", "Normal"}
)
_BAD = frozenset({"NotReady", "Failed", "Lost", "False", "Evicted", "OOMKilled", "InvalidImageName", "Warning"})
_BAD_ENDS = ("Error", "BackOff", "CrashLoopBackOff")
_PAINTED = frozenset({"STATUS", "READY", "TYPE", "REASON"})


@dataclass(frozen=True, slots=True)
class Look:
    """What of the Tables is shown, and what is added."""

    wide: bool = False
    namespaces: bool = False
    labels: bool = False
    label_columns: tuple[str, ...] = ()
    headers: bool = True
    #: Put before each name: `pod/`, where several kinds are shown.
    prefix: str = ""


@dataclass
class Printer:
    """Rows that come in several Tables, aligned: columns keep the width they have got."""

    look: Look
    _columns: list[Object] = field(default_factory=list)
    _widths: list[int] = field(default_factory=list)

    def lines(self, table: Object) -> Iterator[str]:
        """The Table's rows, before the first ones the headings. A watch sends the columns but once."""
        fresh = not self._columns
        self._columns = table.get("columnDefinitions") or self._columns
        headings = [self._headings()] if fresh and self.look.headers else []
        rows = [list(self._cells(row)) for row in table.get("rows") or []]
        yield from self._aligned(headings, rows)

    def _aligned(self, headings: list[list[str]], rows: list[list[str]]) -> Iterator[str]:
        names = self._headings()
        self._widths = self._widths or [0] * len(names)
        for cells in [*headings, *rows]:
            self._widths = [max(width, len(cell)) for width, cell in zip(self._widths, cells, strict=True)]
        for cells in headings:
            yield click.style(self._line(cells, [""] * len(cells)), bold=True)
        for cells in rows:
            yield self._line(cells, [paint(name, cell) for name, cell in zip(names, cells, strict=True)])

    def _line(self, cells: Sequence[str], colours: Sequence[str]) -> str:
        padded = (
            (click.style(cell, fg=colour) if colour else cell) + " " * (width - len(cell))
            for cell, colour, width in zip(cells, colours, self._widths, strict=True)
        )
        return _GAP.join(padded).rstrip()

    def _headings(self) -> list[str]:
        shown = [str(column["name"]).upper() for column in self._shown()]
        before = ["NAMESPACE"] if self.look.namespaces else []
        after = [label.rpartition("/")[2].upper() for label in self.look.label_columns]
        return [*before, *shown, *after, *(["LABELS"] if self.look.labels else [])]

    def _shown(self) -> list[Object]:
        return [column for column in self._columns if self.look.wide or not column.get("priority")]

    def _cells(self, row: Object) -> Iterator[str]:
        obj = row.get("object") or {}
        labels = meta.labels(obj)
        if self.look.namespaces:
            yield meta.namespace(obj)
        for column, cell in zip(self._columns, row["cells"], strict=False):
            if self.look.wide or not column.get("priority"):
                yield (self.look.prefix if column.get("format") == "name" else "") + text(cell)
        yield from (labels.get(label, "") for label in self.look.label_columns)
        if self.look.labels:
            yield ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or _NONE


def text(cell: object) -> str:
    """A cell on one line."""
    if cell is None:
        return _NONE
    if isinstance(cell, bool):
        return str(cell).lower()
    return " ".join(str(cell).splitlines())


def paint(column: str, cell: str) -> str:
    """The colour of a cell that says how something is; "" for the terminal's own."""
    if column not in _PAINTED:
        return ""
    have, slash, wanted = cell.partition("/")
    if column == "READY" and slash:
        return "green" if have == wanted else "yellow"
    words = set(cell.split(","))
    if words & _BAD or cell.endswith(_BAD_ENDS):
        return "red"
    if words & _GOOD:
        return "green"
    return "yellow" if column == "STATUS" else ""


def simple(headings: Sequence[str], rows: Iterable[Sequence[object]], *, headers: bool = True) -> list[str]:
    """Lines of a table that podlab itself makes."""
    table = {"columnDefinitions": [{"name": name} for name in headings], "rows": [{"cells": row} for row in rows]}
    return list(Printer(Look(headers=headers)).lines(table))
