from collections.abc import Sequence
from typing import Any

import pytest

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.errors import BadRequest
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name
from orchestrator.api.strategies.base import Cell, Column, Strategy, created
from orchestrator.api.times import rfc3339
from orchestrator.server import table

NOW = 1_700_000_000.0


class LampStrategy(Strategy):
    columns = (
        Column("Name", format="name"),
        Column("Watts", "integer", description="Power."),
        Column("Age"),
        Column("Colour", priority=1),
    )

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), obj["spec"]["watts"], created(obj, now), "red")


LAMP = Kind("example.com", "v1", "Lamp", "lamps", rules=LampStrategy())


def lamp(called: str) -> Object:
    meta = {"name": called, "resourceVersion": "7", "creationTimestamp": rfc3339(NOW - 90)}
    return {"metadata": meta, "spec": {"watts": 9}}


def test_a_list() -> None:
    answer = table.table(LAMP, [lamp("a"), lamp("b")], NOW, metadata={"resourceVersion": "9", "continue": "x"})
    assert (answer["kind"], answer["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert answer["metadata"] == {"resourceVersion": "9", "continue": "x"}
    assert [column["name"] for column in answer["columnDefinitions"]] == ["Name", "Watts", "Age", "Colour"]
    assert answer["columnDefinitions"][1] == {
        "name": "Watts",
        "type": "integer",
        "format": "",
        "description": "Power.",
        "priority": 0,
    }
    assert [row["cells"] for row in answer["rows"]] == [["a", 9, "90s", "red"], ["b", 9, "90s", "red"]]
    assert answer["rows"][0]["object"] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": lamp("a")["metadata"],
    }


def test_one_object() -> None:
    answer = table.table_of(LAMP, lamp("a"), NOW)
    assert answer["metadata"] == {"resourceVersion": "7"}
    assert len(answer["rows"]) == 1 and len(answer["columnDefinitions"]) == 4


def test_the_columns_come_once_in_a_watch() -> None:
    assert table.table_of(LAMP, lamp("a"), NOW, headers=False)["columnDefinitions"] is None


@pytest.mark.parametrize(
    ("include", "expected"),
    [("None", None), ("Object", {**lamp("a"), "kind": "Lamp", "apiVersion": "example.com/v1"})],
)
def test_what_a_row_carries(include: table.Include, expected: Any) -> None:
    assert table.table_of(LAMP, lamp("a"), NOW, include=include)["rows"][0]["object"] == expected


def test_include_object() -> None:
    assert table.include({}) == "Metadata"
    assert table.include({"includeObject": "Object"}) == "Object"
    with pytest.raises(BadRequest, match='unrecognized includeObject value: "All"'):
        table.include({"includeObject": "All"})


def test_partial_list() -> None:
    answer = table.partial_list([lamp("a")], {"resourceVersion": "9"})
    assert (answer["kind"], answer["metadata"]) == ("PartialObjectMetadataList", {"resourceVersion": "9"})
    assert answer["items"] == [table.partial(lamp("a"))]


@pytest.mark.parametrize("kind", list(BUILTIN), ids=str)
def test_every_built_in_kind_has_a_row_for_an_empty_object(kind: Kind) -> None:
    answer = table.table_of(kind, {"metadata": {"name": "x"}}, NOW)
    assert len(answer["rows"][0]["cells"]) == len(answer["columnDefinitions"])
