from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from itertools import islice

import orjson
import pytest

from orchestrator.api.errors import BadRequest, Timeout
from orchestrator.api.groups.core import CONFIG_MAP
from orchestrator.api.request import Request
from orchestrator.client.client import Client
from orchestrator.server import watch as watching
from orchestrator.server.resources import Resources
from orchestrator.util.clock import FakeClock
from tests.fakes.api import ADMIN

from .objects import config_map


def seen(client: Client, count: int, **options: str) -> list[tuple[str, str]]:
    """The first `count` events of a watch."""
    stream = client.watch(CONFIG_MAP, "default", **options)
    found = [(event.type, event.object["metadata"]["name"]) for event in islice(stream, count)]
    stream.close()
    return found


def test_begins_with_what_there_is(client: Client) -> None:
    client.create(CONFIG_MAP, config_map("a"))
    client.create(CONFIG_MAP, config_map("b"))
    for version in ("", "0"):
        assert seen(client, 2, resourceVersion=version) == [("ADDED", "a"), ("ADDED", "b")]


def test_goes_on_from_a_revision(client: Client) -> None:
    first = client.create(CONFIG_MAP, config_map("a"))["metadata"]["resourceVersion"]
    client.create(CONFIG_MAP, config_map("b"))
    client.patch(CONFIG_MAP, "a", {"data": {"a": "2"}}, "default")
    client.delete(CONFIG_MAP, "b", "default")
    client.create(CONFIG_MAP, config_map("elsewhere", "kube-system"))
    events = seen(client, 3, resourceVersion=first)
    assert events == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]


def test_new_events_wake_the_reader(client: Client) -> None:
    stream = client.watch(CONFIG_MAP, "default", resourceVersion=client.list(CONFIG_MAP).resource_version)
    got: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for event in stream:
            got.put(event.object["metadata"]["name"])

    reader = threading.Thread(target=read)
    reader.start()
    client.create(CONFIG_MAP, config_map("a"))
    assert got.get(timeout=5) == "a"
    stream.close()
    reader.join(5)
    assert not reader.is_alive()


def test_entering_and_leaving_a_selection(client: Client) -> None:
    start = client.list(CONFIG_MAP).resource_version
    client.create(CONFIG_MAP, config_map("a"))
    for labels in ({"on": "1"}, {"on": "1", "more": "1"}, {"on": None}):
        client.patch(CONFIG_MAP, "a", {"metadata": {"labels": labels}}, "default")
    last = client.patch(CONFIG_MAP, "a", {"data": {"a": "9"}}, "default")["metadata"]["resourceVersion"]
    stream = client.watch(CONFIG_MAP, "default", resourceVersion=start, labelSelector="on=1")
    events = list(islice(stream, 3))
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    gone = events[2].object["metadata"]
    assert gone["labels"] == {"on": "1", "more": "1"}
    assert int(gone["resourceVersion"]) == int(last) - 1


def test_an_expired_revision_is_an_error_event(resources: Resources, client: Client) -> None:
    first = client.create(CONFIG_MAP, config_map("a"))["metadata"]["resourceVersion"]
    client.create(CONFIG_MAP, config_map("b"))
    resources.backend.store.compact(resources.backend.store.revision)
    [event] = list(client.watch(CONFIG_MAP, resourceVersion=first))
    assert (event.type, event.object["code"], event.object["reason"]) == ("ERROR", 410, "Expired")


def test_bookmarks_come_now_and_then_and_at_the_end(
    resources: Resources, client: Client, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting in the store moves the clock on, so that a minute passes at once."""
    store = resources.backend.store
    options = {"resourceVersion": str(store.revision), "allowWatchBookmarks": "true", "timeoutSeconds": "150"}
    session = resources.watch(Request("watch", CONFIG_MAP, "default", options=options), ADMIN)
    client.create(CONFIG_MAP, config_map(namespace="kube-system"))
    monkeypatch.setattr(session._watch, "next", lambda timeout: clock.advance(timeout))  # type: ignore[union-attr]
    frames = [frame for batch in session.batches() for frame in batch]
    assert [frame.type for frame in frames] == ["BOOKMARK"] * 3  # at 60 s, 120 s and the end
    bookmark = orjson.loads(frames[-1].data)
    assert (bookmark["kind"], bookmark["apiVersion"]) == ("ConfigMap", "v1")


def test_a_watch_ends_in_time_without_bookmarks(client: Client, clock: FakeClock) -> None:
    stream = client.watch(CONFIG_MAP, resourceVersion=client.list(CONFIG_MAP).resource_version, timeoutSeconds="1")
    clock.advance(2)
    assert list(stream) == []


def test_initial_events_end_with_a_bookmark(client: Client) -> None:
    client.create(CONFIG_MAP, config_map("a"))
    options = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}
    events = list(islice(client.watch(CONFIG_MAP, "default", **options), 2))
    assert [event.type for event in events] == ["ADDED", "BOOKMARK"]
    assert events[1].object["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_many_events_come_in_order_and_none_twice(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "BATCH", 3)
    start = client.list(CONFIG_MAP).resource_version
    names = [f"c{index}" for index in range(20)]
    for name in names:
        client.create(CONFIG_MAP, config_map(name))
    assert seen(client, 20, resourceVersion=start) == [("ADDED", name) for name in names]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"resourceVersion": "999999"}, Timeout),
        ({"resourceVersion": "x"}, BadRequest),
        ({"fieldSelector": "nope=1"}, BadRequest),
        ({"timeoutSeconds": "soon"}, BadRequest),
    ],
)
def test_refused(client: Client, options: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        client.watch(CONFIG_MAP, "default", **options)


def test_a_closed_watch_is_let_go(resources: Resources, client: Client) -> None:
    stream = client.watch(CONFIG_MAP, "default")
    events: Iterator[object] = iter(stream)
    stream.close()
    assert list(events) == []
