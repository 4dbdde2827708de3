"""Binding under late news, refused writes and death: a volume is one claim's only, and in the end all that can be
bound is bound.

The binder itself is at work, on caches that may be behind and with a server that takes writes over the newest version
only; between any two writes it may be killed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.api.claims import is_bound
from orchestrator.api.errors import ApiError, Conflict, NotFound, ServiceUnavailable
from orchestrator.api.groups.core import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Key, Object, key, make_key, spec, status
from orchestrator.client.cache import Cache
from orchestrator.controllers.base import Context
from orchestrator.controllers.volume_binding import VolumeBinder
from orchestrator.util.clock import FakeClock
from orchestrator.util.settings import Settings
from tests.fakes.volumes import claim, volume
from tests.unit.orchestrator.controllers.world import Events

KINDS = (PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM)


class Informer:
    """A cache that hears of what happens when the test says so."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.cache = kind, Cache()

    def add_handler(self, handler: object) -> None: ...

    def add_index(self, name: str, function: Any) -> None:
        self.cache.add_index(name, function)


class Server:
    """Keeps the objects; after `left` writes the binder is dead."""

    def __init__(self) -> None:
        self.objects: dict[tuple[Kind, Key], Object] = {}
        self._versions = 0
        self.left = 0

    def put(self, kind: Kind, obj: Object) -> Object:
        self._versions += 1
        obj = deepcopy(obj)
        obj["metadata"]["resourceVersion"] = str(self._versions)
        self.objects[kind, key(obj)] = obj
        return deepcopy(obj)

    def get(self, kind: Kind, name: str, namespace: str = "") -> Object:
        found = self.objects.get((kind, make_key(namespace, name)))
        if found is None:
            raise NotFound(name)
        return deepcopy(found)

    def update(self, kind: Kind, obj: Object) -> Object:
        return self._write(kind, obj, lambda old: {**obj, "status": status(old)})

    def update_status(self, kind: Kind, obj: Object) -> Object:
        return self._write(kind, obj, lambda old: {**old, "status": status(obj)})

    def _write(self, kind: Kind, obj: Object, part: Callable[[Object], Object]) -> Object:
        if self.left == 0:
            raise ServiceUnavailable("killed")
        self.left -= 1
        old = self.objects.get((kind, key(obj)))
        if old is None:
            raise NotFound(key(obj))
        if old["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
            raise Conflict(key(obj))
        return self.put(kind, part(old))

    def all(self, kind: Kind) -> list[Object]:
        return [obj for (kept, _), obj in self.objects.items() if kept is kind]


class Bench:
    def __init__(self) -> None:
        self.server = Server()
        self._informers: dict[Kind, Informer] = {}
        context = Context(
            cast("Any", self.server), cast("Any", self), Events(), FakeClock(), Settings(cast("Any", "/nonexistent"))
        )
        self.binder = VolumeBinder(context)

    def of(self, kind: Kind) -> Informer:
        return self._informers.setdefault(kind, Informer(kind))

    def hear(self, kind: Kind) -> None:
        cache = self._informers[kind].cache
        there = {key(obj): obj for obj in self.server.all(kind)}
        for gone in set(cache.keys()) - set(there):
            cache.remove(gone)
        for place, obj in there.items():
            cache.put(place, deepcopy(obj))

    def sync(self, place: Key, writes: int) -> None:
        self.server.left = writes
        # What fails is tried again, by this binder or the next.
        with contextlib.suppress(ApiError):
            self.binder.sync(place)

    def keys(self) -> list[Key]:
        return sorted(place for _, place in self.server.objects)

    def check(self) -> None:
        taken = [spec(obj)["volumeName"] for obj in self.server.all(PERSISTENT_VOLUME_CLAIM) if is_bound(obj)]
        assert len(taken) == len(set(taken)), "two claims have one volume"
        for obj in self.server.all(PERSISTENT_VOLUME_CLAIM):
            if is_bound(obj):
                behind = self.server.get(PERSISTENT_VOLUME, spec(obj)["volumeName"])
                assert spec(behind)["claimRef"]["uid"] == obj["metadata"]["uid"]

    def settle(self) -> None:
        for _ in range(6):
            for place in self.keys():
                for kind in KINDS:
                    self.hear(kind)
                self.sync(place, 100)
                self.check()


sizes = st.lists(st.integers(1, 4), min_size=1, max_size=4)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.integers(0, 1)),
        st.tuples(st.just("sync"), st.tuples(st.integers(0, 20), st.integers(0, 5))),
        st.tuples(st.just("recreate"), st.integers(0, 3)),
    ),
    max_size=25,
)


@given(sizes, sizes, moves)
@settings(max_examples=150, deadline=None)
def test_no_volume_is_ever_two_claims(volumes: list[int], claims: list[int], story: list[tuple[str, Any]]) -> None:
    bench = Bench()
    for number, size in enumerate(volumes):
        bench.server.put(PERSISTENT_VOLUME, volume(f"pv-{number}", f"{size}Gi", phase="Pending"))
    for number, size in enumerate(claims):
        bench.server.put(PERSISTENT_VOLUME_CLAIM, claim(f"c-{number}", f"{size}Gi"))
    for step, (move, what) in enumerate(story):
        if move == "hear":
            bench.hear(KINDS[what])
        elif move == "sync":
            keys = bench.keys()
            bench.sync(keys[what[0] % len(keys)], what[1])
        else:
            number = what % len(claims)
            fresh = claim(f"c-{number}", f"{claims[number]}Gi", uid=f"again-{step}")
            bench.server.put(PERSISTENT_VOLUME_CLAIM, fresh)
        bench.check()
    bench.settle()
    free = [obj for obj in bench.server.all(PERSISTENT_VOLUME) if status(obj)["phase"] == "Available"]
    largest = max((int(spec(obj)["capacity"]["storage"][:-2]) for obj in free), default=0)
    open = [obj for obj in bench.server.all(PERSISTENT_VOLUME_CLAIM) if not is_bound(obj)]
    for obj in open:
        assert int(spec(obj)["resources"]["requests"]["storage"][:-2]) > largest, "it could have been bound"


@pytest.mark.parametrize("writes", range(6))
def test_what_a_killed_binder_began_is_finished(writes: int) -> None:
    bench = Bench()
    bench.server.put(PERSISTENT_VOLUME, volume())
    bench.server.put(PERSISTENT_VOLUME, volume("another"))
    bench.server.put(PERSISTENT_VOLUME_CLAIM, claim())
    for kind in KINDS:
        bench.hear(kind)
    bench.sync(Key("default/data"), writes)
    bench.settle()
    assert [status(obj)["phase"] for obj in bench.server.all(PERSISTENT_VOLUME_CLAIM)] == ["Bound"]
    assert sorted(status(obj)["phase"] for obj in bench.server.all(PERSISTENT_VOLUME)) == ["Available", "Bound"]
