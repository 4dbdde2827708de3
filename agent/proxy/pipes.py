"""Pipes for splice(2): what carries bytes between two sockets without copying them into this process."""

from __future__ import annotations

import contextlib
import fcntl
import os

#: Bytes a pipe holds, where the kernel lets us have that many (pipe(7): fs.pipe-user-pages-soft); else 64 KiB.
CAPACITY = 1 << 20
#: Empty pipes kept for the next transfer.
_SPARE = 16


class Pipe:
    """`filled` bytes are in it."""

    __slots__ = ("filled", "read", "write")

    def __init__(self) -> None:
        """Raises OSError when there are no descriptors left."""
        self.read, self.write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.filled = 0
        with contextlib.suppress(PermissionError):  # over the user's limit: the default size will do
            fcntl.fcntl(self.write, fcntl.F_SETPIPE_SZ, CAPACITY)

    def close(self) -> None:
        os.close(self.read)
        os.close(self.write)


class Pipes:
    """Hands out empty pipes."""

    def __init__(self) -> None:
        self._spare: list[Pipe] = []

    def take(self) -> Pipe:
        """Raises OSError when there are no descriptors left."""
        return self._spare.pop() if self._spare else Pipe()

    def give(self, pipe: Pipe) -> None:
        """Take a pipe back, or close it when bytes are left in it or there are enough."""
        if pipe.filled or len(self._spare) >= _SPARE:
            pipe.close()
        else:
            self._spare.append(pipe)

    def close(self) -> None:
        for pipe in self._spare:
            pipe.close()
        self._spare.clear()
