"""docs/POD_FIELDS.md tells of every field of the schema, and of no other; the tests it names are there."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.api.schema import Struct, load

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "POD_FIELDS.md"
POD_SPEC = "io.k8s.api.core.v1.PodSpec"
#: Types of other objects, inside a claim's template.
ELSEWHERE = frozenset({"ObjectMeta", "PersistentVolumeClaimSpec"})
#: "not yet" is for a field that is promised, and must not be in a release.
FATES = frozenset({"works", "refused", "reported", "not yet"})
_NAME = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Row:
    struct: str
    field: str
    fate: str
    why: str
    tests: tuple[str, ...]


def rows(text: str) -> Iterator[Row]:
    """A row of the table names one field or several: those of the heading's type, or `... of `Type``."""
    heading = ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("| `"):
            names, fate, why, tests = (cell.strip() for cell in line.strip("|").split("|"))
            fields, _, other = names.partition(" of ")
            struct = other.strip("`") or heading
            for field in _NAME.findall(fields):
                yield Row(struct, field, fate, why, tuple(_NAME.findall(tests)))


def structs() -> Iterator[Struct]:
    waiting, seen = [load().named(POD_SPEC)], set(ELSEWHERE)
    while waiting:
        struct = waiting.pop()
        if struct.name in seen:
            continue
        seen.add(struct.name)
        yield struct
        for field in struct.fields.values():
            while field.items is not None:
                field = field.items
            if field.struct is not None:
                waiting.append(field.struct)


@functools.cache
def defined_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


FOUND = list(rows(TABLE.read_text()))


def test_every_field_is_in_the_table_once() -> None:
    listed = sorted((row.struct, row.field) for row in FOUND)
    assert listed == sorted((struct.name, field) for struct in structs() for field in struct.fields)


def test_every_row_says_what_becomes_of_the_field_and_why() -> None:
    assert {row.fate for row in FOUND} <= FATES
    assert [row for row in FOUND if row.fate != "works" and not row.why] == []


def test_what_works_is_shown_by_a_test() -> None:
    assert [row for row in FOUND if row.fate in ("works", "reported") and not row.tests] == []


@pytest.mark.parametrize("test", sorted({test for row in FOUND for test in row.tests}))
def test_the_tests_are_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert name in defined_in(file)


def test_the_table_is_read_as_it_is_written() -> None:
    text = "## A\n\n| fields | fate | why | by |\n| `x`, `y` | works | | `t.py::a` |\n| `z` of `B` | refused | no | |"
    assert [(row.struct, row.field, row.fate) for row in rows(text)] == [
        ("A", "x", "works"),
        ("A", "y", "works"),
        ("B", "z", "refused"),
    ]
