"""The file operations of the journal, apart so that tests can fill the disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

#: What a full disk, and a used-up quota, are told by.
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Disk:
    """Every method raises OSError."""

    def write(self, fd: int, data: bytes) -> None:
        """Write all of `data` at the end of a file opened with O_APPEND."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def sync(self, fd: int) -> None:
        """Make data and size durable."""
        os.fdatasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)


def explain(error: OSError, folder: Path) -> str:
    """What a failed write means to a user, and what to do."""
    if error.errno in _FULL:
        return f"the disk of {folder} is full: free some space and try again; nothing that was acknowledged is lost"
    return f"{folder} cannot be written ({error}): check the disk and its permissions, then try again"
