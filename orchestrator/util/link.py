"""Non-blocking sockets for loops of one thread that pass bytes on.

A TLS connection is not safe to use from two threads, so a relay of both directions is one thread that waits for all
its sockets at once.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress

#: Bytes read at a time: not less than a TLS record (16 KiB), so that no part of one stays unseen in the TLS layer.
PIECE = 64 * 1024
#: Bytes waiting to be written above which no more should be given to a link.
_FULL = 256 * 1024
#: Seconds in which the other end may read what was last written, and close.
LINGER = 5.0
#: Seconds that a client may take nothing of what waits for it. Long: a person may have left a pager, or a stopped
#: terminal, in front of it. (A program in a pod may take as long as it likes: it has other things to do.)
STALLED = 300.0

_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Link:
    """A stream socket, plain or TLS, and what it has not taken yet. Nothing here blocks, nothing raises."""

    def __init__(self, sock: socket.socket, already_read: bytes = b"", *, patience: float | None = None) -> None:
        """The other end is given up when it takes nothing of what waits for it for `patience` seconds."""
        sock.setblocking(False)
        self._socket = sock
        self._already_read = already_read
        self._waiting = bytearray()
        self._patience = patience
        #: When the other end last took something, or nothing was waiting.
        self._moved = 0.0
        self._finishing = False
        self._broken = False
        #: Nothing more comes.
        self.ended = False
        #: Why it ended, when that was an error.
        self.error: OSError | None = None

    @property
    def full(self) -> bool:
        """Give it no more for now."""
        return len(self._waiting) >= _FULL

    @property
    def held(self) -> int:
        """Bytes that were written and are not taken yet."""
        return len(self._waiting)

    @property
    def flushed(self) -> bool:
        """All that was written is with the kernel, or cannot be written any more."""
        return not self._waiting

    def read(self) -> bytes:
        """What is here; b"" when that is nothing."""
        if self._already_read:
            data, self._already_read = self._already_read, b""
            return data
        if self.ended:
            return b""
        try:
            data = self._socket.recv(PIECE)
        except _NOT_NOW:
            return b""
        except OSError as error:
            self.error = error
            data = b""
        self.ended = not data
        return data

    def put_back(self, data: bytes) -> None:
        """Have it read again, before all else."""
        self._already_read = data + self._already_read

    def read_no_more(self) -> None:
        """From any thread: after what has arrived, the end shows."""
        read_no_more(self._socket)

    def write(self, data: bytes) -> None:
        """Pass on, now or later. What cannot be delivered any more is dropped."""
        if not self._broken:
            if not self._waiting:
                self._moved = time.monotonic()
            self._waiting += data
            self.flush()

    def finish(self) -> None:
        """Nothing more will be written: the other end is to see that, after what is still waiting."""
        self._finishing = True
        self.flush()

    def flush(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: self._socket.send(self._waiting)]
                self._moved = time.monotonic()
            if self._finishing and not self._broken:
                self._broken = True
                # Not the TLS socket's own method, which would pull the layer away under the reader.
                socket.socket.shutdown(self._socket, socket.SHUT_WR)
        except _NOT_NOW:
            return
        except OSError as error:
            self.error = self.error or error
            self._broken = True
            self._waiting.clear()

    def patience(self) -> float | None:
        """Seconds that are left to the other end to take something; None where it may take its time.

        When none are left, the end shows.
        """
        if self._patience is None or not self._waiting:
            return None
        left = self._moved + self._patience - time.monotonic()
        if left <= 0:
            self._broken = True
            self._waiting.clear()
            self.read_no_more()
        return left

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def events(self, *, reading: bool) -> int:
        """What to poll for."""
        if reading and self._already_read:
            return select.POLLIN | select.POLLOUT  # at once
        wanted = select.POLLIN if reading and not self.ended else 0
        return wanted | (select.POLLOUT if self._waiting else 0)


def read_no_more(sock: socket.socket) -> None:
    """From any thread: after what has arrived, the socket's reader sees the end."""
    # It may be closed already, or reset.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RD)


def wait(links: Iterable[tuple[Link, bool]], timeout: float | None = None) -> None:
    """Return when one of the links can be read (those with True) or written, or after `timeout` seconds.

    What was waiting to be written is then written.
    """
    poll = select.poll()
    asked = {}
    limits = [] if timeout is None else [timeout]
    for link, reading in links:
        if (patience := link.patience()) is not None:
            limits.append(patience)
        if events := link.events(reading=reading):
            asked[link.fileno()] = link
            poll.register(link.fileno(), events)
    for descriptor, _ in poll.poll(max(0.0, min(limits)) * 1000 if limits else None):
        asked[descriptor].flush()


def linger(link: Link, seconds: float = LINGER) -> None:
    """Finish, and read on until the other end has, so that closing destroys nothing that it has not read."""
    link.finish()
    deadline = time.monotonic() + seconds
    while not link.ended and (left := deadline - time.monotonic()) > 0:
        wait([(link, True)], left)
        link.read()


def relay(one: Link, other: Link) -> None:
    """Pass bytes on in both directions, until both ends have finished, or for a while after the first has."""
    deadline: float | None = None
    while not (one.ended and other.ended):
        for source, target in ((one, other), (other, one)):
            if not source.ended and not target.full:
                target.write(source.read())
                if source.ended:
                    target.finish()
                    deadline = deadline or time.monotonic() + LINGER
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return
        if not (one.ended and other.ended):
            wait([(one, not other.full), (other, not one.full)], left)
