"""What the JSON file store keeps across restarts, and what it removes."""

from __future__ import annotations

import threading
from pathlib import Path

import orjson
import pytest

from orchestrator.store import journal
from orchestrator.store.base import Compacted, Entry, RevisionConflict
from orchestrator.store.disk import Disk
from orchestrator.store.jsonfile import JsonFileStore
from orchestrator.util.clock import FakeClock

HISTORY = 600.0


def opened(folder: Path, clock: FakeClock, disk: Disk | None = None) -> JsonFileStore:
    return JsonFileStore(folder, clock, HISTORY, disk=disk)


def rolled(store: JsonFileStore, folder: Path, files: int) -> bool:
    """Whether the store's own thread has left at most `files` journal files within ten seconds."""
    for _ in range(1000):
        if len(journal.find(folder)) <= files:
            return True
        threading.Event().wait(0.01)
    return False


def test_everything_survives_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    store = opened(tmp_path, clock)
    start = store.revision
    a = store.create("/a", {"metadata": {"name": "a"}, "text": 'quotes ","object":" and lines\n'}, by="alice")
    store.create("/b", {}, by="bob")
    a = store.update("/a", a.object() | {"n": 1}, a.revision, by="carol")
    store.delete("/b", store.get("/b").revision, by="dave")
    before = (store.list("").entries, store.revision, store.history("/a"), store.history("/b"))
    store.close()
    store = opened(tmp_path, clock)
    assert (store.list("").entries, store.revision, store.history("/a"), store.history("/b")) == before
    watch = store.watch("/", start)
    events = [watch.next(0) for _ in range(4)]
    assert [event.type for event in events if event] == ["ADDED", "ADDED", "MODIFIED", "DELETED"]
    assert events[2] is not None
    assert events[2].entry == a
    assert events[2].previous is not None
    assert events[2].previous.revision == start + 1
    assert [entry.key for entry in store.list("", revision=start + 2).entries] == ["/a", "/b"]
    store.close()


def test_a_journal_line_is_plain_json(tmp_path: Path, clock: FakeClock) -> None:
    store = opened(tmp_path, clock)
    entry = store.create("/a", {"metadata": {"name": "a"}}, by="alice")
    store.close()
    [path] = journal.find(tmp_path)
    line = orjson.loads(path.read_bytes())
    crc = line.pop("crc")
    assert isinstance(crc, int)
    assert line == {
        "rev": entry.revision,
        "ts": clock.now(),
        "verb": "ADDED",
        "key": "/a",
        "by": "alice",
        "object": entry.object(),
    }


def test_old_journals_give_way_to_a_snapshot(tmp_path: Path, clock: FakeClock) -> None:
    store = opened(tmp_path, clock)
    kept = store.create("/kept", {"n": 1})
    for n in range(60):
        clock.advance(HISTORY / 10)
        entry = store.create(f"/{n}", {})
        store.delete(f"/{n}", entry.revision)
    assert rolled(store, tmp_path, files=14)
    snapshot = orjson.loads((tmp_path / "state.json").read_bytes())
    assert snapshot["count"] == len(snapshot["entries"])
    assert "/kept" in [entry["key"] for entry in snapshot["entries"]]
    store.close()

    store = opened(tmp_path, clock)
    assert store.list("").entries == [kept]
    with pytest.raises(Compacted) as compacted:
        store.watch("/", 2)
    oldest = compacted.value.oldest
    assert store.list("", revision=oldest).entries[-1] == kept
    watch = store.watch("/", oldest)
    revisions = []
    while event := watch.next(0):
        revisions.append(event.entry.revision)
    assert revisions == list(range(oldest + 1, store.revision + 1))
    assert len(revisions) >= 18, "ten tenths of the history's time hold twenty writes"
    store.close()


