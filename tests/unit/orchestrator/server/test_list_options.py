"""The tables of Kubernetes' documentation: what resourceVersion, its match and a limit mean together."""

from __future__ import annotations

import pytest

from orchestrator.api.errors import Expired, Invalid, Timeout
from orchestrator.api.groups.core import CONFIG_MAP
from orchestrator.api.request import Request
from orchestrator.client.client import Client
from orchestrator.server.resources import Resources
from tests.fakes.api import ADMIN

from .objects import config_map

NEWEST = ["a", "b"]
PAST = ["a"]


@pytest.fixture
def first(client: Client) -> str:
    """The version when there was only `a`."""
    version: str = client.create(CONFIG_MAP, config_map("a"))["metadata"]["resourceVersion"]
    client.create(CONFIG_MAP, config_map("b"))
    return version


@pytest.mark.parametrize("limit", ["", "10"])
@pytest.mark.parametrize(
    ("version", "match", "found"),
    [
        ("", "", {"": NEWEST, "10": NEWEST}),
        ("0", "", {"": NEWEST, "10": NEWEST}),
        ("first", "", {"": NEWEST, "10": PAST}),
        ("first", "Exact", {"": PAST, "10": PAST}),
        ("0", "NotOlderThan", {"": NEWEST, "10": NEWEST}),
        ("first", "NotOlderThan", {"": NEWEST, "10": NEWEST}),
    ],
)
def test_lists(client: Client, first: str, version: str, match: str, limit: str, found: dict[str, list[str]]) -> None:
    given = {"resourceVersion": version.replace("first", first), "resourceVersionMatch": match, "limit": limit}
    listed = client.list(CONFIG_MAP, "default", **{name: value for name, value in given.items() if value})
    assert [item["metadata"]["name"] for item in listed.items] == found[limit]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("resourceVersionMatch=Exact", "forbidden unless resourceVersion is provided"),
        ("resourceVersionMatch=NotOlderThan", "forbidden unless resourceVersion is provided"),
        ("resourceVersionMatch=Exact resourceVersion=0", 'is forbidden for resourceVersion "0"'),
        ("resourceVersionMatch=Newest resourceVersion=1", 'supported values: "Exact", "NotOlderThan", ""'),
        ("resourceVersionMatch=NotOlderThan resourceVersion=0 continue=x", "forbidden when continue is provided"),
        ("sendInitialEvents=true", "sendInitialEvents is forbidden for list"),
    ],
)
def test_no_list(client: Client, options: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        client.list(CONFIG_MAP, "default", **dict(option.split("=") for option in options.split()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("sendInitialEvents=true", "requires setting resourceVersionMatch to NotOlderThan"),
        ("sendInitialEvents=false", "requires setting resourceVersionMatch to NotOlderThan"),
        ("sendInitialEvents=true resourceVersionMatch=Exact", 'supported values: "NotOlderThan"'),
        ("resourceVersionMatch=NotOlderThan", "forbidden for watch unless sendInitialEvents is provided"),
        ("sendInitialEvents=true resourceVersionMatch=NotOlderThan continue=x", "forbidden when continue is provided"),
    ],
)
def test_no_watch(client: Client, options: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        client.watch(CONFIG_MAP, "default", **dict(option.split("=") for option in options.split()))


INITIAL = "resourceVersionMatch=NotOlderThan sendInitialEvents=true"


@pytest.mark.parametrize(
    ("options", "events"),
    [
        ("", ["ADDED a", "ADDED b"]),
        ("resourceVersion=0", ["ADDED a", "ADDED b"]),
        ("resourceVersion=first", ["ADDED b"]),
        (INITIAL, ["ADDED a", "ADDED b"]),
        (f"{INITIAL} allowWatchBookmarks=true", ["ADDED a", "ADDED b", "BOOKMARK"]),
        (f"{INITIAL} resourceVersion=first allowWatchBookmarks=1", ["ADDED a", "ADDED b", "BOOKMARK"]),
        ("resourceVersionMatch=NotOlderThan sendInitialEvents=false", []),
        ("resourceVersionMatch=NotOlderThan sendInitialEvents=false resourceVersion=0", []),
        ("resourceVersionMatch=NotOlderThan sendInitialEvents=false resourceVersion=first", ["ADDED b"]),
    ],
)
def test_watches(client: Client, first: str, options: str, events: list[str]) -> None:
    """What there is before the next write."""
    given = dict(option.split("=") for option in options.replace("=first", f"={first}").split())
    stream = iter(client.watch(CONFIG_MAP, "default", **given))
    client.create(CONFIG_MAP, config_map("z"))
    seen = []
    for event in stream:
        if event.object["metadata"].get("name") == "z":
            break
        seen.append(f"{event.type} {event.object['metadata'].get('name', '')}".strip())
    assert seen == events


def test_initial_events_of_a_version_to_come(client: Client) -> None:
    options = dict(option.split("=") for option in INITIAL.split())
    with pytest.raises(Timeout, match="Too large resource version"):
        client.watch(CONFIG_MAP, "default", resourceVersion="999999", **options)


def test_an_exact_version_that_is_gone(resources: Resources, first: str) -> None:
    resources.backend.store.compact(resources.backend.store.revision)
    options = {"resourceVersion": first, "resourceVersionMatch": "Exact"}
    with pytest.raises(Expired, match="resourceVersion for the provided list is too old"):
        resources.handle(Request("list", CONFIG_MAP, "default", options=options), ADMIN)
