"""The journal: every write as one line of `journal-<first revision>.jsonl`, the newest file open at its end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.store import lines
from orchestrator.store.disk import Disk
from orchestrator.store.log import Write
from orchestrator.util.files import fsync_dir

#: A file this long, in bytes, is followed by a new one.
FILE_BYTES = 4 * 2**20


@dataclass(slots=True)
class JournalFile:
    """One file: its first revision (of its first write, should it have none yet), its last one, its whole length."""

    path: Path
    first: int
    last: int
    size: int


def line(write: Write) -> bytes:
    """A write as its line, with its end."""
    entry = write.event.entry
    header = {
        "rev": entry.revision,
        "ts": round(write.at, 6),
        "verb": write.event.type,
        "key": entry.key,
        "by": write.by,
    }
    return lines.encode(header, entry.data) + b"\n"


def name(first: int) -> str:
    return f"journal-{first}.jsonl"


def find(folder: Path) -> list[Path]:
    """The journal files in `folder`, oldest first."""
    return sorted(folder.glob("journal-*.jsonl"), key=first_revision)


def first_revision(path: Path) -> int:
    return int(path.stem.removeprefix("journal-"))


class Journal:
    """Appends from one thread at a time; `retire` may run in another meanwhile.

    After a failed write or fsync nobody knows what of it is on disk. So the file is cut back to its last durable
    length at once, and the next append begins a new file; until both succeed every append fails.
    """

    def __init__(
        self,
        folder: Path,
        files: Sequence[JournalFile],
        disk: Disk,
        file_seconds: float,
        now: float,
        on_new_file: Callable[[], None],
    ) -> None:
        """`files` are those on disk, oldest first; the last one goes on, for `file_seconds` at most."""
        self._folder = folder
        self._files = list(files)
        self._files_lock = threading.Lock()
        self._disk = disk
        self._file_seconds = file_seconds
        self._opened_at = now
        self._on_new_file = on_new_file
        self._suspect = False
        self._fd = os.open(self._newest.path, os.O_WRONLY | os.O_APPEND)

    def append(self, data: bytes, last: int, now: float) -> None:
        """Make lines durable, the last of which has revision `last`. Raises OSError; then none is in the journal."""
        if self._suspect:
            self._cut_back()
        if self._suspect or self._is_full(now):
            self._begin_file(now)
        self._suspect = True
        try:
            self._disk.write(self._fd, data)
            self._disk.sync(self._fd)
        except OSError:
            self._cut_back()
            raise
        self._suspect = False
        self._newest.size += len(data)
        self._newest.last = last

    def has_retired(self, revision: int) -> bool:
        """Whether `retire` would remove anything."""
        return bool(self._retired(revision))

    def retire(self, revision: int) -> None:
        """Remove the files that hold no write after `revision`, but for the newest file. Raises OSError."""
        for file in self._retired(revision):
            file.path.unlink()
            with self._files_lock:
                self._files.remove(file)

    def close(self) -> None:
        os.close(self._fd)

    @property
    def _newest(self) -> JournalFile:
        return self._files[-1]

    def _retired(self, revision: int) -> list[JournalFile]:
        with self._files_lock:
            return [file for file in self._files[:-1] if file.last <= revision]

    def _is_full(self, now: float) -> bool:
        return self._newest.size >= FILE_BYTES or now - self._opened_at > self._file_seconds

    def _begin_file(self, now: float) -> None:
        self._opened_at = now
        if not self._newest.size:
            return
        last = self._newest.last
        path = self._folder / name(last + 1)
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fsync_dir(self._folder)
        except OSError:
            os.close(fd)
            raise
        os.close(self._fd)
        self._fd = fd
        with self._files_lock:
            self._files.append(JournalFile(path, last + 1, last, 0))
        self._on_new_file()

    def _cut_back(self) -> None:
        self._disk.truncate(self._fd, self._newest.size)
        self._disk.sync(self._fd)
