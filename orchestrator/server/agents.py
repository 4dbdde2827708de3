"""The API server as a client of the agents: HTTPS, each side sure of the other by the cluster's CA."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import orjson

from orchestrator.api.errors import ServiceUnavailable, from_status
from orchestrator.api.meta import Object, name, status
from orchestrator.util.identity import Identity
from orchestrator.util.link import Link

#: Seconds for the connection to be made, and for the answer to begin.
TIMEOUT = 10.0
_PIECE = 64 * 1024
_MAX_ERROR = 64 * 1024

Header = tuple[str, str]


class AgentStream:
    """An answer that is read as it comes. `close` may come from any thread and ends the iteration."""

    def __init__(self, sock: socket.socket, response: http.client.HTTPResponse) -> None:
        self._socket = sock
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        try:
            while piece := self._response.read1(_PIECE):
                yield piece
        except (OSError, http.client.HTTPException):
            return  # the agent, or `close`, ended it in the middle; what came has been passed on
        finally:
            self._response.close()

    def close(self) -> None:
        try:
            # Not the TLS socket's own method, which would pull the layer away under the reader.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # closed already


class Agents:
    def __init__(self, identity: Identity) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # An agent is known by its node's name in the certificate, not by the address it is reached at.
        self._context.check_hostname = False
        self._context.load_verify_locations(identity.ca)
        self._context.load_cert_chain(identity.certificate, identity.key)

    def get(self, node: Object, path: str) -> AgentStream:
        """A GET on the node's agent. Raises ServiceUnavailable, and the ApiError that the agent answers with."""
        sock, response = self._ask(node, "GET", path, {}, http.client.OK)
        sock.settimeout(None)
        return AgentStream(sock, response)

    def read(self, node: Object, path: str) -> bytes:
        """The whole of a short answer to a GET. Raises as `get`."""
        sock, response = self._ask(node, "GET", path, {}, http.client.OK)
        with sock, response:
            try:
                return response.read()
            except (OSError, http.client.HTTPException) as error:
                raise ServiceUnavailable(
                    f"the agent of node {name(node)} did not finish its answer: {error}"
                ) from error

    def upgrade(self, node: Object, method: str, path: str, headers: Mapping[str, str]) -> tuple[Link, list[Header]]:
        """Have the connection speak another protocol: the connection, and the headers of the agent's consent.

        Raises as `get`.
        """
        sock, response = self._ask(node, method, path, headers, http.client.SWITCHING_PROTOCOLS)
        sock.setblocking(False)
        return Link(sock, _read_with_head(response)), response.getheaders()

    def connect(self, node: Object) -> Link:
        """A connection to the agent, to speak HTTP on. Raises ServiceUnavailable."""
        return Link(self._connect(node).sock)

    def _ask(
        self, node: Object, method: str, path: str, headers: Mapping[str, str], wanted: int
    ) -> tuple[ssl.SSLSocket, http.client.HTTPResponse]:
        connection = self._connect(node)
        sock = connection.sock
        with _reaching(node, connection):
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
        if response.status != wanted:
            content = response.read(_MAX_ERROR)
            connection.close()
            raise from_status(_status(content), response.status)
        return sock, response

    def _connect(self, node: Object) -> http.client.HTTPSConnection:
        host, port = endpoint(node)
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=self._context)
        with _reaching(node, connection):
            connection.connect()
            _check_name(connection.sock, name(node))
        return connection


@contextmanager
def _reaching(node: Object, connection: http.client.HTTPSConnection) -> Iterator[None]:
    """What goes wrong meanwhile ends the connection, and is told as a ServiceUnavailable."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        where = f"{connection.host}:{connection.port}"
        raise ServiceUnavailable(
            f"the agent of node {name(node)} at {where} cannot be reached ({error}): is it running?",
            details={"retryAfterSeconds": 1},
        ) from error


def _read_with_head(response: http.client.HTTPResponse) -> bytes:
    """What came behind the head of an answer, and was read with it. The socket must not block."""
    try:
        return response.fp.peek()
    except ssl.SSLWantReadError:
        return b""


def endpoint(node: Object) -> tuple[str, int]:
    """Host and port of a node's agent. Raises ServiceUnavailable while the node has not said them."""
    addresses = {address.get("type"): address.get("address") for address in status(node).get("addresses") or []}
    port = ((status(node).get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
    host = addresses.get("InternalIP")
    if not host or not port:
        raise ServiceUnavailable(f"node {name(node)} has not reported its agent's address yet: try again later")
    return str(host), int(port)


def _check_name(sock: ssl.SSLSocket, node: str) -> None:
    subject = (sock.getpeercert() or {}).get("subject", ())
    fields = dict(pair for rdn in subject for pair in rdn)  # type: ignore[misc]
    if fields.get("commonName") != f"system:node:{node}":
        raise ssl.SSLError(f"its certificate is for {fields.get('commonName')}")


def _status(content: bytes) -> Object:
    try:
        status = orjson.loads(content)
    except orjson.JSONDecodeError:
        status = None
    return status if isinstance(status, dict) else {"message": content.decode(errors="replace").strip()}
