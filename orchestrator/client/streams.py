"""Answers of unknown length, read as they come: watches, logs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import orjson
import requests
import urllib3

from orchestrator.api.errors import InternalError, ServiceUnavailable
from orchestrator.api.request import WatchEvent

_PIECE = 65536


class ByteStream:
    """The body of a streaming answer, in pieces as they arrive. Iterate once, from one thread.

    Iteration ends when the server ends the answer or `close` is called; it raises ServiceUnavailable when the
    connection breaks.
    """

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        self._lock = threading.Lock()
        self._reading = False
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        with self._lock:
            if self._closed:
                return
            self._reading = True
        try:
            while piece := self._response.raw.read1(_PIECE):
                yield piece
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if not self._closed:
                raise ServiceUnavailable(f"the connection to {self._response.url} broke: {error}") from error
        finally:
            self._closed = True
            self._response.close()

    def close(self) -> None:
        """May be called from any thread: a reader that waits for data wakes up."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if not self._reading:
                self._response.close()
                return
        try:
            # Closing the file under the reader would wait for the reader; shutting the socket down wakes it.
            self._response.raw.shutdown()
        except (ValueError, RuntimeError, OSError):
            # The answer has just ended by itself.
            return


class HttpWatch:
    """Watch events off a byte stream: one JSON document a line. Raises ApiError when it breaks."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[WatchEvent]:
        return map(_event, lines(self._stream))

    def close(self) -> None:
        self._stream.close()


def _event(line: bytes) -> WatchEvent:
    try:
        event = orjson.loads(line)
        return WatchEvent(event["type"], event["object"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise InternalError(f"the server sent what is no watch event: {line[:200]!r}") from error


def lines(pieces: Iterator[bytes] | ByteStream) -> Iterator[bytes]:
    """The whole, non-empty lines of a stream, without their ends; a last line without an end is dropped."""
    rest: list[bytes] = []
    for piece in pieces:
        *whole, last = piece.split(b"\n")
        for line in whole:
            if text := b"".join([*rest, line]):
                yield text
            rest.clear()
        if last:
            rest.append(last)
