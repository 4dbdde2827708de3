"""Every form of reading over HTTP: tables and bare metadata, of one object, of lists in pages, and of watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import orjson
import pytest

from orchestrator.api.groups.core import CONFIG_MAP
from orchestrator.client.client import Client
from orchestrator.server.local import LocalTransport
from tests.fakes.api import ADMIN, live_api

from .http_client import Https
from .objects import config_map

MAPS = "/api/v1/namespaces/default/configmaps"
ROWS = {"None": None, "Metadata": "PartialObjectMetadata", "Object": "ConfigMap"}


@pytest.fixture(scope="module")
def https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Https]:
    with live_api(tmp_path_factory.mktemp("home")) as (server, settings):
        client = Client(LocalTransport(server.resources, ADMIN))
        for name in ("a", "b", "c"):
            client.create(CONFIG_MAP, config_map(name, labels={"name": name, "all": "1"}))
        yield Https(settings)


def accept(transform: str, version: str = "v1") -> str:
    return f"application/json;as={transform};v={version};g=meta.k8s.io"


def watched(https: Https, query: str, count: int, transform: str = "") -> list[Any]:
    """The first events of a watch."""
    with closing(https.connect()) as connection:
        headers = {"Accept": accept(transform)} if transform else {}
        connection.request("GET", f"{MAPS}?watch=1&{query}", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200
        return [orjson.loads(answer.readline()) for _ in range(count)]


def row_kinds(table: Any) -> list[str | None]:
    return [row["object"] and row["object"]["kind"] for row in table["rows"]]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize(("include", "kind"), ROWS.items())
def test_tables(https: Https, include: str, kind: str | None, version: str) -> None:
    one = https.get(f"{MAPS}/a?includeObject={include}", accept("Table", version)).json
    several = https.get(f"{MAPS}?labelSelector=all&includeObject={include}", accept("Table", version)).json
    first, second = (
        event["object"] for event in watched(https, f"labelSelector=name+in+(a,b)&includeObject={include}", 2, "Table")
    )
    assert (row_kinds(one), row_kinds(several)) == ([kind], [kind] * 3)
    assert row_kinds(first) == row_kinds(second) == [kind]
    assert one["apiVersion"] == several["apiVersion"] == f"meta.k8s.io/{version}"
    assert one["columnDefinitions"] == several["columnDefinitions"] == first["columnDefinitions"]
    assert second["columnDefinitions"] is None
    assert [row["cells"][0] for row in several["rows"]] == ["a", "b", "c"]


def test_an_unknown_include(https: Https) -> None:
    answer = https.get(f"{MAPS}?includeObject=Everything", accept("Table"))
    assert (answer.code, answer.json["message"]) == (400, 'unrecognized includeObject value: "Everything"')


def test_bare_metadata(https: Https) -> None:
    one = https.get(f"{MAPS}/a", accept("PartialObjectMetadata")).json
    assert (one["kind"], one["metadata"]["name"]) == ("PartialObjectMetadata", "a")
    several = https.get(f"{MAPS}?labelSelector=all", accept("PartialObjectMetadataList")).json
    assert (several["kind"], len(several["items"])) == ("PartialObjectMetadataList", 3)
    assert set(several["items"][0]) == {"kind", "apiVersion", "metadata"}
    (event,) = watched(https, "labelSelector=name=b", 1, "PartialObjectMetadata")
    assert (event["type"], event["object"]["kind"]) == ("ADDED", "PartialObjectMetadata")
    assert "data" not in event["object"]


@pytest.mark.parametrize(
    ("path", "transform"), [(MAPS, "PartialObjectMetadata"), (f"{MAPS}/a", "PartialObjectMetadataList")]
)
def test_metadata_of_the_other_number(https: Https, path: str, transform: str) -> None:
    answer = https.get(path, accept(transform))
    assert (answer.code, answer.json["reason"]) == (406, "NotAcceptable")
    assert answer.json["message"].startswith(f"you requested {transform}, but the requested object is ")


@pytest.mark.parametrize(("transform", "items"), [("Table", "rows"), ("PartialObjectMetadataList", "items")])
def test_pages(https: Https, transform: str, items: str) -> None:
    """What `kubectl get --chunk-size=2` does."""
    first = https.get(f"{MAPS}?limit=2", accept(transform)).json
    assert (len(first[items]), first["metadata"]["remainingItemCount"]) == (2, 1)
    rest = https.get(f"{MAPS}?limit=2&continue={first['metadata']['continue']}", accept(transform)).json
    assert len(rest[items]) == 1
    assert rest["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}


def test_one_name(https: Https) -> None:
    """What `kubectl get configmap b -w` does."""
    https.ask("PATCH", f"{MAPS}/c", {"data": {"b": "1"}}, {"Content-Type": "application/merge-patch+json"})
    https.ask("PATCH", f"{MAPS}/b", {"data": {"b": "1"}}, {"Content-Type": "application/merge-patch+json"})
    start = int(https.get(f"{MAPS}/b").json["metadata"]["resourceVersion"]) - 2
    (event,) = watched(https, f"fieldSelector=metadata.name=b&resourceVersion={start}", 1)
    assert (event["type"], event["object"]["metadata"]["name"]) == ("MODIFIED", "b")
