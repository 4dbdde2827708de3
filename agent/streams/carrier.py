"""What carries the streams on an upgraded connection, without I/O: WebSocket messages, or the bytes themselves."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Protocol

from wsproto import ConnectionType
from wsproto.connection import Connection, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

#: Bytes of one message at most.
_MAX_MESSAGE = 32 * 1024 * 1024
#: Channels are numbered from this character on where messages are text.
_ZERO = ord("0")
#: Why a WebSocket is closed (RFC 6455, 7.4.1).
_NORMAL, _PROTOCOL_ERROR, _UNSUPPORTED, _TOO_BIG = 1000, 1002, 1003, 1009


class ProtocolError(Exception):
    """The client broke the rules; the sentence says how, and `code` is what a WebSocket is closed with."""

    def __init__(self, why: str, code: int = _PROTOCOL_ERROR) -> None:
        super().__init__(why)
        self.code = code


class Carrier(Protocol):
    #: The client said that it is done.
    closed: bool

    def receive(self, data: bytes) -> Iterator[bytes]:
        """The messages that are complete. Raises ProtocolError."""

    def send(self, message: bytes) -> None: ...

    def close(self, error: ProtocolError | None = None) -> None:
        """Nothing more will be sent; `error` says why, when the client is to blame."""

    def outgoing(self) -> bytes:
        """What is to be written to the connection now."""


class Plain:
    """Messages are whatever pieces come."""

    def __init__(self) -> None:
        self.closed = False
        self._outgoing = bytearray()

    def receive(self, data: bytes) -> Iterator[bytes]:
        yield data

    def send(self, message: bytes) -> None:
        self._outgoing += message

    def close(self, error: ProtocolError | None = None) -> None:
        """The end of the connection says it."""

    def outgoing(self) -> bytes:
        data, self._outgoing = bytes(self._outgoing), bytearray()
        return data


class WebSocket:
    """An opened WebSocket (RFC 6455), a server's end. Pings are answered. Where it carries bytes, `text` is none."""

    def __init__(self, *, text: bool = True) -> None:
        self.closed = False
        self._text = text
        self._connection = Connection(ConnectionType.SERVER)
        self._message = bytearray()
        self._outgoing = bytearray()

    def receive(self, data: bytes) -> Iterator[bytes]:
        if self._connection.state is ConnectionState.CLOSED:
            return
        self._connection.receive_data(data)
        for event in self._connection.events():
            if isinstance(event, Ping):
                self._outgoing += self._connection.send(event.response())
            elif isinstance(event, CloseConnection):
                self._answer_close(event)
            elif isinstance(event, (BytesMessage, TextMessage)):
                yield from self._joined(event)

    def send(self, message: bytes) -> None:
        if self._connection.state is ConnectionState.OPEN:
            self._outgoing += self._connection.send(self._framed(message))

    def close(self, error: ProtocolError | None = None) -> None:
        if self._connection.state is ConnectionState.OPEN:
            code, why = (_NORMAL, None) if error is None else (error.code, str(error))
            self._outgoing += self._connection.send(CloseConnection(code, why))

    def outgoing(self) -> bytes:
        data, self._outgoing = bytes(self._outgoing), bytearray()
        return data

    def _framed(self, message: bytes) -> BytesMessage | TextMessage:
        return BytesMessage(message)

    def _answer_close(self, event: CloseConnection) -> None:
        """The client closes, or what it sent is no WebSocket."""
        self.closed = True
        if self._connection.state in (ConnectionState.REMOTE_CLOSING, ConnectionState.OPEN):
            self._outgoing += self._connection.send(event.response())

    def _joined(self, part: BytesMessage | TextMessage) -> Iterator[bytes]:
        """The whole message with its last part."""
        if isinstance(part, TextMessage) and not self._text:
            raise ProtocolError("text, where messages are bytes", _UNSUPPORTED)
        self._message += part.data.encode() if isinstance(part, TextMessage) else part.data
        if len(self._message) > _MAX_MESSAGE:
            raise ProtocolError(f"a message of more than {_MAX_MESSAGE} bytes", _TOO_BIG)
        if part.message_finished:
            whole, self._message = bytes(self._message), bytearray()
            yield whole


class Base64WebSocket(WebSocket):
    """For clients that have only text, as browsers had: a channel's digit, and the data in base64."""

    def receive(self, data: bytes) -> Iterator[bytes]:
        for message in super().receive(data):
            if message:
                yield _from_base64(message)

    def _framed(self, message: bytes) -> TextMessage:
        return TextMessage(chr(_ZERO + message[0]) + b64encode(message[1:]).decode())


def _from_base64(message: bytes) -> bytes:
    try:
        return bytes([message[0] - _ZERO]) + b64decode(message[1:], validate=True)
    except ValueError as error:
        raise ProtocolError(f"a message that is not a channel's digit and base64: {error}") from None
