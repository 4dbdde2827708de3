"""SPDY/3.1 as far as exec and port-forward need it, without I/O: bytes in, events out; frames are made by functions.

Source: draft-mbelshe-httpbis-spdy-00 (SPDY/3) and SPDY/3.1's window updates, which are ignored: the streams here are
bounded by the socket. A server's half: the client opens the streams.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agent.streams.spdy_dictionary import DICTIONARY

_VERSION = 3
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY, _HEADERS = 1, 2, 3, 6, 7, 8
_FIN = 0x01
_HEAD = struct.Struct(">II")
_WORD = struct.Struct(">I")
_STREAM_MASK = 0x7FFFFFFF
#: Why a stream is reset; and why a server goes away.
INVALID_STREAM, REFUSED_STREAM = 2, 3
_PROTOCOL_ERROR = 1
#: Bytes of one control frame, and of its headers, at most.
_MAX_CONTROL = 64 * 1024
#: Bytes of data in one frame: a length has 24 bits, and a small frame lets others pass.
_MAX_DATA = 32 * 1024


class SpdyError(Exception):
    """The peer does not speak SPDY/3.1."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The client opened a stream; `ended` when it will send nothing on it."""

    stream: int
    headers: Mapping[str, str]
    ended: bool


@dataclass(frozen=True, slots=True)
class Data:
    """`ended` when the client sends no more on the stream; then `data` may be empty, which otherwise says nothing."""

    stream: int
    data: bytes
    ended: bool


@dataclass(frozen=True, slots=True)
class Reset:
    """The client gave the stream up, both ways."""

    stream: int


@dataclass(frozen=True, slots=True)
class Pinged:
    """To be answered with `ping` of the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class GoneAway:
    """The client opens no more streams."""


Event = Opened | Data | Reset | Pinged | GoneAway


class SpdyReader:
    """What a client sends, in pieces of any size, as events."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        #: The headers of all frames are one compressed stream.
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)

    def receive(self, data: bytes) -> Iterator[Event]:
        """Raises SpdyError."""
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            first, second = _HEAD.unpack_from(self._buffer)
            flags, length = second >> 24, second & 0xFFFFFF
            control = first & ~_STREAM_MASK
            if control and length > _MAX_CONTROL:
                raise SpdyError(f"a control frame of {length} bytes")
            if len(self._buffer) < _HEAD.size + length:
                return
            body = bytes(self._buffer[_HEAD.size : _HEAD.size + length])
            del self._buffer[: _HEAD.size + length]
            if not control:
                yield Data(first, body, bool(flags & _FIN))
                continue
            if (version := first >> 16 & 0x7FFF) != _VERSION:
                raise SpdyError(f"version {version}")
            event = self._control(first & 0xFFFF, flags, body)
            if event is not None:
                yield event

    def _control(self, kind: int, flags: int, body: bytes) -> Event | None:
        """None for what is of no interest: settings, window updates."""
        ended = bool(flags & _FIN)
        if kind == _SYN_STREAM:
            return Opened(_stream(body), self._headers(body[10:]), ended)
        if kind == _HEADERS:
            self._headers(body[4:])
            return Data(_stream(body), b"", ended)
        if kind == _RST_STREAM:
            return Reset(_stream(body))
        if kind == _PING:
            return Pinged(_word(body, 0))
        return GoneAway() if kind == _GOAWAY else None

    def _headers(self, block: bytes) -> Mapping[str, str]:
        """Names are lower case; of a name's several values, the first."""
        try:
            plain = self._inflate.decompress(block, _MAX_CONTROL)
        except zlib.error as error:
            raise SpdyError(f"headers that cannot be inflated: {error}") from None
        if self._inflate.unconsumed_tail:
            raise SpdyError("headers without end")
        position, texts = _WORD.size, []
        for _ in range(2 * min(_word(plain, 0), _MAX_CONTROL)):
            length = _word(plain, position)
            position += _WORD.size
            texts.append(plain[position : position + length].decode("latin-1"))
            position += length
        return {name.lower(): value.partition("\0")[0] for name, value in zip(texts[::2], texts[1::2], strict=True)}


class SpdyWriter:
    """What a server sends."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def reply(self, stream: int) -> bytes:
        """The stream is welcome."""
        no_headers = self._deflate.compress(_WORD.pack(0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _frame(_SYN_REPLY, _WORD.pack(stream) + no_headers)


def data(stream: int, content: bytes) -> bytes:
    """Frames of the content; none when it is empty."""
    pieces = (content[start : start + _MAX_DATA] for start in range(0, len(content), _MAX_DATA))
    return b"".join(_HEAD.pack(stream, len(piece)) + piece for piece in pieces)


def end(stream: int) -> bytes:
    """Nothing more comes on the stream."""
    return _HEAD.pack(stream, _FIN << 24)


def ping(number: int) -> bytes:
    return _frame(_PING, _WORD.pack(number))


def reset(stream: int, status: int) -> bytes:
    """The stream is over, both ways."""
    return _frame(_RST_STREAM, _WORD.pack(stream) + _WORD.pack(status))


def go_away(newest: int) -> bytes:
    """The client's error ends the connection; `newest` is the last of its streams that was heard."""
    return _frame(_GOAWAY, _WORD.pack(newest) + _WORD.pack(_PROTOCOL_ERROR))


def _frame(kind: int, body: bytes) -> bytes:
    return _HEAD.pack((0x8000 | _VERSION) << 16 | kind, len(body)) + body


def _word(data: bytes, position: int) -> int:
    if len(data) < position + _WORD.size:
        raise SpdyError("a frame that is too short")
    return int(_WORD.unpack_from(data, position)[0])


def _stream(body: bytes) -> int:
    return _word(body, 0) & _STREAM_MASK