def test_a_large_journal_is_followed_by_a_new_one(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "FILE_BYTES", 1000)
    store = opened(tmp_path, clock)
    for n in range(20):
        store.create(f"/{n:02}", {"body": "x" * 200})
    files = journal.find(tmp_path)
    assert len(files) > 4
    assert max(path.stat().st_size for path in files) < 1500
    before = store.list("").entries
    store.close()
    store = opened(tmp_path, clock)
    assert store.list("").entries == before
    store.close()


def test_a_compaction_outlives_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    store = opened(tmp_path, clock)
    first = store.create("/a", {})
    second = store.update("/a", {"n": 1}, first.revision)
    store.compact(second.revision)
    store.close()
    store = opened(tmp_path, clock)
    assert store.list("").entries == [second]
    assert store.history("/a") == []
    with pytest.raises(Compacted):
        store.watch("/", first.revision)
    store.watch("/", second.revision)
    store.close()


class HeldDisk(Disk):
    """Lets a write pass only when told to."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.release = threading.Event()
        self.syncs = 0

    def sync(self, fd: int) -> None:
        self.arrived.set()
        assert self.release.wait(10)
        self.syncs += 1
        super().sync(fd)


class Writer(threading.Thread):
    """One write in a thread of its own."""

    def __init__(self, write: object) -> None:
        super().__init__(daemon=True)
        self.write = write
        self.result: Entry | Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.write()  # type: ignore[operator]
        except RevisionConflict as error:
            self.result = error


def wait_for_pending(store: JsonFileStore, writes: int) -> None:
    for _ in range(1000):
        if store._commits.pending == writes:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{store._commits.pending} writes are pending, not {writes}")


def test_nobody_sees_what_is_not_durable(tmp_path: Path, clock: FakeClock) -> None:
    disk = HeldDisk()
    store = opened(tmp_path, clock, disk)
    watch = store.watch("/", store.revision)
    writer = Writer(lambda: store.create("/a", {}))
    assert disk.arrived.wait(10)
    assert store.list("").entries == []
    assert watch.next(0) is None
    assert watch.revision == store.revision
    disk.release.set()
    writer.join(10)
    assert [writer.result] == store.list("").entries
    assert watch.next(0) is not None
    store.close()


def test_writers_that_gather_share_one_fsync(tmp_path: Path, clock: FakeClock) -> None:
    disk = HeldDisk()
    store = opened(tmp_path, clock, disk)
    writers = [Writer(lambda: store.create("/first", {}))]
    assert disk.arrived.wait(10)
    writers += [Writer(lambda n=n: store.create(f"/{n}", {})) for n in range(10)]
    wait_for_pending(store, 11)
    disk.release.set()
    for writer in writers:
        writer.join(10)
    assert disk.syncs == 2
    assert len(store.list("").entries) == 11
    store.close()


def test_a_write_to_a_key_waits_for_the_pending_one(tmp_path: Path, clock: FakeClock) -> None:
    disk = HeldDisk()
    disk.release.set()
    store = opened(tmp_path, clock, disk)
    entry = store.create("/a", {})
    disk.arrived.clear()
    disk.release.clear()
    first = Writer(lambda: store.update("/a", {"by": "first"}, entry.revision))
    assert disk.arrived.wait(10)
    second = Writer(lambda: store.update("/a", {"by": "second"}, entry.revision))
    disk.release.set()
    first.join(10)
    second.join(10)
    assert isinstance(second.result, RevisionConflict)
    assert second.result.current == first.result == store.get("/a")
    store.close()


def test_close_finishes_pending_writes(tmp_path: Path, clock: FakeClock) -> None:
    disk = HeldDisk()
    store = opened(tmp_path, clock, disk)
    writer = Writer(lambda: store.create("/a", {}))
    assert disk.arrived.wait(10)
    closer = threading.Thread(target=store.close)
    closer.start()
    disk.release.set()
    closer.join(10)
    writer.join(10)
    assert isinstance(writer.result, Entry)
    store = opened(tmp_path, clock)
    assert store.list("").entries == [writer.result]
    store.close()
