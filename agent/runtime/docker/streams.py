"""Endless answers of the engine, which another thread can end."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import requests

from agent.runtime.base import EngineUnreachable, RuntimeFailure
from agent.runtime.docker.failures import translated

T = TypeVar("T")

_FRAME_HEADER = 8


class EngineStream(Generic[T]):
    """What `decode` makes of a streaming answer's chunks. Implements `agent.runtime.base.Stream`."""

    def __init__(
        self, answer: requests.Response, decode: Callable[[Iterator[bytes]], Iterator[T]], *, endless: bool = False
    ) -> None:
        """`endless`: an end that nobody asked for is an EngineUnreachable."""
        self._answer = answer
        # A second handle on the connection: shutting it down wakes a reader that waits in another thread.
        self._connection = socket.socket(fileno=os.dup(answer.raw.fileno()))
        self._items = decode(answer.iter_content(None))
        self._endless = endless
        self._closed = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            with translated():
                return next(self._items)
        except StopIteration:
            self._finish()
            if self._endless and not self._closed:
                raise EngineUnreachable("Docker Engine ended the stream of events") from None
            raise
        except RuntimeFailure:
            self._finish()
            if self._closed:
                raise StopIteration from None
            raise

    def close(self) -> None:
        self._closed = True
        # The connection may have ended by itself.
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _finish(self) -> None:
        self._connection.close()
        self._answer.close()


class Demultiplexer:
    """The engine's frames, taken apart: (stream, payload), whatever breaks the bytes come in.

    A frame is a header of 8 bytes (stream, three zeros, length as 32-bit big endian) and its payload; a payload's
    parts are passed on as they come.
    """

    def __init__(self) -> None:
        self._header = b""
        self._stream = 0
        self._missing = 0

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        while chunk:
            if self._missing:
                part, chunk = chunk[: self._missing], chunk[self._missing :]
                self._missing -= len(part)
                yield self._stream, part
                continue
            wanted = _FRAME_HEADER - len(self._header)
            self._header, chunk = self._header + chunk[:wanted], chunk[wanted:]
            if len(self._header) == _FRAME_HEADER:
                self._stream, self._missing = self._header[0], int.from_bytes(self._header[4:], "big")
                self._header = b""


def demultiplex(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The payloads of the engine's frames, whatever their streams."""
    frames = Demultiplexer()
    for chunk in chunks:
        for _, payload in frames.feed(chunk):
            yield payload


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines, without their ends."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, whole)
