"""What the loop is told of the API's changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from agent.proxy.catalog import Catalog, Published
from agent.proxy.feed import Feed
from orchestrator.api.groups.core import SERVICE
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.api.meta import Key, Object
from orchestrator.client.client import Client
from orchestrator.client.informers import Informers
from tests.fakes.api import local_api
from tests.fakes.running_loop import RunningLoop, eventually, running_loop
from tests.fakes.services import endpoint, endpoint_slice, service

WEB = Key("default/web")


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.known: dict[Key, Published] = {}
        self.calls: list[str] = []

    def synced(self, services: Catalog) -> None:
        self.calls.append("synced")
        self.known = dict(services)

    def changed(self, services: Mapping[Key, Published | None]) -> None:
        self.calls.append("changed")
        for key, entry in services.items():
            if entry is None:
                self.known.pop(key, None)
            else:
                self.known[key] = entry

    def backends(self) -> list[str]:
        slices = self.known[WEB].slices if WEB in self.known else ()
        return sorted(end["addresses"][0] for part in slices for end in part["endpoints"])


@pytest.fixture
def running() -> Iterator[RunningLoop]:
    with running_loop() as made:
        yield made


@pytest.fixture
def api() -> Client:
    _, client = local_api()
    return client


def web_slice(name: str, *ips: str) -> Object:
    made = endpoint_slice(*map(endpoint, ips))
    made["metadata"]["name"] = name
    return made


def test_the_loop_follows_the_api(running: RunningLoop, api: Client) -> None:
    heard, informers = Heard(), Informers(api)
    feed = Feed(running.loop, informers, heard)
    api.create(SERVICE, service())
    api.create(ENDPOINT_SLICE, web_slice("web-1", "172.17.0.2"))
    feed.start()
    eventually(lambda: heard.backends() == ["172.17.0.2"])
    api.create(ENDPOINT_SLICE, web_slice("web-2", "172.17.0.3"))
    eventually(lambda: heard.backends() == ["172.17.0.2", "172.17.0.3"])
    api.delete(ENDPOINT_SLICE, "web-1", "default")
    eventually(lambda: heard.backends() == ["172.17.0.3"])
    other = {"metadata": {"labels": {"kubernetes.io/service-name": "other"}}}
    api.patch(ENDPOINT_SLICE, "web-2", other, "default")
    eventually(lambda: heard.backends() == [])
    api.delete(SERVICE, "web", "default")
    eventually(lambda: WEB not in heard.known)
    feed.stop()


def test_a_burst_is_told_in_few_words(running: RunningLoop, api: Client) -> None:
    heard, informers = Heard(), Informers(api)
    feed = Feed(running.loop, informers, heard)
    feed.start()
    eventually(lambda: heard.calls == ["synced"])
    for number in range(50):
        api.create(ENDPOINT_SLICE, web_slice(f"web-{number}", f"172.17.0.{number + 2}"))
    api.create(SERVICE, service())
    eventually(lambda: len(heard.backends()) == 50)
    assert len(heard.calls) < 40
    feed.stop()


def test_nothing_is_told_before_both_kinds_are_known(running: RunningLoop, api: Client) -> None:
    """A Service whose slices are not known yet would look like one without endpoints."""
    heard, informers = Heard(), Informers(api)
    feed = Feed(running.loop, informers, heard)
    informers.of(SERVICE).start()
    assert informers.of(SERVICE).wait_synced(10)
    running.call(lambda: None)
    assert heard.calls == []
    feed.start()
    eventually(lambda: heard.calls == ["synced"])
    feed.stop()
