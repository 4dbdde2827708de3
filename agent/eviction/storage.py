"""How much disk a pod uses: its emptyDirs are counted here, what its containers wrote the engine counts."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from agent.eviction.limits import DiskUse, PodStorage, empty_dirs
from agent.observed import is_sandbox
from agent.pod_worker import PodWorker
from agent.runtime.base import LABEL_CONTAINER, NoSuchContainer, Runtime
from agent.volume_folders import VolumeFolders
from orchestrator.api.meta import uid
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: Of a file's `st_blocks` (stat(2)).
_BLOCK = 512


#: Counting files, of all pods together, is to take at most one part in so many of the time.
_SHARE = 50.0


@dataclass(frozen=True, slots=True)
class _Measured:
    """`at`, and `stale_at` at the earliest, in monotonic seconds."""

    storage: PodStorage
    at: float
    stale_at: float


class StorageMeter:
    """Measures anew when the last result is too old, but not so often that it would burden the machine."""

    def __init__(self, runtime: Runtime, folders: VolumeFolders, clock: Clock) -> None:
        self._runtime, self._folders, self._clock = runtime, folders, clock
        self._lock = threading.Lock()
        self._last: WeakKeyDictionary[PodWorker, _Measured] = WeakKeyDictionary()

    def measure(self, worker: PodWorker, max_age: float = 0.0) -> PodStorage:
        """Takes long in proportion to the files there are. Raises RuntimeFailure."""
        begun = self._clock.monotonic()
        with self._lock:
            last = self._last.get(worker)
        if last is not None and begun < max(last.at + max_age, last.stale_at):
            return last.storage
        storage = self._count(worker)
        taken = self._clock.monotonic() - begun
        with self._lock:
            others = len(self._last) + (worker not in self._last)
            self._last[worker] = _Measured(storage, begun, begun + taken * _SHARE * others)
        return storage

    def _count(self, worker: PodWorker) -> PodStorage:
        pod = worker.pod
        volumes = {name: disk_use(self._folders.on_disk(uid(pod), name)) for name, _ in empty_dirs(pod)}
        layers: dict[str, int] = {}
        logs: dict[str, int] = {}
        for container in worker.memory.containers():
            if is_sandbox(container):
                continue
            try:
                used = self._runtime.disk_usage(container.id)
            except NoSuchContainer:
                continue
            name = container.labels[LABEL_CONTAINER]
            layers[name] = layers.get(name, 0) + used.layer
            logs[name] = logs.get(name, 0) + used.log
        return PodStorage(volumes, layers, logs)


def disk_use(folder: Path) -> DiskUse:
    """As du(1) counts: the blocks in use, a file with several names once. What we may not see is not counted."""
    seen: set[tuple[int, int]] = set()
    size = inodes = 0
    for found in _walk(folder):
        if found.st_nlink > 1:
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
        size, inodes = size + found.st_blocks * _BLOCK, inodes + 1
    return DiskUse(size, inodes)


def _walk(folder: Path) -> Iterator[os.stat_result]:
    """Everything below the folder. A symbolic link is not followed."""
    waiting = [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError as error:
            # A program made it go, or it is not for us.
            log.debug("not counted: %s", error)
