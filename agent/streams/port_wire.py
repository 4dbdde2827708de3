"""How forwarded connections travel, without I/O: as pairs of SPDY streams, or on numbered WebSocket channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.streams import spdy
from agent.streams.carrier import Carrier, ProtocolError
from agent.streams.spdy_connection import SpdyConnection


@dataclass(frozen=True, slots=True)
class Connect:
    """A new connection, to be known by `id`, to a port of the pod."""

    id: int
    port: int


@dataclass(frozen=True, slots=True)
class Received:
    id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The client sends no more on the connection."""

    id: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """The client wants no more of the connection."""

    id: int


Event = Connect | Received | Ended | Dropped


class PortWire(Protocol):
    @property
    def closed(self) -> bool:
        """The client is done with all of it, or nothing can come any more."""

    def receive(self, data: bytes) -> Iterator[Event]:
        """Raises ProtocolError."""

    def send(self, id: int, data: bytes) -> None: ...

    def end(self, id: int, error: str = "") -> None:
        """The connection is over; `error` says why, when it failed."""

    def outgoing(self) -> bytes:
        """What is to be written to the client now."""


class PortChannels:
    """`v4.channel.k8s.io`: of the i-th port asked for, channel 2i is its one connection and 2i+1 its errors.

    The first message on each is the port, as a little-endian 16-bit number.
    """

    def __init__(self, carrier: Carrier, ports: Sequence[int]) -> None:
        self._carrier = carrier
        self._ports = dict(enumerate(ports))
        self._connecting = True
        self.outgoing = carrier.outgoing
        for id, port in self._ports.items():
            for channel in (2 * id, 2 * id + 1):
                carrier.send(bytes([channel]) + port.to_bytes(2, "little"))

    @property
    def closed(self) -> bool:
        return self._carrier.closed or not self._ports

    def receive(self, data: bytes) -> Iterator[Event]:
        if self._connecting:
            self._connecting = False
            yield from (Connect(id, port) for id, port in self._ports.items())
        for message in self._carrier.receive(data):
            if len(message) > 1 and message[0] % 2 == 0:
                yield Received(message[0] // 2, message[1:])

    def send(self, id: int, data: bytes) -> None:
        self._carrier.send(bytes([2 * id]) + data)

    def end(self, id: int, error: str = "") -> None:
        """There is no way to say that one of several connections is over: the client learns of the last."""
        if error:
            self._carrier.send(bytes([2 * id + 1]) + error.encode())
        self._ports.pop(id, None)
        if not self._ports:
            self._carrier.close()


class PortStreams:
    """`portforward.k8s.io` over SPDY: a connection is two streams with one `requestid`, its data and its errors."""

    def __init__(self, carrier: Carrier) -> None:
        self._connection = SpdyConnection(carrier)
        #: requestid -> its stream of errors. The data stream, which comes second, gives the connection its id.
        self._errors: dict[str, int] = {}
        self._error_streams: dict[int, int] = {}
        self.outgoing = carrier.outgoing

    @property
    def closed(self) -> bool:
        return self._connection.closed

    def receive(self, data: bytes) -> Iterator[Event]:
        for event in self._connection.receive(data):
            yield from self._event(event)

    def send(self, id: int, data: bytes) -> None:
        self._connection.send(spdy.data(id, data))

    def end(self, id: int, error: str = "") -> None:
        errors = self._error_streams.pop(id, None)
        if errors is not None:
            self._connection.send(spdy.data(errors, error.encode()) + spdy.end(id) + spdy.end(errors))

    def _event(self, event: spdy.Event) -> Iterator[Event]:
        if isinstance(event, spdy.Opened):
            yield from self._open(event)
        elif isinstance(event, spdy.Reset) and event.stream in self._error_streams:
            del self._error_streams[event.stream]
            yield Dropped(event.stream)
        elif isinstance(event, spdy.Data) and event.stream in self._error_streams:
            if event.data:
                yield Received(event.stream, event.data)
            if event.ended:
                yield Ended(event.stream)

    def _open(self, event: spdy.Opened) -> Iterator[Event]:
        self._connection.accept(event.stream)
        sort, request = event.headers.get("streamtype"), event.headers.get("requestid", "")
        if sort == "error":
            self._errors[request] = event.stream
            return
        if sort != "data" or request not in self._errors:
            raise ProtocolError(f"a stream of type {sort!r} that was not expected")
        self._error_streams[event.stream] = self._errors.pop(request)
        yield Connect(event.stream, parse_port(event.headers.get("port", "")))


def parse_port(text: str) -> int:
    """Raises ProtocolError."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise ProtocolError(f"{text!r} is no port")
