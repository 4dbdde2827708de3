"""The store's contract, over every implementation."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.api.meta import Object
from orchestrator.store.base import (
    Compacted,
    Event,
    Filed,
    FutureRevision,
    KeyExists,
    KeyNotFound,
    RevisionConflict,
    Store,
    StoreUnavailable,
    Watch,
)
from orchestrator.util.clock import FakeClock
from tests.contract.stores import STORES

HISTORY = 600.0
PODS = "/core/pods/"


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    opened = STORES[request.param](tmp_path, clock, HISTORY)
    yield opened
    opened.close()


def pod(name: str, **fields: object) -> dict[str, object]:
    return {"kind": "Pod", "metadata": {"name": name}, **fields}


def node_of(pod: Object) -> str:
    return str(pod.get("node", ""))


def drain(watch: Watch) -> list[Event]:
    events = []
    while event := watch.next(0):
        events.append(event)
    return events


def story(events: list[Event]) -> list[tuple[str, str, int]]:
    return [(event.type, event.entry.key, event.entry.revision) for event in events]


class TestWrites:
    def test_create_puts_the_revision_into_a_copy(self, store: Store) -> None:
        given = pod("a")
        entry = store.create("/core/pods/ns/a", given)
        assert entry.object() == {"kind": "Pod", "metadata": {"name": "a", "resourceVersion": str(entry.revision)}}
        assert given == pod("a")
        assert store.get("/core/pods/ns/a") == entry
        assert store.revision == entry.revision

    def test_every_write_gets_the_next_revision(self, store: Store) -> None:
        first = store.create("/a", pod("a"))
        second = store.create("/b", pod("b"))
        third = store.update("/a", pod("a", x=1), first.revision)
        fourth = store.delete("/b", second.revision)
        base = first.revision
        assert [first.revision, second.revision, third.revision, fourth.revision] == [
            base,
            base + 1,
            base + 2,
            base + 3,
        ]

    def test_create_of_an_existing_key(self, store: Store) -> None:
        store.create("/a", pod("a"))
        revision = store.revision
        with pytest.raises(KeyExists):
            store.create("/a", pod("a"))
        assert store.revision == revision

    def test_update_with_an_old_revision_tells_the_current_entry(self, store: Store) -> None:
        first = store.create("/a", pod("a"))
        second = store.update("/a", pod("a", x=1), first.revision)
        with pytest.raises(RevisionConflict) as conflict:
            store.update("/a", pod("a", x=2), first.revision)
        assert conflict.value.current == second
        assert store.get("/a") == second

    def test_delete_returns_the_last_state_under_its_own_revision(self, store: Store) -> None:
        first = store.create("/a", pod("a", x=1))
        last = store.delete("/a", first.revision)
        assert last.revision == first.revision + 1
        assert last.object() == pod("a", x=1) | {"metadata": {"name": "a", "resourceVersion": str(last.revision)}}
        with pytest.raises(KeyNotFound):
            store.get("/a")

    def test_delete_with_an_old_revision(self, store: Store) -> None:
        first = store.create("/a", pod("a"))
        store.update("/a", pod("a", x=1), first.revision)
        with pytest.raises(RevisionConflict):
            store.delete("/a", first.revision)

    def test_writes_to_what_is_not_there(self, store: Store) -> None:
        with pytest.raises(KeyNotFound):
            store.update("/a", pod("a"), 1)
        with pytest.raises(KeyNotFound):
            store.delete("/a", 1)

    def test_a_deleted_key_can_be_created_again(self, store: Store) -> None:
        store.delete("/a", store.create("/a", pod("a")).revision)
        assert store.create("/a", pod("a")).revision == store.revision

    def test_one_of_many_rivals_wins_each_revision(self, store: Store) -> None:
        entry = store.create("/counter", pod("counter", n=0))

        def increment(_: int) -> None:
            while True:
                current = store.get("/counter")
                try:
                    store.update("/counter", pod("counter", n=current.object()["n"] + 1), current.revision)
                    return
                except RevisionConflict:
                    continue

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(increment, range(64)))
        assert store.get("/counter").object()["n"] == 64
        assert store.revision == entry.revision + 64

    def test_a_closed_store_refuses_writes_and_ends_watches(self, store: Store) -> None:
        watch = store.watch("/", store.revision)
        waiting = threading.Thread(target=watch.next)
        waiting.start()
        store.close()
        waiting.join(5)
        assert not waiting.is_alive()
        assert watch.closed
        with pytest.raises(StoreUnavailable):
            store.create("/a", pod("a"))


class TestList:
    @pytest.fixture(autouse=True)
    def five(self, store: Store) -> None:
        for name in ("c", "a", "e", "b", "d"):
            store.create(f"/core/pods/ns/{name}", pod(name))
        store.create("/core/podsx/ns/z", pod("z"))

    def names(self, store: Store, prefix: str = PODS, **options: int | str) -> list[str]:
        page = store.list(prefix, **options)  # type: ignore[arg-type]
        return [entry.key.rpartition("/")[2] for entry in page.entries]

    def test_is_in_key_order_and_keeps_to_the_prefix(self, store: Store) -> None:
        assert self.names(store) == ["a", "b", "c", "d", "e"]
        assert self.names(store, "/core/pods/other/") == []
        assert len(store.list("").entries) == 6

    def test_pages_count_what_remains(self, store: Store) -> None:
        page = store.list(PODS, limit=2)
        assert self.names(store, limit=2) == ["a", "b"]
        assert page.remaining == 3
        assert page.revision == store.revision
        rest = store.list(PODS, limit=5, after=page.entries[-1].key)
        assert [entry.key[-1] for entry in rest.entries] == ["c", "d", "e"]
        assert rest.remaining == 0

    def test_pages_are_of_one_moment(self, store: Store) -> None:
        first = store.list(PODS, limit=2)
        store.delete("/core/pods/ns/c", store.get("/core/pods/ns/c").revision)
        store.update("/core/pods/ns/d", pod("d", new=True), store.get("/core/pods/ns/d").revision)
        store.create("/core/pods/ns/bb", pod("bb"))
        second = store.list(PODS, limit=2, after=first.entries[-1].key, revision=first.revision)
        assert [entry.key[-1] for entry in second.entries] == ["c", "d"]
        assert "new" not in second.entries[1].object()
        assert (second.remaining, second.revision) == (1, first.revision)

    def test_a_revision_to_come(self, store: Store) -> None:
        with pytest.raises(FutureRevision):
            store.list(PODS, revision=store.revision + 1)

    def test_a_revision_that_is_compacted(self, store: Store) -> None:
        old = store.revision
        store.create("/core/pods/ns/f", pod("f"))
        store.compact(store.revision)
        with pytest.raises(Compacted):
            store.list(PODS, revision=old)
        assert self.names(store) == ["a", "b", "c", "d", "e", "f"]
        assert self.names(store, revision=store.revision) == ["a", "b", "c", "d", "e", "f"]


class TestWatch:
    def test_delivers_past_and_future_in_order(self, store: Store) -> None:
        start = store.revision
        first = store.create("/core/pods/ns/a", pod("a"))
        watch = store.watch(PODS, start)
        second = store.update("/core/pods/ns/a", pod("a", x=1), first.revision)
        third = store.delete("/core/pods/ns/a", second.revision)
        events = drain(watch)
        assert story(events) == [
            ("ADDED", "/core/pods/ns/a", first.revision),
            ("MODIFIED", "/core/pods/ns/a", second.revision),
            ("DELETED", "/core/pods/ns/a", third.revision),
        ]
        assert [event.previous for event in events] == [None, first, second]
        assert events[2].entry == third

    def test_two_watches_of_one_prefix_begin_where_they_asked(self, store: Store) -> None:
        revisions = [store.create(f"{PODS}ns/{n}", pod(str(n))).revision for n in range(4)]
        late = store.watch(PODS, revisions[2])
        early = store.watch(PODS, revisions[0])
        again = store.watch(PODS, revisions[1])
        newest = store.create(f"{PODS}ns/9", pod("9")).revision
        assert [event.entry.revision for event in drain(late)] == [revisions[3], newest]
        assert [event.entry.revision for event in drain(early)] == [*revisions[1:], newest]
        assert [event.entry.revision for event in drain(again)] == [*revisions[2:], newest]

    def test_keeps_to_its_prefix(self, store: Store) -> None:
        watch = store.watch(PODS, store.revision)
        store.create("/core/podsx/ns/a", pod("a"))
        store.create("/core/nodes/a", pod("a"))
        assert drain(watch) == []
        assert watch.revision == store.revision

    def test_keeps_to_what_is_filed_under_its_value(self, store: Store) -> None:
        on_a, on_b = Filed(node_of, "a"), Filed(node_of, "b")
        first = store.create(f"{PODS}ns/1", pod("1", node="a"))
        late, everything = store.watch(PODS, first.revision - 1, on_a), store.watch(PODS, first.revision - 1)
        other, again = store.watch(PODS, first.revision, on_b), store.watch(PODS, first.revision, on_a)
        store.create("/core/nodes/1", pod("1", node="a"))
        store.create(f"{PODS}ns/2", pod("2"))
        moved = store.update(f"{PODS}ns/1", pod("1", node="b"), first.revision)
        gone = store.delete(f"{PODS}ns/1", moved.revision)
        assert [event.entry.revision for event in drain(late)] == [first.revision, moved.revision]
        assert [event.entry.revision for event in drain(again)] == [moved.revision]
        assert [event.entry.revision for event in drain(other)] == [moved.revision, gone.revision]
        assert len(drain(everything)) == 4
        late.close()
        again.close()
        store.create(f"{PODS}ns/1", pod("1", node="a"))
        assert (other.next(0), other.revision) == (None, store.revision)

    def test_revision_stays_below_what_is_undelivered(self, store: Store) -> None:
        watch = store.watch(PODS, store.revision)
        first = store.create(f"{PODS}ns/a", pod("a"))
        store.create("/core/nodes/a", pod("a"))
        store.create(f"{PODS}ns/b", pod("b"))
        assert watch.revision == first.revision - 1
        watch.next(0)
        assert watch.revision == first.revision + 1
        watch.next(0)
        assert watch.revision == store.revision

    def test_a_waiting_reader_wakes(self, store: Store) -> None:
        watch = store.watch(PODS, store.revision)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(watch.next, 10)
            entry = store.create(f"{PODS}ns/a", pod("a"))
            assert waiting.result(10) == Event("ADDED", entry, None)

    def test_close_wakes_the_reader_and_only_it(self, store: Store) -> None:
        closing, staying = store.watch(PODS, store.revision), store.watch(PODS, store.revision)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(closing.next)
            closing.close()
            assert waiting.result(10) is None
        closing.close()
        assert closing.closed
        assert not staying.closed
        store.create(f"{PODS}ns/a", pod("a"))
        assert len(drain(staying)) == 1
        assert closing.next(0) is None

    def test_the_garbage_collector_may_close_a_watch_at_any_moment(self, store: Store) -> None:
        class Forgotten:
            """Closes its watch when it is collected, as a generator's `finally` does."""

            def __init__(self) -> None:
                self.watch = store.watch(PODS, store.revision)
                self.cycle = self

            def __del__(self) -> None:
                self.watch.close()

        def write() -> None:
            for n in range(50):
                Forgotten()
                store.create(f"{PODS}ns/{n}", pod(str(n)))

        writer = threading.Thread(target=write, daemon=True)
        thresholds = gc.get_threshold()
        gc.set_threshold(1)
        try:
            writer.start()
            writer.join(10)
        finally:
            gc.set_threshold(*thresholds)
        assert not writer.is_alive(), "the store waits for itself"

    def test_nothing_comes_within_the_timeout(self, store: Store) -> None:
        assert store.watch(PODS, store.revision).next(0.01) is None

    def test_a_revision_to_come(self, store: Store) -> None:
        with pytest.raises(FutureRevision):
            store.watch(PODS, store.revision + 1)

    def test_a_revision_that_is_compacted(self, store: Store) -> None:
        start = store.revision
        store.create("/a", pod("a"))
        store.compact(store.revision)
        with pytest.raises(Compacted) as compacted:
            store.watch(PODS, start)
        assert compacted.value.oldest == store.revision
        store.watch(PODS, compacted.value.oldest)

    def test_a_reader_that_falls_behind_a_compaction_is_told(self, store: Store) -> None:
        watch = store.watch(PODS, store.revision)
        store.create(f"{PODS}ns/a", pod("a"))
        store.create(f"{PODS}ns/b", pod("b"))
        store.compact(store.revision - 1)
        with pytest.raises(Compacted):
            watch.next(0)

    def test_a_compaction_of_what_was_read_disturbs_nobody(self, store: Store) -> None:
        watch = store.watch(PODS, store.revision)
        store.create(f"{PODS}ns/a", pod("a"))
        drain(watch)
        store.compact(store.revision)
        entry = store.create(f"{PODS}ns/b", pod("b"))
        assert [event.entry for event in drain(watch)] == [entry]

    def test_readers_beside_writers_get_each_event_once(self, store: Store) -> None:
        writers, each, readers = 4, 25, 3
        watches = [store.watch(PODS, store.revision) for _ in range(readers)]

        def write(writer: int) -> None:
            for n in range(each):
                store.create(f"{PODS}{writer}/{n}", pod(str(n)))

        def read(watch: Watch) -> list[int]:
            revisions = []
            while len(revisions) < writers * each and (event := watch.next(10)):
                revisions.append(event.entry.revision)
            return revisions

        start = store.revision
        with ThreadPoolExecutor(writers + readers) as pool:
            reading = [pool.submit(read, watch) for watch in watches]
            list(pool.map(write, range(writers)))
            for result in reading:
                assert result.result(20) == list(range(start + 1, start + 1 + writers * each))


