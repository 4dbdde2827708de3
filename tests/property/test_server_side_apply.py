"""Sets of fields obey the laws of sets, and applies those of `orchestrator.api.managed`."""

from __future__ import annotations

import copy
from typing import Any

import orjson
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.api import managed
from orchestrator.api.fieldset import EMPTY, FieldSet
from orchestrator.api.groups.core import POD
from orchestrator.api.managed import Application, Entry, Manager
from orchestrator.api.meta import Object
from orchestrator.api.typed import shape
from orchestrator.api.typed.compare import compare
from orchestrator.api.typed.sets import all_fields, applied_fields

SHAPE = shape.of(POD)
elements = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"x"', "i:0"])
paths = st.lists(elements, min_size=1, max_size=3).map(tuple)
sets = st.sets(paths, max_size=8).map(FieldSet.of)


@given(sets, sets, sets)
def test_the_algebra_of_sets(a: FieldSet, b: FieldSet, c: FieldSet) -> None:
    assert set(a | b) == set(a) | set(b)
    assert set(a & b) == set(a) & set(b)
    assert set(a - b) == set(a) - set(b)
    assert (a | b) | c == a | (b | c)
    assert (a - b) | (a & b) == a
    assert bool(a) == bool(set(a))
    assert a - a == EMPTY


@given(sets)
def test_json_and_back(a: FieldSet) -> None:
    assert FieldSet.from_json(orjson.loads(orjson.dumps(a.tree))) == a
    assert FieldSet.of(a) == a
    assert all(path in a for path in a)


few = st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2)
ports = st.lists(st.fixed_dictionaries({"containerPort": st.sampled_from([80, 81])}), max_size=2, unique_by=repr)
containers = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("xyz")}, optional={"image": st.sampled_from("12"), "ports": ports}),
    max_size=3,
    unique_by=lambda container: container["name"],
)
configurations = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries(
            {}, optional={"labels": few, "finalizers": st.sets(st.sampled_from("ab")).map(list)}
        )
    },
    optional={
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "containers": containers,
                "nodeSelector": few,
                "priority": st.integers(0, 2),
                "tolerations": st.lists(few, max_size=2),
            },
        )
    },
)
step = st.tuples(st.sampled_from(["apply", "update"]), st.sampled_from("mn"), configurations)


def do(live: Object, entries: list[Entry], step: tuple[str, str, Any]) -> tuple[Object, list[Entry]]:
    verb, name, obj = step
    if verb == "update":
        changes = compare(SHAPE, live, obj)
        return obj, managed.update(entries, Manager(name, "Update", "v1"), changes, "t")
    application = Application(SHAPE, Manager(name, "Apply", "v1"), obj, "t")
    return managed.apply(application, live, entries, force=True)


@given(st.lists(step, max_size=6), configurations)
def test_applies(steps: list[tuple[str, str, Any]], configuration: Any) -> None:
    live: Object = {}
    entries: list[Entry] = []
    for each in steps:
        live, entries = do(live, entries, each)
    before = copy.deepcopy((live, configuration))
    application = Application(SHAPE, Manager("m", "Apply", "v1"), configuration, "t1")
    result, owners = managed.apply(application, live, entries, force=True)
    assert (live, configuration) == before, "nothing is changed in place"
    own = applied_fields(SHAPE, configuration) - FieldSet.of([("f:metadata",)])
    assume(own)
    assert next((e.fields for e in owners if e.manager == application.manager), EMPTY) == own
    assert not own - FieldSet(all_fields(SHAPE, result)), "what is applied is there"
    changes = compare(SHAPE, result, managed.merge(SHAPE, result, configuration))
    assert not changes.written, "and has the value that is applied"
    again = Application(SHAPE, application.manager, configuration, "t2")
    assert managed.apply(again, result, owners, force=False) == (result, owners), "once more is nothing"
