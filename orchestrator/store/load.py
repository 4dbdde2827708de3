"""What is on disk at start: the snapshot, and the journals replayed on it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.store import journal, lines, snapshot
from orchestrator.store.base import Entry, Event, EventType, StoreDamaged
from orchestrator.store.journal import JournalFile
from orchestrator.store.log import Log, Write
from orchestrator.store.state import State
from orchestrator.util.files import fsync_dir

log = logging.getLogger(__name__)

_VERBS: dict[str, EventType] = {"ADDED": "ADDED", "MODIFIED": "MODIFIED", "DELETED": "DELETED"}
_REMEDY = "Put the whole folder back from a copy"


@dataclass(slots=True)
class Loaded:
    state: State
    log: Log
    files: list[JournalFile]


def load(folder: Path, first_revision: int, history_seconds: float) -> Loaded:
    """Everything in `folder`; an empty folder gets its first journal. Raises StoreDamaged, OSError.

    A last line without its end was never acknowledged (the process or the machine died in it): it is cut off.
    """
    _remove_leftovers(folder)
    state = snapshot.read(folder)
    paths = journal.find(folder)
    floor = state.revision if state else 0
    if state is None:
        state = State(first_revision)
        if not paths:
            paths = [_first_journal(folder, first_revision + 1)]
    _check_first(folder, paths, floor or first_revision)
    loaded = Loaded(state, Log(floor, history_seconds), [])
    for path in paths:
        _replay(loaded, path, newest=path == paths[-1])
    if loaded.files[-1].last < state.revision:
        raise StoreDamaged(
            f"{folder}: the journal ends at revision {loaded.files[-1].last}, but {snapshot.NAME} is at "
            f"{state.revision}: newer journal files are missing. {_REMEDY}"
        )
    return loaded


def _remove_leftovers(folder: Path) -> None:
    """Snapshots that were being written when the process died."""
    for path in folder.glob(f".{snapshot.NAME}.*.tmp"):
        path.unlink()


def _first_journal(folder: Path, first: int) -> Path:
    path = folder / journal.name(first)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    fsync_dir(folder)
    return path


def _check_first(folder: Path, paths: list[Path], base: int) -> None:
    if not paths:
        raise StoreDamaged(f"{folder}: there is {snapshot.NAME} but no journal. {_REMEDY}")
    first = journal.first_revision(paths[0])
    if first > base + 1:
        raise StoreDamaged(
            f"{folder}: the writes from revision {base + 1} to {first - 1} are missing: {paths[0].name} is the oldest "
            f"file. {_REMEDY}"
        )


def _replay(loaded: Loaded, path: Path, *, newest: bool) -> None:
    first = journal.first_revision(path)
    if loaded.files and first != loaded.files[-1].last + 1:
        raise StoreDamaged(
            f"{path}: the file before it ends at revision {loaded.files[-1].last}: the writes between are missing. "
            f"{_REMEDY}"
        )
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        if not newest:
            raise _damaged(path, content.count(b"\n") + 1, "it has no end, and it is not in the newest file")
        log.warning(
            "%s: dropping the unfinished last line (%d bytes): its write was never acknowledged",
            path,
            len(content) - whole,
        )
        _cut_back(path, whole)
    file = JournalFile(path, first, first - 1, whole)
    for number, (header, data) in _lines(path, content[:whole]):
        if header.get("rev") != file.last + 1:
            raise _damaged(path, number, f"it has revision {header.get('rev')} where {file.last + 1} should be")
        file.last += 1
        if file.last > loaded.state.revision:
            _apply(loaded, path, number, header, data)
    loaded.files.append(file)


def _lines(path: Path, content: bytes) -> Iterator[tuple[int, tuple[dict[str, object], bytes]]]:
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        try:
            yield number, lines.decode(line)
        except lines.BadLine as error:
            raise _damaged(path, number, str(error)) from error


def _apply(loaded: Loaded, path: Path, number: int, header: dict[str, object], data: bytes) -> None:
    write = _write(loaded.state, header, data)
    if write is None:
        raise _damaged(path, number, "it does not fit what is known of its key")
    loaded.state.apply(write.event)
    loaded.log.append(write)


def _write(state: State, header: dict[str, object], data: bytes) -> Write | None:
    match header:
        case {"rev": int(revision), "ts": float() | int() as at, "verb": str(verb), "key": str(key), "by": str(by)}:
            previous = state.get(key)
            if verb in _VERBS and (verb == "ADDED") == (previous is None):
                return Write(Event(_VERBS[verb], Entry(key, revision, data), previous), float(at), by)
    return None


def _cut_back(path: Path, size: int) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.ftruncate(fd, size)
        os.fsync(fd)
    finally:
        os.close(fd)


def _damaged(path: Path, number: int, why: str) -> StoreDamaged:
    return StoreDamaged(
        f"{path}, line {number}: {why}. Put the file back from a copy; or give up this write and all later ones: cut "
        f"the file off before the line (head -n {number - 1}) and remove the newer journal files"
    )
