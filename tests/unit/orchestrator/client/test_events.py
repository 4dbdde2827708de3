from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from orchestrator.api.errors import Forbidden, ServiceUnavailable
from orchestrator.api.groups.core import EVENT
from orchestrator.api.meta import Object
from orchestrator.api.times import rfc3339
from orchestrator.client import events
from orchestrator.client.client import Client
from orchestrator.client.events import EventRecorder
from orchestrator.util.clock import FakeClock
from tests.fakes.store_api import FakeApi

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "ns", "uid": "u1", "resourceVersion": "7"},
}
NODE: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "u2"}}


@pytest.fixture
def api(clock: FakeClock) -> FakeApi:
    return FakeApi(clock)


@pytest.fixture
def recorder(api: FakeApi, clock: FakeClock) -> Iterator[EventRecorder]:
    recorder = EventRecorder(Client(api), "kubelet", "n1", clock=clock)
    yield recorder
    api.failure = None
    recorder.stop()


def recorded(api: FakeApi, recorder: EventRecorder) -> list[Object]:
    """The events in the API once the recorder has written all it has."""
    recorder.stop(10)
    return Client(api).list(EVENT).items


def test_an_event_says_who_what_when_about_whom(api: FakeApi, recorder: EventRecorder, clock: FakeClock) -> None:
    recorder.event(POD, "Normal", "Started", "Started container", field_path="spec.containers{web}")
    [event] = recorded(api, recorder)
    assert event["metadata"]["namespace"] == "ns"
    assert event["metadata"]["name"] == f"web.{int(clock.now() * 1e9):x}"
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "web",
        "namespace": "ns",
        "uid": "u1",
        "resourceVersion": "7",
        "fieldPath": "spec.containers{web}",
    }
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "Started", "Started container")
    assert event["source"] == {"component": "kubelet", "host": "n1"}
    assert (event["reportingComponent"], event["reportingInstance"]) == ("kubelet", "n1")
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (1, *[rfc3339(clock.now())] * 2)


def test_another_component_may_speak_through_it(api: FakeApi, recorder: EventRecorder) -> None:
    recorder.event(POD, "Normal", "Killing", "Stopping", component="taint-eviction-controller")
    [event] = recorded(api, recorder)
    assert event["source"]["component"] == event["reportingComponent"] == "taint-eviction-controller"


def test_about_a_cluster_scoped_object_it_is_in_default(api: FakeApi, recorder: EventRecorder) -> None:
    recorder.event(NODE, "Warning", "NodeNotReady", "gone")
    [event] = recorded(api, recorder)
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["involvedObject"]


def test_repeats_are_counted(api: FakeApi, recorder: EventRecorder, clock: FakeClock) -> None:
    first = rfc3339(clock.now())
    for _ in range(3):
        recorder.event(POD, "Warning", "BackOff", "again")
        clock.advance(10)
    [event] = recorded(api, recorder)
    assert (event["count"], event["firstTimestamp"]) == (3, first)
    assert event["lastTimestamp"] == rfc3339(clock.now() - 10)


def test_names_are_unique_within_one_moment(api: FakeApi, recorder: EventRecorder) -> None:
    for n in range(5):
        recorder.event(POD, "Normal", f"Reason{n}", "x")
    assert len({event["metadata"]["name"] for event in recorded(api, recorder)}) == 5


def test_an_expired_event_is_made_anew_with_its_count(api: FakeApi, recorder: EventRecorder, clock: FakeClock) -> None:
    recorder.event(POD, "Warning", "BackOff", "again")
    [created] = api.wait_requests(1, "create")
    while not api.store.list("/events").entries:
        threading.Event().wait(0.001)
    entry = api.store.list("/events").entries[0]
    api.store.delete(entry.key, entry.revision)
    recorder.event(POD, "Warning", "BackOff", "again")
    [event] = recorded(api, recorder)
    assert event["count"] == 2
    assert event["metadata"]["name"] == created.body["metadata"]["name"]


def test_an_outage_delays_events(api: FakeApi, recorder: EventRecorder, clock: FakeClock) -> None:
    api.failure = ServiceUnavailable("down")
    recorder.event(POD, "Normal", "Started", "x")
    api.wait_requests(1, "create")
    api.failure = None
    while not api.store.list("/events").entries:
        clock.advance(1)
        threading.Event().wait(0.001)
    assert len(recorded(api, recorder)) == 1


def test_a_refused_event_is_dropped_with_a_word(
    api: FakeApi, recorder: EventRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    api.failure = Forbidden("namespace ns is being terminated")
    recorder.event(POD, "Normal", "Started", "x")
    recorder.stop(10)
    assert len(api.of("create")) == 1
    assert "Pod/ns/web" in caplog.text
    assert "being terminated" in caplog.text


def test_too_many_are_dropped_and_nobody_waits(
    api: FakeApi, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(events, "QUEUE", 3)
    api.failure = ServiceUnavailable("down")
    recorder = EventRecorder(Client(api), "kubelet", clock=clock)
    for n in range(20):
        recorder.event(POD, "Normal", f"Reason{n}", "x")
    assert caplog.text.count("dropping events") == 1
    api.failure = None
    recorder.stop(0.01)


def test_stop_does_not_wait_for_a_server_that_is_away(api: FakeApi, clock: FakeClock) -> None:
    api.failure = ServiceUnavailable("down")
    recorder = EventRecorder(Client(api), "kubelet", clock=clock)
    recorder.stop()
    recorder.event(POD, "Normal", "Started", "x")
    api.wait_requests(1, "create")
    recorder.stop(0.05)
    thread = recorder._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()
