"""Reading and writing a connection's socket so that a slow client costs a thread, never a worker.

The socket is non-blocking. Only when it really has nothing to give, or no room to take more, does the thread wait,
and it tells the workers so (`waiting`): they let another thread have its place meanwhile.
"""

from __future__ import annotations

import errno
import io
import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Seconds a client may take to send one whole request, once it has begun.
READ_TIMEOUT = 60.0
#: Seconds a client may take to make room for more of an answer; then it is given up.
WRITE_TIMEOUT = 30.0
#: Seconds for a TLS handshake.
HANDSHAKE_TIMEOUT = 10.0
#: Bytes that TLS sends in one record at most.
_RECORD = 16 * 1024

Waiting = Callable[[], AbstractContextManager[None]]
T = TypeVar("T")


class Channel:
    """A non-blocking socket, plain or TLS, with operations that wait, up to a deadline. Raises TimeoutError."""

    def __init__(self, sock: socket.socket, waiting: Waiting) -> None:
        self.socket = sock
        self._waiting = waiting
        sock.setblocking(False)

    def run(self, operation: Callable[[], T], otherwise: int, deadline: float) -> T:
        """`operation`, again as soon as the socket is ready. `otherwise` is what a plain socket waits for.

        Raises TimeoutError, ConnectionError.
        """
        while True:
            try:
                return operation()
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN, deadline)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT, deadline)
            except BlockingIOError:
                self._wait(otherwise, deadline)
            except ssl.SSLError as error:
                # An error number of its own would look to cheroot like a defect, not like a client that left.
                raise ConnectionResetError(errno.ECONNRESET, str(error)) from error

    def handshake(self) -> None:
        """Raises TimeoutError, ConnectionError (caused by an ssl.SSLError where TLS itself failed)."""
        assert isinstance(self.socket, ssl.SSLSocket)
        self.run(self.socket.do_handshake, select.POLLIN, time.monotonic() + HANDSHAKE_TIMEOUT)

    def pending(self) -> int:
        """Bytes that the TLS layer has read but not given yet."""
        return self.socket.pending() if isinstance(self.socket, ssl.SSLSocket) else 0

    def _wait(self, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(self.socket.fileno(), event)
        with self._waiting():
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError("timed out")


class _Raw(io.RawIOBase):
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.deadline: float | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """None when there is no deadline to wait for."""
        if self.deadline is None:
            return None
        read = self._channel.socket.recv_into
        return self._channel.run(lambda: read(buffer), select.POLLIN, self.deadline)


class Reader(io.BufferedReader):
    """What cheroot reads requests from."""

    bytes_read = 0

    def __init__(self, channel: Channel, size: int) -> None:
        self._channel, self._raw = channel, _Raw(channel)
        super().__init__(self._raw, size)

    def begin(self) -> None:
        """A request is about to be read: it may take READ_TIMEOUT seconds."""
        self._raw.deadline = time.monotonic() + READ_TIMEOUT

    def has_data(self) -> bool:
        """True when more has been read already than was asked for: the socket will not tell of it again."""
        return bool(self.ahead()) or self._channel.pending() > 0

    def ahead(self) -> bytes:
        """What is in the buffer."""
        self._raw.deadline = None
        return self.peek(1)


class Writer:
    """What cheroot writes answers to. Unbuffered, but for what `hold` keeps."""

    closed = False
    bytes_written = 0

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._holding = False
        self._held = b""

    def hold(self) -> None:
        """The next piece is sent with the one after it, or by `flush`: a head with its body."""
        self._holding = True

    def write(self, data: bytes) -> int:
        if self._holding:
            self._holding, self._held = False, data
            return len(data)
        self._send_all(self._held + data[:_RECORD] if self._held else data[:_RECORD])
        self._held = b""
        self._send_all(memoryview(data)[_RECORD:])
        return len(data)

    def flush(self) -> None:
        if self._held:
            self.write(b"")

    def _send_all(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._send(rest) :]

    def _send(self, data: memoryview) -> int:
        send = self._channel.socket.send
        return self._channel.run(lambda: send(data), select.POLLOUT, time.monotonic() + WRITE_TIMEOUT)
