"""What holds for every kind and every object that the schema lets through."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.api import schema, strict
from orchestrator.api.builtin import BUILTIN
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.schema import Field, Struct
from orchestrator.api.strategies.base import all_cells, all_columns
from orchestrator.api.validation import validate_metadata, validate_metadata_update

NOW = 1_700_000_000.0
#: Words that rules look for, beside any text.
WORDS = (
    *("", "web", "a.b", "app/name", "Always", "Never", "None", "ClientIP", "NodePort", "ExternalName", "Exists"),
    *("In", "NoExecute", "RollingUpdate", "Recreate", "10.0.0.1", "metadata.name", "cpu", "kubernetes.io/tls"),
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(WORDS) | st.text(max_size=8),
    "int32": st.integers(-2, 100) | st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-2, 100) | st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "bytes": st.sampled_from(("", "e30=", "eA==", "W10=")),
    "quantity": st.sampled_from(("0", "1", "100m", "1Gi", "-1", "1500m")),
    "int-or-string": st.integers(-1, 70000) | st.sampled_from(("25%", "0%", "http", "250%", "x%")),
    "time": st.just("2026-01-31T10:00:00Z"),
    "micro-time": st.just("2026-01-31T10:00:00.000001Z"),
    "any": st.none() | st.booleans(),
}


@st.composite
def values(draw: st.DrawFn, field: Field, depth: int) -> Any:
    if field.struct is not None:
        return draw(structs(field.struct, depth))
    if field.items is None:
        return draw(SCALARS[field.type])
    size = draw(st.integers(0, 2 if depth < 10 else 0))
    items = [draw(values(field.items, depth + 1)) for _ in range(size)]
    if field.type == "list":
        return items
    return {draw(SCALARS["string"]): item for item in items}


@st.composite
def structs(draw: st.DrawFn, struct: Struct, depth: int) -> Object:
    """Some fields of the struct. At the top all, or the interesting parts would be rare."""
    names = sorted(struct.fields)
    if depth > 1 and names:
        names = draw(st.lists(st.sampled_from(names), max_size=4 if depth < 8 else 0, unique=True))
    return {name: draw(values(struct.fields[name], depth + 1)) for name in names}


@st.composite
def objects(draw: st.DrawFn, kind: Kind) -> Object:
    struct = schema.load().of(kind)
    assert struct is not None
    obj = draw(structs(struct, 1))
    obj["metadata"] |= {"name": "web", "namespace": "default"}
    return obj


kinds = pytest.mark.parametrize("kind", tuple(BUILTIN), ids=lambda kind: kind.kind)


@kinds
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_object_is_defaulted_judged_and_shown(kind: Kind, data: st.DataObject) -> None:
    obj, strategy = data.draw(objects(kind)), kind.strategy
    problems = strict.check(kind, obj)
    assert (problems.unknown, problems.errors) == ([], []), "the generated object must fit the schema"

    strategy.default(obj)
    once = copy.deepcopy(obj)
    strategy.default(obj)
    assert obj == once, "one pass of defaults is complete"

    errors = [*validate_metadata(kind, obj), *strategy.validate(obj), *strategy.validate_create(obj)]
    assert all(error.field and error.message for error in errors)
    assert all(strategy.warnings(obj))
    cells = all_cells(strategy, obj, NOW)
    assert len(cells) == len(all_columns(strategy))
    assert all(isinstance(cell, str | int | None) for cell in cells)
    fields = strategy.fields(obj)
    assert fields.keys() == strategy.selectable
    assert all(isinstance(value, str) for value in fields.values())
    assert strategy.grace_seconds(obj, None) >= 0
    assert obj == once, "only default and prepare change an object"


@kinds
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_any_change_is_judged_and_none_is_allowed(kind: Kind, data: st.DataObject) -> None:
    new, old = data.draw(objects(kind)), data.draw(objects(kind))
    for obj in (new, old):
        kind.strategy.default(obj)
        kind.strategy.prepare_create(obj, NOW)

    same = copy.deepcopy(old)
    kind.strategy.prepare_update(same, old)
    assert same == old
    assert kind.strategy.validate_update(same, old) == []
    assert validate_metadata_update(same, old) == []

    kind.strategy.prepare_update(new, old)
    errors = [*validate_metadata_update(new, old), *kind.strategy.validate_update(new, old)]
    assert all(error.field and error.message for error in errors)
