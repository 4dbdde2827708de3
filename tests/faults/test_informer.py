"""Informers through outages: whatever happens to the server and the connection, the cache becomes the truth again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from orchestrator.api.errors import ApiError, Forbidden, ServiceUnavailable
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import name
from orchestrator.client.client import Client
from orchestrator.client.informer import Informer
from orchestrator.client.reflector import LONGEST_DELAY
from orchestrator.util.clock import FakeClock
from tests.fakes.store_api import FakeApi
from tests.unit.orchestrator.client.test_informer import Seen, pod


class Scene:
    """An informer in step with an API that holds the pods `a` and `b`."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.api = FakeApi(clock)
        self.client = Client(self.api)
        self.informer = Informer(self.client, POD, clock=clock)
        self.seen = Seen()
        self.informer.add_handler(self.seen)
        self.client.create(POD, pod("a"))
        self.client.create(POD, pod("b"))
        self.informer.start()
        self.api.wait_requests(1, "watch")

    def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until something is so."""
        for _ in range(2000):
            if condition():
                return
            self.clock.advance(LONGEST_DELAY)
            threading.Event().wait(0.002)
        raise AssertionError(f"it did not become so; requests: {self.api.requests}")

    def until_told(self, *notes: str) -> None:
        self.until(lambda: len(self.seen.notes) >= len(notes))
        assert self.seen.notes == list(notes)

    def pods(self) -> list[str]:
        return sorted(name(obj) for obj in self.informer.cache.list())


@pytest.fixture
def scene(clock: FakeClock) -> Iterator[Scene]:
    scene = Scene(clock)
    scene.seen.wait("+a", "+b")
    yield scene
    scene.informer.stop()


def test_a_watch_that_ends_goes_on_from_the_last_revision(scene: Scene) -> None:
    scene.client.create(POD, pod("c"))
    scene.seen.wait("+a", "+b", "+c")
    revision = scene.api.store.revision
    scene.api.end_watches()
    second = scene.api.wait_requests(2, "watch")[1]
    assert second.options["resourceVersion"] == str(revision)
    scene.client.delete(POD, "a", "ns")
    scene.until_told("+a", "+b", "+c", "-a")
    assert len(scene.api.of("list")) == 1


def test_a_bookmark_moves_the_revision_without_a_change(scene: Scene) -> None:
    """So a quiet kind's watch does not fall behind a compaction caused by a busy one."""
    scene.api.store.create("/nodes/n1", {})
    scene.api.end_watches()
    second = scene.api.wait_requests(2, "watch")[1]
    assert second.options["resourceVersion"] == str(scene.api.store.revision)
    assert scene.seen.notes == ["+a", "+b"]


def test_changes_during_a_lost_connection_come_once(scene: Scene) -> None:
    scene.api.go_down()
    scene.api.store.create("/pods/ns/c", pod("c"))
    scene.api.store.delete("/pods/ns/a", scene.api.store.get("/pods/ns/a").revision)
    scene.api.failure = None
    scene.until_told("+a", "+b", "+c", "-a")
    assert scene.pods() == ["b", "c"]
    assert len(scene.api.of("list")) == 1


def test_an_outage_is_logged_once(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "orchestrator.client"):
        scene.api.go_down()
        tries = len(scene.api.requests)
        scene.until(lambda: len(scene.api.requests) > tries + 5)
        scene.api.failure = None
        scene.api.store.create("/pods/ns/c", pod("c"))
        scene.until_told("+a", "+b", "+c")
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING, logging.INFO]


def test_tries_come_less_and_less_often(scene: Scene) -> None:
    """Without time passing there is one try; each later one needs more time."""
    scene.api.go_down()
    tries = len(scene.api.wait_requests(3))
    threading.Event().wait(0.05)
    assert len(scene.api.requests) == tries
    scene.clock.advance(0.2)
    scene.api.wait_requests(tries + 1)
    scene.clock.advance(0.05)
    threading.Event().wait(0.05)
    assert len(scene.api.requests) == tries + 1


def test_after_a_compaction_the_difference_is_told(scene: Scene) -> None:
    scene.api.go_down()
    store = scene.api.store
    store.delete("/pods/ns/a", store.get("/pods/ns/a").revision)
    b = store.get("/pods/ns/b")
    store.update("/pods/ns/b", {**b.object(), "spec": {"x": 1}}, b.revision)
    store.create("/pods/ns/c", pod("c"))
    store.compact(store.revision)
    scene.api.failure = None
    scene.until_told("+a", "+b", "-a", "~b", "+c")
    assert scene.pods() == ["b", "c"]
    assert len(scene.api.of("list")) == 2


def test_an_object_made_anew_meanwhile_is_told_as_gone_and_new(scene: Scene) -> None:
    scene.api.go_down()
    store = scene.api.store
    store.delete("/pods/ns/a", store.get("/pods/ns/a").revision)
    store.create("/pods/ns/a", {**pod("a"), "metadata": {**pod("a")["metadata"], "uid": "another"}})
    store.compact(store.revision)
    scene.api.failure = None
    scene.until_told("+a", "+b", "-a", "+a")


def test_a_server_that_lost_its_last_writes_is_listed_again(scene: Scene, clock: FakeClock) -> None:
    """A store that was put back from a copy is at a lower revision than the client."""
    scene.api.go_down()
    scene.api.store = FakeApi(clock).store
    scene.api.store.create("/pods/ns/z", pod("z"))
    scene.api.failure = None
    scene.until(lambda: scene.pods() == ["z"])
    assert sorted(scene.seen.notes) == ["+a", "+b", "+z", "-a", "-b"]


@pytest.mark.parametrize("failure", [ServiceUnavailable("down"), Forbidden("not yet"), ApiError("odd")])
def test_a_server_that_is_not_ready_at_first(clock: FakeClock, failure: ApiError) -> None:
    api = FakeApi(clock)
    api.store.create("/pods/ns/a", pod("a"))
    api.failure = failure
    informer = Informer(Client(api), POD, clock=clock)
    informer.start()
    api.wait_requests(1, "list")
    assert not informer.has_synced
    api.failure = None
    for _ in range(2000):
        if informer.wait_synced(0.002):
            break
        clock.advance(LONGEST_DELAY)
    assert informer.has_synced
    informer.stop()
