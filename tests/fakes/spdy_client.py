"""A client's half of SPDY/3.1: makes the frames that kubectl sends, and reads a server's."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agent.streams.spdy_dictionary import DICTIONARY


@dataclass(frozen=True)
class Frame:
    """`kind` is "data" or the number of a control frame; `body` is without stream and flags for data."""

    kind: str
    stream: int
    fin: bool
    body: bytes


@dataclass
class SpdyClient:
    next_stream: int = 1
    _deflate: zlib._Compress = field(default_factory=lambda: zlib.compressobj(zdict=DICTIONARY))

    def open(self, headers: Mapping[str, str], *, fin: bool = False) -> tuple[int, bytes]:
        """The new stream's number, and its SYN_STREAM."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        plain = struct.pack(">I", len(headers))
        for name, value in headers.items():
            plain += b"".join(struct.pack(">I", len(text)) + text for text in (name.encode(), value.encode()))
        block = self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return stream, control(1, struct.pack(">IIH", stream, 0, 0) + block, fin)


def control(kind: int, body: bytes, fin: bool = False, version: int = 3) -> bytes:
    return struct.pack(">HHI", 0x8000 | version, kind, fin << 24 | len(body)) + body


def data(stream: int, content: bytes = b"", *, fin: bool = False) -> bytes:
    return struct.pack(">II", stream, fin << 24 | len(content)) + content


def frames(raw: bytes) -> Iterator[Frame]:
    """What a server sent, whole frames."""
    while raw:
        first, second = struct.unpack_from(">II", raw)
        length, fin = second & 0xFFFFFF, bool(second >> 24 & 1)
        body, raw = raw[8 : 8 + length], raw[8 + length :]
        if first & 0x80000000:
            yield Frame(str(first & 0xFFFF), struct.unpack_from(">I", body)[0], fin, body[4:])
        else:
            yield Frame("data", first, fin, body)
