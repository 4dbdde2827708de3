"""A client's end of a WebSocket to the API server, for exec and port-forward. Only `open_websocket` blocks."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode, urlsplit

from wsproto import ConnectionType
from wsproto.connection import Connection, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import generate_accept_token, generate_nonce

from orchestrator.api.errors import InternalError, Unreachable
from orchestrator.client.http import TIMEOUT, error_of, tls_context
from orchestrator.util.identity import Identity
from orchestrator.util.link import Link

_MAX_ERROR = 64 * 1024


class WebSocket:
    """An opened WebSocket (RFC 6455). Pings are answered. To be used by one thread, which waits for `link`."""

    def __init__(self, link: Link) -> None:
        self.link = link
        #: Nothing more comes: the server closed, or the connection broke.
        self.closed = False
        self._connection = Connection(ConnectionType.CLIENT)
        self._message = bytearray()

    def receive(self) -> Iterator[bytes]:
        """The messages that are complete now."""
        if data := self.link.read():
            self._connection.receive_data(data)
            for event in self._connection.events():
                yield from self._event(event)
        self.closed = self.closed or self.link.ended

    def send(self, message: bytes) -> None:
        if self._connection.state is ConnectionState.OPEN:
            self.link.write(self._connection.send(BytesMessage(message)))

    def close(self) -> None:
        """Say that all is over, and end the connection."""
        if self._connection.state is ConnectionState.OPEN:
            self.link.write(self._connection.send(CloseConnection(1000)))
        self.link.close()

    def _event(self, event: object) -> Iterator[bytes]:
        if isinstance(event, Ping):
            self.link.write(self._connection.send(event.response()))
        elif isinstance(event, CloseConnection):
            self.closed = True
            if self._connection.state is ConnectionState.REMOTE_CLOSING:
                self.link.write(self._connection.send(event.response()))
        elif isinstance(event, (BytesMessage, TextMessage)):
            self._message += event.data.encode() if isinstance(event, TextMessage) else event.data
            if event.message_finished:
                whole, self._message = bytes(self._message), bytearray()
                yield whole


def open_websocket(
    server: str, identity: Identity, path: str, query: Sequence[tuple[str, str]], protocol: str
) -> WebSocket:
    """Upgrade a GET of `path` to a WebSocket that speaks `protocol`. Raises ApiError, as the server refuses."""
    address, nonce = urlsplit(server), generate_nonce()
    connection = http.client.HTTPSConnection(
        address.hostname or "", address.port, timeout=TIMEOUT, context=tls_context(identity)
    )
    try:
        connection.connect()
        sock = connection.sock
        connection.request("GET", f"{path}?{urlencode(query)}", headers=_asking(nonce, protocol))
        response = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise Unreachable(f"{server} cannot be reached: is it up? ({error})") from error
    if response.status != http.client.SWITCHING_PROTOCOLS:
        content = response.read(_MAX_ERROR)
        connection.close()
        raise error_of(max(response.status, 400), content)
    if response.headers["Sec-WebSocket-Accept"] != generate_accept_token(nonce).decode():
        connection.close()
        raise InternalError(f"{server} answered {path} with no WebSocket")
    sock.setblocking(False)
    return WebSocket(Link(sock, _read_with_head(response)))


def _asking(nonce: bytes, protocol: str) -> dict[str, str]:
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": nonce.decode(),
        "Sec-WebSocket-Protocol": protocol,
    }


def _read_with_head(response: http.client.HTTPResponse) -> bytes:
    """What came behind the head of the answer, and was read with it. The socket must not block."""
    try:
        return response.fp.peek()
    except ssl.SSLWantReadError:
        return b""
