from __future__ import annotations

import pytest

from agent.api_lookup import ApiLookup
from orchestrator.api.errors import ServiceUnavailable
from orchestrator.api.groups.core import CONFIG_MAP, SERVICE
from orchestrator.api.meta import Object
from orchestrator.client.client import Client
from orchestrator.client.informer import Informer
from orchestrator.util.clock import FakeClock
from tests.fakes.store_api import FakeApi


def config(value: str) -> Object:
    return {"metadata": {"namespace": "default", "name": "settings"}, "data": {"key": value}}


def test_while_the_api_is_away_the_last_known_must_do(clock: FakeClock) -> None:
    api = FakeApi(clock)
    client = Client(api)
    lookup = ApiLookup(client, Informer(client, SERVICE))
    assert lookup(CONFIG_MAP, "default", "settings") is None
    client.create(CONFIG_MAP, config("1"))
    assert lookup(CONFIG_MAP, "default", "settings")["data"] == {"key": "1"}
    client.patch(CONFIG_MAP, "settings", {"data": {"key": "2"}}, "default")
    assert lookup(CONFIG_MAP, "default", "settings")["data"] == {"key": "2"}, "never older than the call"
    api.failure = ServiceUnavailable("away")
    assert lookup(CONFIG_MAP, "default", "settings")["data"] == {"key": "2"}
    with pytest.raises(ServiceUnavailable):
        lookup(CONFIG_MAP, "default", "never-seen")


def test_what_was_deleted_is_forgotten(clock: FakeClock) -> None:
    api = FakeApi(clock)
    client = Client(api)
    lookup = ApiLookup(client, Informer(client, SERVICE))
    client.create(CONFIG_MAP, config("1"))
    lookup(CONFIG_MAP, "default", "settings")
    client.delete(CONFIG_MAP, "settings", "default")
    assert lookup(CONFIG_MAP, "default", "settings") is None
    api.failure = ServiceUnavailable("away")
    with pytest.raises(ServiceUnavailable):
        lookup(CONFIG_MAP, "default", "settings")
