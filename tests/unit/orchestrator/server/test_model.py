"""Whatever is done to a few objects: a watcher that applies the events knows what a list would tell."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.api.errors import ApiError
from orchestrator.api.groups.core import CONFIG_MAP
from orchestrator.api.meta import Object
from orchestrator.client.client import Client
from orchestrator.util.clock import FakeClock
from tests.fakes.api import local_api

NAMES = ("a", "b", "c")
HOLD = "example.com/hold"
#: Made last.
END = "end"
step = st.tuples(
    st.sampled_from(["create", "label", "data", "hold", "release", "delete", "stale update"]), st.sampled_from(NAMES)
)


def act(client: Client, verb: str, name: str, rng: random.Random, stale: dict[str, Object]) -> None:
    meta: Object = {"name": name, "namespace": "default"}
    patches: dict[str, Any] = {
        "label": {"metadata": {"labels": {"on": rng.choice(["0", "1"])}}},
        "data": {"data": {"x": str(rng.random())}},
        "hold": {"metadata": {"finalizers": [HOLD]}},
        "release": {"metadata": {"finalizers": None}},
    }
    if verb == "create":
        stale[name] = client.create(CONFIG_MAP, {"metadata": {**meta, "labels": {"on": rng.choice(["0", "1"])}}})
    elif verb == "delete":
        client.delete(CONFIG_MAP, name, "default")
    elif verb == "stale update" and name in stale:
        client.update(CONFIG_MAP, {**stale[name], "data": {"y": "z"}})
    elif verb in patches:
        client.patch(CONFIG_MAP, name, patches[verb], "default")


def follow(client: Client, start: str, selector: str, known: dict[str, Object]) -> dict[str, Object]:
    """`known` after every event from `start` until END was made; each must fit what is known."""
    last = int(start)
    for event in client.watch(CONFIG_MAP, "default", resourceVersion=start, labelSelector=selector):
        name, version = event.object["metadata"]["name"], int(event.object["metadata"]["resourceVersion"])
        assert version > last
        last = version
        assert (name in known) == (event.type != "ADDED")
        if event.type == "DELETED":
            del known[name]
        else:
            known[name] = event.object
        if name == END:
            break
    return known


@settings(max_examples=100, deadline=None)
@given(st.lists(step, max_size=25), st.integers(0, 10), st.sampled_from(["", "on=1"]), st.integers())
def test_watch_and_list_agree(steps: list[tuple[str, str]], watched_from: int, selector: str, seed: int) -> None:
    rng, stale = random.Random(seed), dict[str, Object]()
    _, client = local_api(FakeClock())

    def listed() -> tuple[dict[str, Object], str]:
        found = client.list(CONFIG_MAP, "default", labelSelector=selector)
        return {item["metadata"]["name"]: item for item in found.items}, found.resource_version

    known, start = listed()
    for number, (verb, name) in enumerate(steps):
        if number == watched_from:
            known, start = listed()
        try:
            act(client, verb, name, rng, stale)
        except ApiError as error:
            assert error.code in (404, 409, 422)
    client.create(CONFIG_MAP, {"metadata": {"name": END, "namespace": "default", "labels": {"on": "1"}}})
    assert follow(client, start, selector, known) == listed()[0]
