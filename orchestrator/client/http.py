"""The client's transport over HTTP(S)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import Any

import orjson
import requests
import urllib3.connection
from requests.adapters import HTTPAdapter

from orchestrator.api.errors import ApiError, InternalError, ServiceUnavailable, Unreachable, from_status
from orchestrator.api.meta import Object
from orchestrator.api.request import JSON, Request, path
from orchestrator.client.streams import ByteStream, HttpWatch
from orchestrator.util.identity import Identity

#: Seconds for a connection to be made, and for an answer to begin.
CONNECT_TIMEOUT = 3.05
TIMEOUT = 30.0
#: A watch with bookmarks that is silent for longer is dead: the server sends one every 60 seconds.
WATCH_SILENCE = 75.0

_METHODS: Mapping[str, str] = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
#: Small requests leave at once (urllib3's default), and a peer that vanished is noticed in a minute.
_SOCKET_OPTIONS = [
    *urllib3.connection.HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]


class HttpTransport:
    """Speaks to the API server at `server` (`https://host:port`). Threads may share it; connections are kept alive.

    `identity` is the client certificate and the CA that the server is verified by; `token` a bearer token. `agent` is
    whose the fields are that it writes.
    """

    def __init__(
        self,
        server: str,
        identity: Identity | None = None,
        token: str = "",
        timeout: float = TIMEOUT,
        agent: str = "podlab",
    ) -> None:
        self._server = server.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        # The API server is never behind a proxy of the environment, and ~/.netrc holds nothing for it.
        self._session.trust_env = False
        self._session.headers.update({"Accept": JSON, "Accept-Encoding": "identity", "User-Agent": agent})
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.mount(f"{self._server}/", _Adapter(tls_context(identity)))

    def call(self, request: Request) -> Object:
        headers = {"Content-Type": request.content_type} if request.body is not None else {}
        body = orjson.dumps(request.body) if request.body is not None else None
        return self._json(_METHODS[request.verb], path(request), request.options, body, headers)

    def watch(self, request: Request) -> HttpWatch:
        options = {**request.options, "watch": "true"}
        silence = WATCH_SILENCE if options.get("allowWatchBookmarks") == "true" else None
        return HttpWatch(self._open(path(request), options, silence))

    def fetch(self, path: str, options: Mapping[str, str] | None = None, accept: str = JSON) -> Object:
        """The JSON that a GET is answered with: discovery, a Table. Raises ApiError."""
        return self._json("GET", path, options, None, {"Accept": accept})

    def open(self, path: str, options: Mapping[str, str] | None = None, accept: str = JSON) -> ByteStream:
        """A GET whose answer is read as it comes (`pods/log`). Raises ApiError when it does not start."""
        return self._open(path, options or {}, None, accept)

    def raw(
        self,
        method: str,
        path: str,
        options: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status code and body of any request. Raises ServiceUnavailable when there is no answer."""
        response = self._send(
            method, path, params=options, data=body, headers=headers, timeout=(CONNECT_TIMEOUT, self._timeout)
        )
        return response.status_code, response.content

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()

    def _json(
        self,
        method: str,
        path: str,
        options: Mapping[str, str] | None,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Object:
        code, content = self.raw(method, path, options, body, headers)
        if code >= 400:
            raise error_of(code, content)
        try:
            return orjson.loads(content)  # type: ignore[no-any-return]
        except orjson.JSONDecodeError as error:
            raise InternalError(f"{self._server} answered {method} {path} with no JSON: {error}") from error

    def _open(self, path: str, options: Mapping[str, str], silence: float | None, accept: str = JSON) -> ByteStream:
        timeout = (CONNECT_TIMEOUT, silence)
        response = self._send("GET", path, params=options, stream=True, timeout=timeout, headers={"Accept": accept})
        if response.status_code >= 400:
            raise error_of(response.status_code, b"".join(ByteStream(response)))
        return ByteStream(response)

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        try:
            return self._session.request(method, self._server + path, allow_redirects=False, **arguments)
        except requests.ReadTimeout as error:
            raise ServiceUnavailable(f"{self._server} did not answer {method} {path} in time") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"{self._server} cannot be reached: is it up? ({_cause(error)})") from error


class _Adapter(HTTPAdapter):
    """Connections over one TLS context, instead of reading certificate files anew for each."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_maxsize=32)

    def init_poolmanager(self, *args: Any, **pool_options: Any) -> None:
        super().init_poolmanager(*args, socket_options=_SOCKET_OPTIONS, **pool_options)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context verifies."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context} if host["scheme"] == "https" else {}


def tls_context(identity: Identity | None) -> ssl.SSLContext:
    """Raises OSError (ssl.SSLError among them) when a certificate file cannot be used."""
    if identity is None:
        return ssl.create_default_context()
    context = ssl.create_default_context(cafile=str(identity.ca))
    context.load_cert_chain(identity.certificate, identity.key)
    return context


def error_of(code: int, content: bytes) -> ApiError:
    """What an answer with a code of 400 or more stands for."""
    try:
        status = orjson.loads(content)
    except orjson.JSONDecodeError:
        status = None
    if not isinstance(status, dict):
        status = {"message": content.decode(errors="replace").strip()}
    return from_status(status, code)


def _cause(error: BaseException) -> str:
    """The system's words at the bottom of a chain of wrapped errors."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return str(error)
