"""How the streams of exec and attach travel, without I/O: Kubernetes' remote command protocol, in both of its forms.

Channels are 0 stdin, 1 stdout, 2 stderr, 3 the Status at the end, 4 the terminal's size. On a WebSocket the first
byte of a message is its channel, and in v5 the message `255, channel` ends one. In SPDY each is a stream. Before v4
the fourth channel said, in words, only what went wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import orjson

from agent.runtime.base import STDERR, STDIN, STDOUT
from agent.streams import spdy
from agent.streams.carrier import Carrier, ProtocolError
from agent.streams.spdy_connection import SpdyConnection
from orchestrator.api.meta import Object

STATUS, SIZE = 3, 4
_CHANNELS = {"stdin": STDIN, "stdout": STDOUT, "stderr": STDERR, "error": STATUS, "resize": SIZE}
_CLOSE = 255


@dataclass(frozen=True, slots=True)
class Received:
    channel: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The client sends no more on the channel."""

    channel: int


Event = Received | Ended


class CommandWire(Protocol):
    @property
    def ready(self) -> bool:
        """All channels are there: output has a way to the client."""

    @property
    def closed(self) -> bool:
        """The client is done with it all."""

    def receive(self, data: bytes) -> Iterator[Event]:
        """Raises ProtocolError."""

    def send(self, channel: int, data: bytes) -> None: ...

    def finish(self, status: Object) -> None:
        """The Status, and the end of everything."""

    def fail(self, error: ProtocolError) -> None:
        """The end of everything, because the client broke the rules."""

    def outgoing(self) -> bytes:
        """What is to be written to the connection now."""


class ChannelMessages:
    """`v4.channel.k8s.io`; with `half_close` v5, with `plain_status` what was before v4."""

    ready = True

    def __init__(self, carrier: Carrier, *, half_close: bool = False, plain_status: bool = False) -> None:
        self._carrier, self._half_close, self._plain_status = carrier, half_close, plain_status
        self.outgoing = carrier.outgoing

    @property
    def closed(self) -> bool:
        return self._carrier.closed

    def receive(self, data: bytes) -> Iterator[Event]:
        for message in self._carrier.receive(data):
            if self._half_close and message[:1] == bytes([_CLOSE]):
                yield from (Ended(channel) for channel in message[1:2])
            elif message:
                yield Received(message[0], message[1:])

    def send(self, channel: int, data: bytes) -> None:
        self._carrier.send(bytes([channel]) + data)

    def finish(self, status: Object) -> None:
        if not self._plain_status:
            self.send(STATUS, orjson.dumps(status))
        elif message := status.get("message"):
            self.send(STATUS, message.encode())
        self._carrier.close()

    def fail(self, error: ProtocolError) -> None:
        self._carrier.close(error)


class CommandStreams:
    """`v4.channel.k8s.io` over SPDY: a stream for each of `expected` channels, opened by the client."""

    def __init__(self, carrier: Carrier, expected: frozenset[int]) -> None:
        self._connection, self._expected = SpdyConnection(carrier), expected
        self._streams: dict[int, int] = {}
        self.outgoing, self.fail = carrier.outgoing, self._connection.fail

    @property
    def ready(self) -> bool:
        return self._streams.keys() >= self._expected

    @property
    def closed(self) -> bool:
        return self._connection.closed

    def receive(self, data: bytes) -> Iterator[Event]:
        for event in self._connection.receive(data):
            if isinstance(event, spdy.Opened):
                self._open(event)
            elif isinstance(event, spdy.Data):
                yield from self._data(event)

    def send(self, channel: int, data: bytes) -> None:
        if channel in self._streams:
            self._connection.send(spdy.data(self._streams[channel], data))

    def finish(self, status: Object) -> None:
        self.send(STATUS, orjson.dumps(status))
        for stream in self._streams.values():
            self._connection.send(spdy.end(stream))
        self._connection.close()

    def _open(self, event: spdy.Opened) -> None:
        channel = _CHANNELS.get(event.headers.get("streamtype", ""))
        if channel is None or channel in self._streams:
            self._connection.refuse(event.stream)
            return
        self._streams[channel] = event.stream
        self._connection.accept(event.stream)

    def _data(self, event: spdy.Data) -> Iterator[Event]:
        channel = next((channel for channel, stream in self._streams.items() if stream == event.stream), None)
        if channel is None:
            return
        if event.data:
            yield Received(channel, event.data)
        if event.ended:
            yield Ended(channel)
