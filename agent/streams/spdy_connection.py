"""SPDY over a carrier: what every protocol on it needs, whatever its streams are for."""

from __future__ import annotations

from collections.abc import Iterator

from agent.streams import spdy
from agent.streams.carrier import Carrier, ProtocolError


class SpdyConnection:
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._reader, self._writer = spdy.SpdyReader(), spdy.SpdyWriter()

    @property
    def closed(self) -> bool:
        return self._carrier.closed

    def receive(self, data: bytes) -> Iterator[spdy.Event]:
        """What came, but for pings, which are answered. Raises ProtocolError."""
        try:
            for message in self._carrier.receive(data):
                for event in self._reader.receive(message):
                    if isinstance(event, spdy.Pinged):
                        self.send(spdy.ping(event.number))
                    else:
                        yield event
        except spdy.SpdyError as error:
            raise ProtocolError(f"not SPDY/3.1: {error}") from None

    def accept(self, stream: int) -> None:
        """Answer that the client opened a stream."""
        self.send(self._writer.reply(stream))

    def send(self, frames: bytes) -> None:
        self._carrier.send(frames)

    def close(self) -> None:
        self._carrier.close()
