"""How forwarded connections travel, without I/O: as pairs of SPDY streams, or on numbered WebSocket channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.streams import spdy
from agent.streams.carrier import Carrier, ProtocolError
from agent.streams.spdy_connection import SpdyConnection

#: Connections of one client at a time, and those of them that it has opened one stream of.
_MOST, _MOST_HALF = 1000, 100


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

    def fail(self, error: ProtocolError) -> None:
        """All is over, because the client broke the rules."""

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

    def fail(self, error: ProtocolError) -> None:
        self._carrier.close(error)


class PortStreams:
    """`portforward.k8s.io` over SPDY: a connection is two streams with one `requestid`, its data and its errors."""

    def __init__(self, carrier: Carrier) -> None:
        self._connection = SpdyConnection(carrier)
        #: requestid -> its stream of errors. The data stream, which comes second, gives the connection its id.
        self._errors: dict[str, int] = {}
        self._error_streams: dict[int, int] = {}
        self.outgoing, self.fail = carrier.outgoing, self._connection.fail

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
        elif isinstance(event, spdy.Reset):
            self._errors = {request: stream for request, stream in self._errors.items() if stream != event.stream}
            if self._error_streams.pop(event.stream, None) is not None:
                yield Dropped(event.stream)
        elif isinstance(event, spdy.Data) and event.stream in self._error_streams:
            if event.data:
                yield Received(event.stream, event.data)
            if event.ended:
                yield Ended(event.stream)

    def _open(self, event: spdy.Opened) -> Iterator[Event]:
        sort, request = event.headers.get("streamtype"), event.headers.get("requestid", "")
        port = _port(event.headers.get("port", ""))
        if sort == "error" and len(self._errors) < _MOST_HALF:
            self._errors[request] = event.stream
            self._connection.accept(event.stream)
        elif sort == "data" and port and request in self._errors and len(self._error_streams) < _MOST:
            self._error_streams[event.stream] = self._errors.pop(request)
            self._connection.accept(event.stream)
            yield Connect(event.stream, port)
        else:
            self._connection.refuse(event.stream)


def parse_port(text: str) -> int:
    """Raises ProtocolError."""
    if port := _port(text):
        return port
    raise ProtocolError(f"{text!r} is no port")


def _port(text: str) -> int:
    """0 for what is no port."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    return number if number < 65536 else 0
