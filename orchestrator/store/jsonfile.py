"""The default store: a journal and a snapshot in one folder, see docs/ARCHITECTURE.md and the modules it is made of.

lock                   held by the one process that uses the folder
journal-REVISION.jsonl one line a write, from REVISION on; kept as long as history is
state.json             all objects as of the revision before which history is forgotten
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from orchestrator.store import snapshot
from orchestrator.store.base import StoreUnavailable, Written
from orchestrator.store.changes import Change
from orchestrator.store.commit import Batch, GroupCommit
from orchestrator.store.core import FIRST_REVISION, HISTORY, CoreStore
from orchestrator.store.disk import Disk, explain
from orchestrator.store.folderlock import FolderLock
from orchestrator.store.journal import Journal
from orchestrator.store.load import load
from orchestrator.store.log import Write
from orchestrator.store.state import undo
from orchestrator.util import threads, waits
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: History is forgotten a file at a time: this many files hold the wanted time.
_FILES = 8


class JsonFileStore(CoreStore):
    def __init__(
        self, folder: Path, clock: Clock, history_seconds: float = HISTORY, *, disk: Disk | None = None
    ) -> None:
        """Raises StoreDamaged, StoreUnavailable (another process has the folder, or it cannot be written)."""
        self._folder = folder
        self._failing = False
        self._rolling = threading.Lock()
        self._roll_wanted = threading.Event()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with contextlib.ExitStack() as undo_all:
                self._folder_lock = FolderLock(folder)
                undo_all.callback(self._folder_lock.release)
                loaded = load(folder, FIRST_REVISION, history_seconds)
                self._journal = Journal(
                    folder,
                    loaded.files,
                    disk or Disk(),
                    file_seconds=history_seconds / _FILES,
                    now=clock.now(),
                    on_new_file=self._roll_wanted.set,
                )
                undo_all.pop_all()
        except OSError as error:
            raise StoreUnavailable(explain(error, folder)) from error
        super().__init__(loaded.state, loaded.log, clock)
        self._commits = GroupCommit(self._lock, self._persist, self._publish)
        self._roller = threads.start("store-roll", self._roll_when_wanted)

    def compact(self, revision: int) -> None:
        super().compact(revision)
        try:
            self._roll()
        except OSError as error:
            raise StoreUnavailable(explain(error, self._folder)) from error

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._commits.wait_for_all()
        super().close()
        self._roll_wanted.set()
        self._roller.join()
        self._journal.close()
        self._folder_lock.release()

    def _begin(self, key: str, change: Change, by: str) -> Written:
        with self._lock:
            while batch := self._commits.pending_batch(key):
                # Only then is it known what the write would change.
                with waits.waiting():
                    self._commits.wait(batch)
            self._check_open()
            event = change(self._state.get(key), self._state.revision + self._commits.pending + 1)
            batch = self._commits.add(Write(event, self._clock.now(), by))
        return Written(event.entry, lambda: self._finish(batch))

    def _finish(self, batch: Batch) -> None:
        if not batch.finished:
            with self._lock:
                self._commits.wait(batch)
        if batch.error:
            raise StoreUnavailable(batch.error)

    def _persist(self, writes: Sequence[Write], lines: bytes) -> None:
        """Called without the lock, by one thread at a time."""
        try:
            self._journal.append(lines, writes[-1].revision, self._clock.now())
        except OSError as error:
            message = explain(error, self._folder)
            if not self._failing:
                self._failing = True
                log.error("writes fail: %s", message)
            raise StoreUnavailable(message) from error
        if self._failing:
            self._failing = False
            log.info("writes work again")

    def _roll_when_wanted(self) -> None:
        """Each time a journal file has begun, see whether old ones can go."""
        while self._roll_wanted.wait() and not self._closed:
            self._roll_wanted.clear()
            try:
                if self._journal.has_retired(self._log.floor):
                    self._roll()
            except OSError as error:
                log.warning("old journal files stay until the next try: %s", explain(error, self._folder))

    def _roll(self) -> None:
        """Move the snapshot up to where history begins, and remove the journal files before it. Raises OSError."""
        with self._rolling:
            with self._lock:
                floor = self._log.floor
                events = self._log.since(floor)
                entries = list(self._state.entries.values())
            if floor:
                snapshot.write(self._folder, floor, undo(entries, events).values())
                self._journal.retire(floor)
