"""A request's body in chunks (RFC 9112, 7.1), read strictly and never more of it at once than was asked for."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

#: Bytes of the line before a chunk, its extensions included, and of one line of the trailer.
_MAX_LINE = 4096
_MAX_TRAILERS = 100
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;[^\r\n]*)?\r\n")


class ChunkedBody:
    """`closed` once the last chunk has been seen; then only the trailer is left to read."""

    def __init__(self, lines: io.BufferedReader) -> None:
        self._lines = lines
        #: Bytes that the current chunk still has.
        self._left = 0
        self.closed = False

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end. Raises ValueError, and OSError when they do not come."""
        pieces: list[bytes] = []
        while size > 0 and (self._left or self._next_chunk()):
            piece = self._lines.read(min(size, self._left))
            if not piece:
                raise ValueError("the body ends in the middle of a chunk")
            pieces.append(piece)
            size -= len(piece)
            self._left -= len(piece)
            if not self._left and self._line() != b"\r\n":
                raise ValueError("a chunk is longer than it says")
        return b"".join(pieces)

    def read_trailer_lines(self) -> Iterator[bytes]:
        """The lines behind the last chunk, up to the empty one. Raises ValueError."""
        for _ in range(_MAX_TRAILERS):
            line = self._line()
            if line == b"\r\n":
                return
            yield line
        raise ValueError("the trailer has too many lines")

    def _next_chunk(self) -> bool:
        if self.closed:
            return False
        found = _SIZE.fullmatch(self._line())
        if found is None:
            raise ValueError("a chunk has no size")
        self._left = int(found[1], 16)
        self.closed = not self._left
        return not self.closed

    def _line(self) -> bytes:
        line = self._lines.readline(_MAX_LINE)
        if not line.endswith(b"\r\n"):
            raise ValueError("a line of the chunked body does not end")
        return line
