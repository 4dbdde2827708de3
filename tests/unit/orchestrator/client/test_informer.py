from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.meta import Key, Object, name
from orchestrator.client.client import Client
from orchestrator.client.informer import Informer
from orchestrator.client.informers import Informers
from orchestrator.util.clock import FakeClock
from tests.fakes.store_api import FakeApi


class Seen:
    """A handler that notes what it is told, as `+name`, `~name`, `-name`."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, old: Object | None, new: Object | None) -> None:
        sign = "+" if old is None else "-" if new is None else "~"
        with self._changed:
            self.notes.append(sign + name(new or old or {}))
            self._changed.notify_all()

    def wait(self, *expected: str) -> None:
        """Wait for as many notes as expected, and compare."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.notes) >= len(expected), 10)
            assert self.notes == list(expected)


def pod(name: str, **fields: object) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "ns"}, **fields}


@pytest.fixture
def api(clock: FakeClock) -> FakeApi:
    return FakeApi(clock)


@pytest.fixture
def client(api: FakeApi) -> Client:
    return Client(api)


@pytest.fixture
def informer(client: Client, clock: FakeClock) -> Iterator[Informer]:
    informer = Informer(client, POD, clock=clock)
    yield informer
    informer.stop()


@pytest.fixture
def seen(informer: Informer) -> Seen:
    seen = Seen()
    informer.add_handler(seen)
    return seen


def test_sees_what_is_there_and_what_changes(client: Client, informer: Informer, seen: Seen) -> None:
    client.create(POD, pod("a"))
    assert not informer.has_synced
    informer.start()
    assert informer.wait_synced(10)
    seen.wait("+a")
    client.create(POD, pod("b"))
    client.patch(POD, "a", {"spec": {"x": 1}}, "ns")
    client.delete(POD, "b", "ns")
    seen.wait("+a", "+b", "~a", "-b")
    assert informer.cache.get(Key("ns/b")) is None
    changed = informer.cache.get(Key("ns/a"))
    assert changed is not None
    assert changed["spec"] == {"x": 1}


def test_keeps_no_owners_of_fields(client: Client, informer: Informer, seen: Seen) -> None:
    owners = [{"manager": "kubectl"}]
    client.create(POD, {**pod("a"), "metadata": {"name": "a", "namespace": "ns", "managedFields": owners}})
    informer.start()
    seen.wait("+a")
    client.patch(POD, "a", {"spec": {"x": 1}}, "ns")
    seen.wait("+a", "~a")
    cached = informer.cache.get(Key("ns/a"))
    assert cached is not None
    assert "managedFields" not in cached["metadata"]
    assert client.get(POD, "a", "ns")["metadata"]["managedFields"] == owners


def test_asks_for_its_selection(api: FakeApi, client: Client) -> None:
    informer = Informer(client, POD, "ns", label_selector="app=web", field_selector="spec.nodeName=n1")
    informer.start()
    [watch] = api.wait_requests(1, "watch")
    [listing] = api.of("list")
    informer.stop()
    assert listing.namespace == watch.namespace == "ns"
    assert listing.options == {"labelSelector": "app=web", "fieldSelector": "spec.nodeName=n1"}
    assert watch.options["labelSelector"] == "app=web"
    assert watch.options["resourceVersion"] == str(api.store.revision)
    assert watch.options["allowWatchBookmarks"] == "true"
    assert 300 <= int(watch.options["timeoutSeconds"]) <= 600


def test_a_late_handler_gets_what_is_there(client: Client, informer: Informer, seen: Seen) -> None:
    client.create(POD, pod("a"))
    informer.start()
    seen.wait("+a")
    late = Seen()
    informer.add_handler(late)
    late.wait("+a")
    client.create(POD, pod("b"))
    late.wait("+a", "+b")


def test_indexes_follow_the_objects(client: Client, informer: Informer, seen: Seen) -> None:
    informer.add_index("node", lambda obj: [obj.get("spec", {}).get("nodeName", "")])
    client.create(POD, pod("a", spec={"nodeName": "n1"}))
    informer.start()
    seen.wait("+a")
    assert [name(obj) for obj in informer.cache.by_index("node", "n1")] == ["a"]
    client.patch(POD, "a", {"spec": {"nodeName": "n2"}}, "ns")
    seen.wait("+a", "~a")
    assert informer.cache.by_index("node", "n1") == []


def test_a_failing_handler_does_not_blind_the_others(
    client: Client, informer: Informer, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(old: Object | None, new: Object | None) -> None:
        raise RuntimeError("a defect")

    seen = Seen()
    informer.add_handler(fail)
    informer.add_handler(seen)
    informer.start()
    client.create(POD, pod("a"))
    client.create(POD, pod("b"))
    seen.wait("+a", "+b")
    assert "ns/a" in caplog.text
    assert "a defect" in caplog.text


def test_no_handler_runs_after_stop(client: Client, informer: Informer, seen: Seen) -> None:
    informer.start()
    client.create(POD, pod("a"))
    seen.wait("+a")
    informer.stop()
    client.create(POD, pod("b"))
    thread = informer._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()
    seen.wait("+a")


def test_informers_are_shared_by_kind(client: Client) -> None:
    informers = Informers(client)
    pods = informers.of(POD)
    assert informers.of(POD) is pods
    informers.start()
    nodes = informers.of(NODE)
    assert nodes is not pods
    assert informers.wait_synced(10)
    assert nodes.has_synced
    informers.stop()


def test_wait_synced_gives_up(api: FakeApi, client: Client) -> None:
    api.go_down()
    informers = Informers(client)
    informers.of(POD)
    informers.start()
    assert not informers.wait_synced(0.05)
    informers.stop()
