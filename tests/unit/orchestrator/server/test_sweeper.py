from __future__ import annotations

import pytest

from orchestrator.api.groups.core import EVENT
from orchestrator.api.meta import Object
from orchestrator.api.times import rfc3339
from orchestrator.client.client import Client
from orchestrator.server import sweeper
from orchestrator.server.resources import Resources
from orchestrator.server.sweeper import sweep
from orchestrator.util.clock import FakeClock


def event(name: str, **fields: object) -> Object:
    involved = {"kind": "Pod", "name": "web", "namespace": "default"}
    return {"metadata": {"name": name, "namespace": "default"}, "involvedObject": involved, **fields}


def names(client: Client) -> list[str]:
    return [item["metadata"]["name"] for item in client.list(EVENT).items]


def test_old_events_go_and_repeated_ones_stay(resources: Resources, client: Client, clock: FakeClock) -> None:
    client.create(EVENT, event("old", lastTimestamp=rfc3339(clock.now())))
    client.create(EVENT, event("repeated", lastTimestamp=rfc3339(clock.now())))
    client.create(EVENT, event("undated"))
    clock.advance(3500)
    client.patch(EVENT, "repeated", {"lastTimestamp": rfc3339(clock.now()), "count": 2}, "default")
    assert sweep(resources.backend, 3600) == 0
    clock.advance(200)
    assert sweep(resources.backend, 3600) == 2
    assert names(client) == ["repeated"]


def test_a_sweep_is_bounded(
    resources: Resources, client: Client, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(5):
        client.create(EVENT, event(f"e{index}"))
    clock.advance(10)
    monkeypatch.setattr(sweeper, "_AT_ONCE", 3)
    assert sweep(resources.backend, 5) == 3
    assert sweep(resources.backend, 5) == 2
