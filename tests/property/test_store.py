"""Random histories against a model: a dict of the objects at every revision."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orchestrator.store.base import (
    Compacted,
    EventType,
    FutureRevision,
    KeyExists,
    KeyNotFound,
    RevisionConflict,
    Store,
    Watch,
)
from orchestrator.util.clock import FakeClock
from tests.contract.stores import STORES

HISTORY = 100.0
KEYS = strategies.sampled_from([f"/{kind}/{ns}/{n}" for kind in ("p", "px") for ns in ("a", "b") for n in (1, 2)])
PREFIXES = strategies.sampled_from(["/", "/p/", "/p/a/", "/px/b/", "/none/"])
#: Objects by key, each told by its revision.
Snapshot = dict[str, int]


class Follower:
    """A watch with what it has delivered so far, which must be the model's writes under its prefix."""

    def __init__(self, watch: Watch, prefix: str, since: int) -> None:
        self.watch = watch
        self.prefix = prefix
        self.revision = since


class StoreMachine(RuleBasedStateMachine):
    kind = "memory"

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FakeClock()
        self.store: Store = STORES[self.kind](self.folder, self.clock, HISTORY)
        self.last = self.store.revision
        self.floor = 0
        self.at: dict[int, Snapshot] = {self.last: {}}
        self.events: list[tuple[int, EventType, str]] = []
        self.followers: list[Follower] = []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    def now(self) -> Snapshot:
        return self.at[self.last]

    def wrote(self, revision: int, type: EventType, key: str) -> None:
        assert revision == self.last + 1
        after = dict(self.now())
        if type == "DELETED":
            del after[key]
        else:
            after[key] = revision
        self.last = revision
        self.at[revision] = after
        self.events.append((revision, type, key))

    @rule(key=KEYS)
    def create(self, key: str) -> None:
        if key in self.now():
            with pytest.raises(KeyExists):
                self.store.create(key, {})
        else:
            self.wrote(self.store.create(key, {}).revision, "ADDED", key)

    @rule(key=KEYS, stale=strategies.integers(0, 2), delete=strategies.booleans())
    def change(self, key: str, stale: int, delete: bool) -> None:
        def write(expected: int) -> int:
            if delete:
                return self.store.delete(key, expected).revision
            return self.store.update(key, {"n": expected}, expected).revision

        current = self.now().get(key)
        if current is None:
            with pytest.raises(KeyNotFound):
                write(self.last)
        elif stale:
            with pytest.raises(RevisionConflict):
                write(current - stale)
        else:
            self.wrote(write(current), "DELETED" if delete else "MODIFIED", key)

    @rule(prefix=PREFIXES, back=strategies.integers(-1, 20), limit=strategies.integers(0, 3))
    def read_past(self, prefix: str, back: int, limit: int) -> None:
        """Page through the state as of some revision."""
        revision = max(1, self.last - back)
        if revision > self.last:
            with pytest.raises(FutureRevision):
                self.store.list(prefix, revision=revision)
            return
        if revision < self.floor:
            with pytest.raises(Compacted):
                self.store.list(prefix, revision=revision)
            return
        found: list[tuple[str, int]] = []
        after, remaining = "", 1
        while remaining:
            page = self.store.list(prefix, limit=limit, after=after, revision=revision)
            found += [(entry.key, entry.revision) for entry in page.entries]
            remaining = page.remaining
            after = page.entries[-1].key if page.entries else after
            assert not limit or len(page.entries) <= limit
        expected = {key: at for key, at in self.at[revision].items() if key.startswith(prefix)}
        assert found == sorted(expected.items())

    @rule(prefix=PREFIXES, back=strategies.integers(0, 20))
    def follow(self, prefix: str, back: int) -> None:
        since = max(1, self.last - back)
        if since < self.floor:
            with pytest.raises(Compacted):
                self.store.watch(prefix, since)
        else:
            self.followers.append(Follower(self.store.watch(prefix, since), prefix, since))

    @precondition(lambda self: self.followers)
    @rule(data=strategies.data(), events=strategies.integers(1, 10))
    def read_watch(self, data: strategies.DataObject, events: int) -> None:
        follower = data.draw(strategies.sampled_from(self.followers))
        expected = [e for e in self.events if e[0] > follower.revision and e[2].startswith(follower.prefix)]
        for revision, type, key in expected[:events]:
            if revision <= self.floor:
                with pytest.raises(Compacted):
                    follower.watch.next(0)
                self.followers.remove(follower)
                return
            event = follower.watch.next(0)
            assert event is not None
            assert (event.entry.revision, event.type, event.entry.key) == (revision, type, key)
            before = self.at[revision - 1].get(key)
            assert (event.previous.revision if event.previous else None) == before
            follower.revision = revision
        if len(expected) <= events:
            assert follower.watch.next(0) is None
            assert follower.watch.revision == self.last
        else:
            assert follower.revision <= follower.watch.revision < expected[events][0]

    @precondition(lambda self: self.followers)
    @rule(data=strategies.data())
    def unfollow(self, data: strategies.DataObject) -> None:
        follower = data.draw(strategies.sampled_from(self.followers))
        follower.watch.close()
        assert follower.watch.next(0) is None
        self.followers.remove(follower)

    @rule(back=strategies.integers(0, 5))
    def compact(self, back: int) -> None:
        revision = self.last - back
        if revision >= max(1, self.floor):
            self.store.compact(revision)
            self.floor = revision

    @invariant()
    def the_newest_state_is_the_models(self) -> None:
        if hasattr(self, "store"):
            page = self.store.list("")
            assert page.revision == self.store.revision == self.last
            assert {entry.key: entry.revision for entry in page.entries} == self.now()
            assert all(entry.object()["metadata"]["resourceVersion"] == str(entry.revision) for entry in page.entries)


class JsonFileMachine(StoreMachine):
    kind = "jsonfile"

    @rule()
    def restart(self) -> None:
        for follower in self.followers:
            assert not follower.watch.closed
        watches = [follower.watch for follower in self.followers]
        self.store.close()
        assert all(watch.closed for watch in watches)
        self.followers.clear()
        self.store = STORES[self.kind](self.folder, self.clock, HISTORY)


TestMemory = StoreMachine.TestCase
TestMemory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestJsonFile = JsonFileMachine.TestCase
TestJsonFile.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
