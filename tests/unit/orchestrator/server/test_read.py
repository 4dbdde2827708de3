from __future__ import annotations

import pytest

from orchestrator.api.errors import BadRequest, Expired, NotFound, Timeout
from orchestrator.api.groups.core import CONFIG_MAP, POD
from orchestrator.api.request import Request
from orchestrator.client.client import Client
from orchestrator.server.resources import Resources
from orchestrator.server.results import Listing
from tests.fakes.api import ADMIN

from .objects import config_map, pod


def names(client: Client, **options: str) -> list[str]:
    return [item["metadata"]["name"] for item in client.list(CONFIG_MAP, "default", **options).items]


@pytest.fixture
def five(client: Client) -> list[str]:
    for index in range(5):
        client.create(CONFIG_MAP, config_map(f"c{index}", labels={"parity": "even" if index % 2 == 0 else "odd"}))
    return [f"c{index}" for index in range(5)]


def test_get_answers_the_stored_bytes(resources: Resources, client: Client) -> None:
    client.create(CONFIG_MAP, config_map())
    entry = resources.backend.entry(CONFIG_MAP, "default", "settings")
    answer = resources.handle(Request("get", CONFIG_MAP, "default", "settings"), ADMIN)
    assert answer.data is entry.data  # type: ignore[union-attr]


def test_a_name_that_is_not_there(client: Client) -> None:
    with pytest.raises(NotFound, match='pods "web" not found') as caught:
        client.get(POD, "web", "default")
    assert caught.value.status()["details"] == {"name": "web", "group": "", "kind": "pods"}


def test_lists_one_namespace_or_all(client: Client) -> None:
    client.create(CONFIG_MAP, config_map("a"))
    client.create(CONFIG_MAP, config_map("b", "kube-system"))
    assert names(client) == ["a"]
    assert [item["metadata"]["name"] for item in client.list(CONFIG_MAP).items] == ["a", "b"]


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"labelSelector": "parity=odd"}, ["c1", "c3"]),
        ({"labelSelector": "parity!=odd"}, ["c0", "c2", "c4"]),
        ({"fieldSelector": "metadata.name=c3"}, ["c3"]),
        ({"fieldSelector": "metadata.name=c3", "labelSelector": "parity=even"}, []),
        ({"fieldSelector": "metadata.name!=c3"}, ["c0", "c1", "c2", "c4"]),
        ({"fieldSelector": "metadata.namespace=default"}, ["c0", "c1", "c2", "c3", "c4"]),
        ({"resourceVersion": "0"}, ["c0", "c1", "c2", "c3", "c4"]),
    ],
)
def test_selects(client: Client, options: dict[str, str], found: list[str]) -> None:
    assert names(client, **options) == found


def test_a_name_selector_is_exact(client: Client) -> None:
    for name in ("web", "web-2"):
        client.create(POD, pod(name))
    listed = client.list(POD, "default", fieldSelector="metadata.name=web")
    assert [item["metadata"]["name"] for item in listed.items] == ["web"]


@pytest.mark.parametrize("limit", ["1", "2", "5"])
@pytest.mark.parametrize("selector", ["", "parity=even"])
def test_pages_are_of_one_revision(five: list[str], client: Client, limit: str, selector: str) -> None:
    whole = names(client, labelSelector=selector)
    seen: list[str] = []
    page = client.list(CONFIG_MAP, "default", limit=limit, labelSelector=selector)
    first = page.resource_version
    seen += [item["metadata"]["name"] for item in page.items]
    client.create(CONFIG_MAP, config_map("c00", labels={"parity": "even"}))
    client.delete(CONFIG_MAP, "c4", "default")
    while page.continue_token:
        options = {"limit": limit, "labelSelector": selector, "continue": page.continue_token}
        page = client.list(CONFIG_MAP, "default", **options)
        assert page.resource_version == first
        assert len(page.items) <= int(limit)
        seen += [item["metadata"]["name"] for item in page.items]
    assert seen == whole


@pytest.mark.usefixtures("five")
def test_remaining_items_are_counted_without_selectors(resources: Resources) -> None:
    page = resources.handle(Request("list", CONFIG_MAP, "default", options={"limit": "2"}), ADMIN)
    assert isinstance(page, Listing)
    assert page.metadata()["remainingItemCount"] == 3
    options = {"limit": "1", "labelSelector": "parity=even"}
    page = resources.handle(Request("list", CONFIG_MAP, "default", options=options), ADMIN)
    assert isinstance(page, Listing)
    assert "remainingItemCount" not in page.metadata()


@pytest.mark.usefixtures("five")
def test_an_expired_token(resources: Resources, client: Client) -> None:
    token = client.list(CONFIG_MAP, "default", limit="2").continue_token
    client.delete(CONFIG_MAP, "c4", "default")
    resources.backend.store.compact(resources.backend.store.revision)
    with pytest.raises(Expired, match="continue parameter is too old") as caught:
        client.list(CONFIG_MAP, "default", **{"limit": "2", "continue": token})
    # The rest as it is now.
    fresh = caught.value.status()["metadata"]["continue"]
    assert names(client, **{"limit": "5", "continue": fresh}) == ["c2", "c3"]


def test_an_exact_revision(client: Client) -> None:
    first = client.create(CONFIG_MAP, config_map("a"))["metadata"]["resourceVersion"]
    client.create(CONFIG_MAP, config_map("b"))
    assert names(client, resourceVersion=first, resourceVersionMatch="Exact") == ["a"]
    assert names(client, resourceVersion=first, resourceVersionMatch="NotOlderThan") == ["a", "b"]
    assert names(client, resourceVersion=first) == ["a", "b"]
    assert names(client, resourceVersion=first, limit="10") == ["a"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"resourceVersion": "999999"}, Timeout),
        ({"resourceVersion": "abc"}, BadRequest),
        ({"resourceVersion": "-1"}, BadRequest),
        ({"resourceVersion": "1" * 5000}, BadRequest),
        ({"limit": "1" * 5000}, BadRequest),
        ({"continue": "!!"}, BadRequest),
        ({"continue": "e30"}, BadRequest),
        ({"continue": "e30", "resourceVersion": "5"}, BadRequest),
        ({"limit": "many"}, BadRequest),
        ({"labelSelector": "a in"}, BadRequest),
        ({"fieldSelector": "spec.colour=red"}, BadRequest),
    ],
)
def test_refused(client: Client, options: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        client.list(CONFIG_MAP, "default", **options)
