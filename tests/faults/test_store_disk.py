"""A disk that is full or broken: writes say so, nothing acknowledged is lost, and all works again when it does."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.store import journal
from orchestrator.store.base import StoreUnavailable
from orchestrator.store.jsonfile import JsonFileStore
from orchestrator.util.clock import FakeClock, SystemClock
from tests.conftest import missing
from tests.faults.disks import FailingDisk

HISTORY = 600.0


@pytest.fixture
def disk() -> FailingDisk:
    return FailingDisk()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock, disk: FailingDisk) -> Iterator[JsonFileStore]:
    opened = JsonFileStore(tmp_path, clock, HISTORY, disk=disk)
    yield opened
    opened.close()


def keys(store: JsonFileStore) -> list[str]:
    return [entry.key for entry in store.list("").entries]


def reopened(folder: Path, store: JsonFileStore, clock: FakeClock) -> list[str]:
    store.close()
    again = JsonFileStore(folder, clock, HISTORY)
    try:
        assert again.revision == store.revision
        return keys(again)
    finally:
        again.close()


@pytest.mark.parametrize("room", [0, 1, 50])
def test_a_full_disk(
    store: JsonFileStore,
    tmp_path: Path,
    clock: FakeClock,
    disk: FailingDisk,
    room: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = store.watch("/", store.revision)
    store.create("/before", {})
    size = sum(path.stat().st_size for path in journal.find(tmp_path))
    disk.room = room
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match=r"full: free some space"):
            store.create("/lost", {})
    assert keys(store) == ["/before"]
    assert sum(path.stat().st_size for path in journal.find(tmp_path)) == size
    disk.room = None
    after = store.create("/after", {})
    assert after.revision == store.revision
    assert [watch.next(0).entry.key for _ in range(2)] == ["/before", "/after"]  # type: ignore[union-attr]
    assert watch.next(0) is None
    assert [record.levelno for record in caplog.records if record.name == "orchestrator.store.jsonfile"] == [
        logging.ERROR
    ], "an outage is logged once"
    assert reopened(tmp_path, store, clock) == ["/after", "/before"]


def test_a_failed_fsync_is_not_trusted(
    store: JsonFileStore, tmp_path: Path, clock: FakeClock, disk: FailingDisk
) -> None:
    store.create("/before", {})
    disk.sync_error = errno.EIO
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="check the disk"):
            store.create("/lost", {})
    disk.sync_error = 0
    store.create("/after", {})
    assert len(journal.find(tmp_path)) == 2, "what follows goes into a new file"
    assert reopened(tmp_path, store, clock) == ["/after", "/before"]


def test_a_file_that_cannot_be_cut_back_takes_no_more_writes(
    store: JsonFileStore, tmp_path: Path, clock: FakeClock, disk: FailingDisk
) -> None:
    store.create("/before", {})
    disk.room, disk.truncate_error = 10, errno.EIO
    with pytest.raises(StoreUnavailable):
        store.create("/lost", {})
    disk.room = None
    with pytest.raises(StoreUnavailable):
        store.create("/lost", {})
    disk.truncate_error = 0
    store.create("/after", {})
    assert reopened(tmp_path, store, clock) == ["/after", "/before"]


def test_all_writers_of_a_failed_batch_are_told(
    store: JsonFileStore, tmp_path: Path, clock: FakeClock, disk: FailingDisk
) -> None:
    disk.room = 0

    def write(number: int) -> bool:
        try:
            store.create(f"/{number}", {})
        except StoreUnavailable:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(write, range(40)))
        disk.room = None
        assert all(pool.map(write, range(40, 80)))
    assert reopened(tmp_path, store, clock) == sorted(f"/{number}" for number in range(40, 80))


def test_a_folder_that_cannot_be_used(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        JsonFileStore(tmp_path / "store", clock, HISTORY)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True
        ).returncode
    )
    if not mounted:
        missing("the right to mount a small tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_real_full_disk(small_disk: Path) -> None:
    store = JsonFileStore(small_disk, SystemClock(), HISTORY)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 100_000)
    written: list[str] = []

    def fill() -> None:
        while True:
            key = f"/{len(written):04}"
            store.create(key, {"body": "x" * 3000})
            written.append(key)

    with pytest.raises(StoreUnavailable, match="full: free some space"):
        fill()
    assert written
    ballast.unlink()
    store.create("/after", {})
    store.close()
    store = JsonFileStore(small_disk, SystemClock(), HISTORY)
    assert keys(store) == [*written, "/after"]
    store.close()
