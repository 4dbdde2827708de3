"""Disks that fail when told to."""

from __future__ import annotations

import errno
import os

from orchestrator.store.disk import Disk


class FailingDisk(Disk):
    """Takes `room` more bytes (None: any number); `sync_error` and `truncate_error` make those calls fail."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.sync_error = 0
        self.truncate_error = 0

    def write(self, fd: int, data: bytes) -> None:
        if self.room is None or len(data) <= self.room:
            super().write(fd, data)
            return
        # A full disk takes what fits before it refuses.
        super().write(fd, data[: self.room])
        raise _error(errno.ENOSPC)

    def sync(self, fd: int) -> None:
        if self.sync_error:
            raise _error(self.sync_error)
        super().sync(fd)

    def truncate(self, fd: int, size: int) -> None:
        if self.truncate_error:
            raise _error(self.truncate_error)
        super().truncate(fd, size)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
