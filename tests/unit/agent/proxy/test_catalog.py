"""What is published, and its copy on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.proxy import catalog
from agent.proxy.table import routes
from tests.fakes.services import endpoint, endpoint_slice, service


def test_slices_are_with_their_service() -> None:
    web, db = service(), service("db")
    slices = [endpoint_slice(endpoint("172.17.0.2")), endpoint_slice(endpoint("172.17.0.3"), service="gone")]
    made = catalog.catalog([web, db], slices)
    assert {key: list(entry.slices) for key, entry in made.items()} == {"default/web": slices[:1], "default/db": []}


def test_a_saved_catalog_routes_as_the_live_one(tmp_path: Path) -> None:
    web = service(type="NodePort", ports=[{"name": "http", "port": 80, "nodePort": 30080}])
    web["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    live = catalog.catalog([web], [endpoint_slice(endpoint("172.17.0.2", node="node-1"))])
    file = tmp_path / "table.json"
    file.write_bytes(catalog.encode(live))
    assert b"managedFields" not in file.read_bytes()
    (saved,) = catalog.load(file).values()
    (entry,) = live.values()
    assert routes(saved.service, saved.slices, "node-1") == routes(entry.service, entry.slices, "node-1") != {}


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"services": 1, "endpointSlices": []}',
        b'{"services": [1], "endpointSlices": []}',
    ],
)
def test_a_copy_that_cannot_be_used_is_as_none(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "table.json"
    if content is not None:
        file.write_bytes(content)
    assert catalog.load(file) == {}