class TestHistory:
    def test_tells_who_wrote_what_when(self, store: Store, clock: FakeClock) -> None:
        created = store.create("/a", pod("a"), by="alice")
        begin = clock.now()
        clock.advance(5)
        updated = store.update("/a", pod("a", x=1), created.revision, by="bob")
        store.create("/b", pod("b"), by="bob")
        deleted = store.delete("/a", updated.revision, by="carol")
        records = store.history("/a")
        assert [(r.revision, r.at, r.type, r.key, r.by) for r in records] == [
            (created.revision, begin, "ADDED", "/a", "alice"),
            (updated.revision, begin + 5, "MODIFIED", "/a", "bob"),
            (deleted.revision, begin + 5, "DELETED", "/a", "carol"),
        ]
        assert [record.entry for record in records] == [created, updated, deleted]

    def test_is_forgotten_after_its_time(self, store: Store, clock: FakeClock) -> None:
        created = store.create("/a", pod("a"))
        clock.advance(HISTORY + 1)
        updated = store.update("/a", pod("a", x=1), created.revision)
        assert [record.entry for record in store.history("/a")] == [updated]
        with pytest.raises(Compacted):
            store.watch("/", created.revision - 1)
        store.watch("/", created.revision)


def test_writes_that_are_begun_have_their_place_and_are_there_after_the_wait(store: Store) -> None:
    first, second = store.begin_create(f"{PODS}a", pod("a")), store.begin_create(f"{PODS}b", pod("b"))
    assert second.entry.revision == first.entry.revision + 1
    assert second.acknowledged() == store.get(f"{PODS}b")
    assert first.acknowledged() == store.get(f"{PODS}a")


def test_a_write_to_a_key_comes_after_the_one_that_is_begun(store: Store) -> None:
    begun = store.begin_create(f"{PODS}a", pod("a"))
    with pytest.raises(KeyExists):
        store.create(f"{PODS}a", pod("a"))
    changed = store.begin_update(f"{PODS}a", pod("a", spec={}), begun.entry.revision)
    with pytest.raises(RevisionConflict):
        store.update(f"{PODS}a", pod("a"), begun.entry.revision)
    assert store.get(f"{PODS}a") == changed.entry


def test_a_write_that_is_begun_and_forgotten_happens_all_the_same(store: Store) -> None:
    store.begin_create(f"{PODS}a", pod("a"))
    store.create(f"{PODS}b", pod("b"))
    assert [entry.key for entry in store.list(PODS).entries] == [f"{PODS}a", f"{PODS}b"]
