"""A request passed on to a program, and how its answer is to be given to the client."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import h11

from orchestrator.api.errors import BadRequest
from orchestrator.server.connection import ClientConnection
from orchestrator.server.proxy import headers
from orchestrator.server.proxy.exchange import Exchange, RequestBody
from orchestrator.server.proxy.headers import Header
from orchestrator.server.proxy.html import inflated, rewritten
from orchestrator.server.proxy.links import Place, Rewriter
from orchestrator.util.link import Link

#: What WSGI has made text of the bytes by.
_CHARSET = "latin-1"


@dataclass(frozen=True, slots=True)
class Asked:
    """A client's request; `address` is the client's."""

    method: str
    place: Place
    headers: list[Header]
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    headers: list[Header]
    body: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Switched:
    """The program agreed to another protocol: the connection is now between it and the client."""

    headers: list[Header]
    upstream: Link


def forward(asked: Asked, client: ClientConnection, upstream: Link, host: str) -> Answer | Switched:
    """Ask the program at `host` what the client asks for. Returns with the head of the answer.

    Raises BadRequest, ServiceUnavailable.
    """
    passed = headers.request_headers(asked.headers, asked.address, asked.place.path)
    try:
        request = h11.Request(
            method=asked.method,
            target=asked.place.inner.encode(_CHARSET),
            headers=[(name.encode(_CHARSET), value.encode(_CHARSET)) for name, value in passed],
        )
    except h11.LocalProtocolError as error:
        raise BadRequest(f"the request cannot be passed on: {error}") from None
    exchange = Exchange(upstream, request, _body(client, asked.headers))
    head = exchange.answer()
    answered = [(_text(name), _text(value)) for name, value in head.headers.raw_items()]
    if isinstance(head, h11.InformationalResponse):
        return Switched(answered, exchange.switch())
    rewrite = Rewriter(asked.place, (host, headers.get(asked.headers, "host")))
    return _rewritten(head.status_code, headers.answer_headers(answered), exchange.pieces(), rewrite)


def _body(client: ClientConnection, given: list[Header]) -> RequestBody | None:
    framing = headers.framing(given)
    if framing is None or headers.upgrade(given):
        return None
    read = client.take_over()
    return RequestBody(Link(client.socket, read), framing)


def _rewritten(code: int, answered: list[Header], body: Iterator[bytes], rewrite: Rewriter) -> Answer:
    """A redirection's Location, or else a page's links, lead through the API server."""
    if headers.get(answered, "location"):
        moved = [(name, rewrite(value) if name.lower() == "location" else value) for name, value in answered]
        return Answer(code, moved, body)
    encoding = headers.get(answered, "content-encoding").lower()
    media_type = headers.get(answered, "content-type").partition(";")[0].strip().lower()
    if media_type != "text/html" or encoding not in ("", "identity", "gzip"):
        return Answer(code, answered, body)
    changing = {"content-length", "content-encoding"}
    kept = [(name, value) for name, value in answered if name.lower() not in changing]
    plain = _inflated(body) if encoding == "gzip" else body
    return Answer(code, kept, rewritten(plain, rewrite))


def _inflated(body: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from inflated(body)
    except zlib.error as error:
        raise ConnectionResetError(errno.ECONNRESET, f"a proxied page cannot be inflated: {error}") from None


def _text(value: bytes) -> str:
    return value.decode(_CHARSET)
