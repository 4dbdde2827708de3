from __future__ import annotations

import pytest

from orchestrator.api.fieldset import EMPTY, FieldSet, Path, show

SPEC, REPLICAS = ("f:spec",), ("f:spec", "f:replicas")
ITEM: Path = ("f:ports", 'k:{"port":80,"protocol":"TCP"}')


@pytest.mark.parametrize(
    ("paths", "tree"),
    [
        ([], {}),
        ([SPEC], {"f:spec": {}}),
        ([REPLICAS], {"f:spec": {"f:replicas": {}}}),
        ([REPLICAS, SPEC], {"f:spec": {".": {}, "f:replicas": {}}}),
        ([ITEM, (*ITEM, "f:name")], {"f:ports": {ITEM[1]: {".": {}, "f:name": {}}}}),
        ([("f:finalizers", 'v:"a/b"')], {"f:finalizers": {'v:"a/b"': {}}}),
    ],
)
def test_the_json_form(paths: list[Path], tree: object) -> None:
    assert FieldSet.of(paths).tree == tree
    assert FieldSet.from_json(tree) == FieldSet.of(paths)
    assert set(FieldSet.from_json(tree)) == set(paths)


def test_a_lone_self_is_a_leaf() -> None:
    assert FieldSet.from_json({"f:spec": {".": {}}}).tree == {"f:spec": {}}


@pytest.mark.parametrize("value", [None, [], {"spec": {}}, {"f:spec": None}, {"f:spec": {"x:": {}}}])
def test_no_set(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        FieldSet.from_json(value)


def test_a_parent_is_no_member_by_its_children() -> None:
    fields = FieldSet.of([REPLICAS])
    assert REPLICAS in fields
    assert SPEC not in fields
    assert fields - FieldSet.of([SPEC]) == fields
    assert fields & FieldSet.of([SPEC]) == EMPTY


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (REPLICAS, ".spec.replicas"),
        (ITEM, '.ports[port=80,protocol="TCP"]'),
        (("f:finalizers", 'v:"a"'), '.finalizers[="a"]'),
        (("f:list", "i:3"), ".list[3]"),
    ],
)
def test_how_messages_spell_a_path(path: Path, text: str) -> None:
    assert show(path) == text
