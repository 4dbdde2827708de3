"""SPDY over a carrier: what every protocol on it needs, whatever its streams are for."""

from __future__ import annotations

from collections.abc import Iterator

from agent.streams import spdy
from agent.streams.carrier import Carrier, ProtocolError


class SpdyConnection:
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._reader, self._writer = spdy.SpdyReader(), spdy.SpdyWriter()
        #: The newest stream that the client has opened: its numbers are odd and rise.
        self._newest = 0

    @property
    def closed(self) -> bool:
        return self._carrier.closed

    def receive(self, data: bytes) -> Iterator[spdy.Event]:
        """What is of interest to a protocol; the rest is answered. Raises ProtocolError."""
        try:
            for message in self._carrier.receive(data):
                for event in self._reader.receive(message):
                    if not self._answered(event):
                        yield event
        except spdy.SpdyError as error:
            raise ProtocolError(f"not SPDY/3.1: {error}") from None

    def accept(self, stream: int) -> None:
        """Answer that the client opened a stream."""
        self.send(self._writer.reply(stream))

    def refuse(self, stream: int) -> None:
        """The client opened a stream that there is no use for."""
        self.send(spdy.reset(stream, spdy.REFUSED_STREAM))

    def send(self, frames: bytes) -> None:
        self._carrier.send(frames)

    def close(self) -> None:
        self._carrier.close()

    def fail(self, error: ProtocolError) -> None:
        """The client broke the rules, and is heard no more."""
        self.send(spdy.go_away(self._newest))
        self._carrier.close(error)

    def _answered(self, event: spdy.Event) -> bool:
        """Raises ProtocolError."""
        if isinstance(event, spdy.Pinged):
            self.send(spdy.ping(event.number))
            return True
        if isinstance(event, spdy.Opened):
            if event.stream <= self._newest or event.stream % 2 == 0:
                raise ProtocolError(f"stream {event.stream} is opened after stream {self._newest}")
            self._newest = event.stream
        elif isinstance(event, spdy.Data) and (event.stream > self._newest or event.stream % 2 == 0):
            self.send(spdy.reset(event.stream, spdy.INVALID_STREAM))
            return True
        return False
