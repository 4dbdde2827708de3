"""The collector over random graphs of owners: nothing with a live owner is deleted, and nothing else is left."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.api.meta import Object, finalizers, is_deleting, owner_references, uid
from orchestrator.controllers.garbagecollector_plan import FOREGROUND, ORPHAN, State, blocks, plan, waits_for_dependents


@dataclass
class Api:
    """Objects by uid; deletion as the API server does it."""

    objects: dict[str, Object] = field(default_factory=dict)
    #: Whom the test itself asked to delete.
    asked: set[str] = field(default_factory=set)

    def add(self, name: str, owners: list[tuple[str, bool]]) -> None:
        references = [{"uid": owner, "blockOwnerDeletion": blocking} for owner, blocking in owners]
        self.objects[name] = {"metadata": {"name": name, "uid": name, "ownerReferences": references}}

    def delete(self, name: str, propagation: str) -> None:
        meta = self.objects[name]["metadata"]
        marks = {"Foreground": [FOREGROUND], "Orphan": [ORPHAN]}.get(propagation, [])
        meta["finalizers"] = [*(meta.get("finalizers") or []), *marks]
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        self._remove_if_free(name)

    def write(self, obj: Object) -> None:
        self.objects[uid(obj)] = obj
        self._remove_if_free(uid(obj))

    def _remove_if_free(self, name: str) -> None:
        if is_deleting(self.objects[name]) and not finalizers(self.objects[name]):
            del self.objects[name]

    def state(self, ref: Object) -> State:
        owner = self.objects.get(ref["uid"])
        if owner is None:
            return "absent"
        return "waiting" if waits_for_dependents(owner) and blocks(ref, owner) else "live"

    def dependents(self, owner: Object) -> list[Object]:
        return [o for o in self.objects.values() if any(ref["uid"] == uid(owner) for ref in owner_references(o))]

    def collect(self, name: str) -> bool:
        """One sync; True when it changed anything."""
        obj = self.objects[name]
        owners: dict[str, State] = {ref["uid"]: self.state(ref) for ref in owner_references(obj)}
        dependents = self.dependents(obj)
        result = plan(obj, owners, dependents, self.dependents)
        if result.delete:
            assert "live" not in owners.values(), f"{name} has a live owner"
            assert owners
            self.delete(name, result.delete)
        if (
            waits_for_dependents(obj)
            and any(uid(each) == name and FOREGROUND not in finalizers(each) for each in result.write)
            and ORPHAN not in finalizers(obj)
        ):
            blocking = [o for o in dependents if o is not obj and any(blocks(ref, obj) for ref in owner_references(o))]
            assert not blocking, f"{name} did not wait for its dependents"
        for each in result.write:
            self.write(each)
        return bool(result.delete or result.write)


@st.composite
def graphs(draw: st.DrawFn) -> Api:
    """Objects o0, o1, ...; each owned by any others, itself and circles included, or by one that never was."""
    count = draw(st.integers(1, 8))
    names = [f"o{n}" for n in range(count)]
    api = Api()
    for name in names:
        owners = draw(st.lists(st.sampled_from([*names, "ghost"]), max_size=3, unique=True))
        api.add(name, [(owner, draw(st.booleans())) for owner in owners])
    return api


@settings(max_examples=200, deadline=None)
@given(
    graphs(),
    st.lists(st.tuples(st.integers(0, 7), st.sampled_from(("Background", "Foreground", "Orphan")))),
    st.randoms(),
)
def test_collection(api: Api, deletions: list[tuple[int, str]], rng: random.Random) -> None:
    for number, propagation in deletions:
        if (name := f"o{number}") in api.objects and not is_deleting(api.objects[name]):
            api.delete(name, propagation)
            _some_syncs(api, rng)
    _until_nothing_changes(api, rng)
    for name, obj in api.objects.items():
        assert not is_deleting(obj), f"{name} never goes"
        absent = [ref["uid"] for ref in owner_references(obj) if ref["uid"] not in api.objects]
        assert not absent, f"{name} refers to owners that are gone: {absent}"


def _some_syncs(api: Api, rng: random.Random) -> None:
    for _ in range(rng.randrange(6)):
        if api.objects:
            api.collect(rng.choice(sorted(api.objects)))


def _until_nothing_changes(api: Api, rng: random.Random) -> None:
    for _ in range(200):
        names = sorted(api.objects)
        rng.shuffle(names)
        changed = [api.collect(name) for name in names if name in api.objects]
        if not any(changed):
            return
    raise AssertionError("the collector never comes to rest")
