"""One table of conversations, over both transports: in-process and HTTPS mean the same."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from itertools import islice

import pytest

from orchestrator.api.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    UnsupportedMediaType,
)
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import CONFIG_MAP, NAMESPACE, POD
from orchestrator.api.meta import Object
from orchestrator.api.request import JSON_PATCH, STRATEGIC_PATCH
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.server.local import LocalTransport
from orchestrator.server.serve import ApiServer
from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.fakes.api import ADMIN, live_api

Live = tuple[ApiServer, Settings]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_api(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(params=["local", "http"])
def client(request: pytest.FixtureRequest, live: Live) -> Iterator[Client]:
    """A client in a namespace of its own (`space`)."""
    server, settings = live
    if request.param == "local":
        yield Client(LocalTransport(server.resources, ADMIN))
    else:
        transport = HttpTransport(settings.server, pki.identity(settings.pki, "admin"))
        yield Client(transport)
        transport.close()


@pytest.fixture
def space(client: Client) -> str:
    made = client.create(NAMESPACE, {"metadata": {"generateName": "space-"}})
    return str(made["metadata"]["name"])


def config_map(space: str, name: str = "a", **data: str) -> Object:
    return {"metadata": {"name": name, "namespace": space}, "data": data}


def test_a_life(client: Client, space: str) -> None:
    made = client.create(CONFIG_MAP, config_map(space, a="1"))
    assert client.get(CONFIG_MAP, "a", space) == made
    made["data"]["a"] = "2"
    updated = client.update(CONFIG_MAP, made)
    assert updated["data"] == {"a": "2"}
    assert [item["data"] for item in client.list(CONFIG_MAP, space).items] == [{"a": "2"}]
    assert client.delete(CONFIG_MAP, "a", space)["status"] == "Success"
    assert client.list(CONFIG_MAP, space).items == []


def test_patches(client: Client, space: str) -> None:
    client.create(CONFIG_MAP, config_map(space, a="1", b="2"))
    assert client.patch(CONFIG_MAP, "a", {"data": {"a": None}}, space)["data"] == {"b": "2"}
    patched = client.patch(CONFIG_MAP, "a", {"data": {"c": "3"}}, space, content_type=STRATEGIC_PATCH)
    assert patched["data"] == {"b": "2", "c": "3"}
    operations = [{"op": "remove", "path": "/data/b"}]
    assert client.patch(CONFIG_MAP, "a", operations, space, content_type=JSON_PATCH)["data"] == {"c": "3"}


def test_pages(client: Client, space: str) -> None:
    for index in range(5):
        client.create(CONFIG_MAP, config_map(space, f"c{index}"))
    page = client.list(CONFIG_MAP, space, limit="3")
    rest = client.list(CONFIG_MAP, space, **{"limit": "3", "continue": page.continue_token})
    assert [len(page.items), len(rest.items), rest.continue_token] == [3, 2, ""]


def test_subresources(client: Client, space: str) -> None:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    made = client.create(DEPLOYMENT, {"metadata": {"name": "web", "namespace": space}, "spec": spec})
    made["status"] = {"replicas": 1}
    assert client.update_status(DEPLOYMENT, made)["status"] == {"replicas": 1}
    scaled = client.patch(DEPLOYMENT, "web", {"spec": {"replicas": 3}}, space, subresource="scale")
    assert scaled["spec"]["replicas"] == 3
    pod = client.create(POD, {"metadata": {"name": "p", "namespace": space}, "spec": template["spec"]})
    client.bind(pod, "n1", POD)
    assert client.get(POD, "p", space)["spec"]["nodeName"] == "n1"
    client.create_subresource(POD, "p", "eviction", {"metadata": {"name": "p", "namespace": space}}, space)
    assert client.get(POD, "p", space)["metadata"]["deletionTimestamp"]


def test_watch(client: Client, space: str) -> None:
    start = client.list(CONFIG_MAP, space).resource_version
    stream = client.watch(CONFIG_MAP, space, resourceVersion=start)
    client.create(CONFIG_MAP, config_map(space, a="1"))
    client.patch(CONFIG_MAP, "a", {"data": {"a": "2"}}, space)
    client.delete(CONFIG_MAP, "a", space)
    events = [(event.type, event.object["data"]["a"]) for event in islice(stream, 3)]
    assert events == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]
    stream.close()


def test_a_watch_starts_before_there_is_anything_to_tell(client: Client, space: str) -> None:
    """`watch` returns on an empty namespace, and `close` from another thread ends the reading."""
    stream = client.watch(CONFIG_MAP, space, resourceVersion=client.list(CONFIG_MAP, space).resource_version)
    ended: queue.Queue[list[object]] = queue.Queue()
    threading.Thread(target=lambda: ended.put(list(stream)), daemon=True).start()
    stream.close()
    assert ended.get(timeout=5) == []


def test_watch_time_out(client: Client, space: str) -> None:
    assert list(client.watch(CONFIG_MAP, space, resourceVersion="0", timeoutSeconds="1")) == []


@pytest.mark.parametrize(
    ("ask", "error", "sentence"),
    [
        (lambda c, s: c.get(POD, "nope", s), NotFound, 'pods "nope" not found'),
        (lambda c, s: c.create(CONFIG_MAP, config_map("nowhere")), NotFound, 'namespaces "nowhere" not found'),
        (lambda c, s: c.create(NAMESPACE, {"metadata": {"name": s}}), AlreadyExists, "already exists"),
        (lambda c, s: c.create(NAMESPACE, {"metadata": {"name": "A_B"}}), Invalid, "metadata.name: Invalid value"),
        (lambda c, s: c.create(NAMESPACE, {"metadata": {"name": 1}}), BadRequest, "cannot unmarshal number"),
        (lambda c, s: c.delete(NAMESPACE, "default"), Forbidden, "this namespace may not be deleted"),
        (lambda c, s: c.delete(NAMESPACE, s, uid="other"), Conflict, "the UID in the precondition"),
        (lambda c, s: c.patch(NAMESPACE, s, {}, content_type="text/plain"), UnsupportedMediaType, "unknown format"),
        (lambda c, s: c.list(POD, s, labelSelector="a in ("), BadRequest, "unable to parse"),
        (lambda c, s: c.watch(POD, s, fieldSelector="a=b"), BadRequest, "field label not supported"),
        (lambda c, s: c.list(POD, s, resourceVersion="999999999"), ApiError, "Too large resource version"),
    ],
)
def test_errors(client: Client, space: str, ask: object, error: type[ApiError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        ask(client, space)  # type: ignore[operator]


def test_error_details(client: Client, space: str) -> None:
    with pytest.raises(Invalid) as caught:
        client.create(POD, {"metadata": {"name": "p", "namespace": space}, "spec": {"containers": []}})
    assert caught.value.details["kind"] == "Pod"
    assert {cause["field"] for cause in caught.value.details["causes"]} == {"spec.containers"}


def test_fields_are_validated(client: Client, space: str) -> None:
    odd = {**config_map(space), "dta": {}}
    with pytest.raises(BadRequest, match='strict decoding error: unknown field "dta"'):
        client.create(CONFIG_MAP, odd, fieldValidation="Strict")
    assert "dta" not in client.create(CONFIG_MAP, odd, fieldValidation="Ignore")
