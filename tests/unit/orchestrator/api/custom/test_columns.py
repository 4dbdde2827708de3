from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.custom.columns import columns, renderers
from orchestrator.api.custom.paths import BadPath, finder

NOW = 1_000_000_060.0
OBJECT = {
    "metadata": {
        "name": "x",
        "creationTimestamp": "2001-09-09T01:46:40Z",
        "annotations": {"example.com/size": "big", "plain": "y"},
    },
    "spec": {
        "count": 3,
        "share": 0.5,
        "on": True,
        "list": [{"n": "a"}, {"n": "b"}],
        "foo-bar": "dashed",
        "map": {"k": 1},
    },
    "status": {"conditions": [{"type": "Synced", "status": "False"}, {"type": "Ready", "status": "True"}]},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".spec.count", 3),
        (".spec.foo-bar", "dashed"),
        (".spec.nothing.at.all", None),
        (".spec.count.deeper", None),
        (".spec.list[0].n", "a"),
        (".spec.list[*].n", "a"),
        (".spec.list[7].n", None),
        ('.status.conditions[?(@.type=="Ready")].status', "True"),
        (".status.conditions[?(@.type=='Ready')].status", "True"),
        ('.status.conditions[?(@.type=="Gone")].status', None),
        (r".metadata.annotations.example\.com/size", "big"),
        (".metadata.annotations['example.com/size']", "big"),
    ],
)
def test_what_a_path_finds(path: str, value: Any) -> None:
    assert finder(path)(OBJECT) == value


@pytest.mark.parametrize("path", [".spec[", ".spec[?(@", "..", ".a b.[", ".spec['x", ".a[0].`len`", r".a[\b]"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(BadPath):
        finder(path)


@pytest.mark.parametrize(
    ("type", "path", "cell"),
    [
        ("string", ".metadata.name", "x"),
        ("string", ".spec.count", "3"),
        ("string", ".spec.on", "true"),
        ("string", ".spec.map", '{"k":1}'),
        ("string", ".spec.nothing", None),
        ("integer", ".spec.count", 3),
        ("integer", ".metadata.name", None),
        ("number", ".spec.share", 0.5),
        ("boolean", ".spec.on", True),
        ("boolean", ".spec.count", None),
        ("date", ".metadata.creationTimestamp", "60s"),
        ("date", ".metadata.name", "<invalid>"),
        ("date", ".spec.nothing", None),
    ],
)
def test_cells(type: str, path: str, cell: Any) -> None:
    (render,) = renderers([{"name": "A", "type": type, "jsonPath": path}])
    assert render(OBJECT, NOW) == cell


def test_without_columns_there_is_the_age() -> None:
    assert [column.name for column in columns([])] == ["Name", "Age"]
    assert [render(OBJECT, NOW) for render in renderers([])] == ["60s"]
