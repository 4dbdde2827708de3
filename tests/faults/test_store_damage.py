"""A store folder that a crash, a disk or a person has damaged: what is safe is mended, all else stops the start."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.store import journal
from orchestrator.store.base import KeyNotFound, StoreDamaged, StoreUnavailable
from orchestrator.store.jsonfile import JsonFileStore
from orchestrator.util.clock import FakeClock

HISTORY = 600.0


def filled(folder: Path, clock: FakeClock) -> None:
    """A snapshot and several journal files: 40 writes of which history keeps some."""
    store = JsonFileStore(folder, clock, HISTORY)
    for number in range(20):
        entry = store.create(f"/a/{number:02}", {"n": number}, by="me")
        clock.advance(40)
        store.update(f"/a/{number:02}", {"n": number, "new": True}, entry.revision)
    store.compact(12)
    store.close()


@pytest.fixture
def folder(tmp_path: Path, clock: FakeClock) -> Path:
    filled(tmp_path, clock)
    assert (tmp_path / "state.json").exists()
    assert len(journal.find(tmp_path)) > 2
    return tmp_path


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_torn_last_line_is_dropped_with_a_word(
    folder: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    newest = journal.find(folder)[-1]
    size = newest.stat().st_size
    append(newest, b'{"rev":42,"ts":1,"verb":"ADDED","key":"/torn","by":"","obj')
    with caplog.at_level(logging.WARNING):
        store = JsonFileStore(folder, clock, HISTORY)
    assert newest.name in caplog.text
    assert newest.stat().st_size == size
    with pytest.raises(KeyNotFound):
        store.get("/torn")
    assert store.create("/next", {}).revision == store.revision
    store.close()
    JsonFileStore(folder, clock, HISTORY).close()


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_every_cut_of_the_last_line_is_torn(folder: Path, clock: FakeClock, cut: int) -> None:
    newest = journal.find(folder)[-1]
    os.truncate(newest, newest.stat().st_size - cut)
    store = JsonFileStore(folder, clock, HISTORY)
    assert store.get("/a/19").object()["n"] == 19
    assert "new" not in store.get("/a/19").object()
    store.close()


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def test_a_flipped_bit_anywhere_in_a_journal_stops_the_start(folder: Path, clock: FakeClock) -> None:
    path = journal.find(folder)[1]
    content = path.read_bytes()
    for offset in range(0, len(content) - 1, 7):
        flip(path, offset)
        with pytest.raises(StoreDamaged) as damaged:
            JsonFileStore(folder, clock, HISTORY)
        assert str(path) in str(damaged.value)
        path.write_bytes(content)
    JsonFileStore(folder, clock, HISTORY).close()


def test_damage_names_the_line_and_what_to_do(folder: Path, clock: FakeClock) -> None:
    path = journal.find(folder)[0]
    first_line = path.read_bytes().index(b"\n")
    flip(path, first_line + 10)
    with pytest.raises(StoreDamaged, match=r"line 2: .*head -n 1"):
        JsonFileStore(folder, clock, HISTORY)


def test_a_flipped_bit_anywhere_in_the_snapshot_stops_the_start(folder: Path, clock: FakeClock) -> None:
    path = folder / "state.json"
    content = path.read_bytes()
    for offset in range(len(content)):
        flip(path, offset)
        with pytest.raises(StoreDamaged, match=r"state\.json"):
            JsonFileStore(folder, clock, HISTORY)
        path.write_bytes(content)


LOSSES: dict[str, Callable[[Path], None]] = {
    "the oldest journal": lambda folder: journal.find(folder)[0].unlink(),
    "a journal between": lambda folder: journal.find(folder)[1].unlink(),
    "every journal": lambda folder: [path.unlink() for path in journal.find(folder)] and None,
    "the snapshot": lambda folder: (folder / "state.json").unlink(),
    "the end of a journal between": lambda folder: os.truncate(journal.find(folder)[1], 0),
    "a line's end in a journal between": lambda folder: os.truncate(
        journal.find(folder)[1], journal.find(folder)[1].stat().st_size - 1
    ),
}


@pytest.mark.parametrize("lost", LOSSES)
def test_a_missing_piece_stops_the_start(folder: Path, clock: FakeClock, lost: str) -> None:
    LOSSES[lost](folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(StoreDamaged, match="copy"):
        JsonFileStore(folder, clock, HISTORY)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.name != "lock"} == {
        path: content for path, content in before.items() if path.name != "lock"
    }


def test_a_snapshot_that_was_being_written_is_removed(folder: Path, clock: FakeClock) -> None:
    leftover = folder / ".state.json.4711.tmp"
    leftover.write_bytes(b"half a snap")
    JsonFileStore(folder, clock, HISTORY).close()
    assert not leftover.exists()


def test_a_second_process_is_refused_by_name(folder: Path, clock: FakeClock) -> None:
    store = JsonFileStore(folder, clock, HISTORY)
    with pytest.raises(StoreUnavailable, match=rf"lock.*{os.getpid()}"):
        JsonFileStore(folder, clock, HISTORY)
    store.close()
    JsonFileStore(folder, clock, HISTORY).close()


def test_a_refused_start_does_not_hold_the_lock(folder: Path, clock: FakeClock) -> None:
    path = journal.find(folder)[0]
    content = path.read_bytes()
    flip(path, 10)
    with pytest.raises(StoreDamaged):
        JsonFileStore(folder, clock, HISTORY)
    path.write_bytes(content)
    JsonFileStore(folder, clock, HISTORY).close()
