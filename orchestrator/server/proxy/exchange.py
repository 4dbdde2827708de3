"""One HTTP request to a program, and its answer: one thread passes both on, piece by piece, as they come."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import h11

from orchestrator.api.errors import BadRequest, ServiceUnavailable
from orchestrator.server.proxy.headers import Header
from orchestrator.util.link import Link, wait

#: Bytes of an answer's status line and headers at most.
_MAX_HEAD = 256 * 1024
#: Interim answers (100 Continue, 103 Early Hints) before the answer at most.
_MAX_INTERIM = 10


class RequestBody:
    """A client's body, as it comes on its connection. `framing` is the header that says where it ends."""

    def __init__(self, link: Link, framing: Header) -> None:
        self.link = link
        self.ended = False
        self._http = h11.Connection(h11.SERVER)
        # The server has read the head; this reader needs one to know what follows.
        self._http.receive_data(f"POST / HTTP/1.1\r\nHost: -\r\n{': '.join(framing)}\r\n\r\n".encode())
        self._http.next_event()

    def read(self) -> Iterator[h11.Data | h11.EndOfMessage]:
        """What is here. Raises BadRequest."""
        data = self.link.read()
        if not data and not self.link.ended:
            return
        self._http.receive_data(data)
        try:
            while isinstance(event := self._http.next_event(), (h11.Data, h11.EndOfMessage)):
                self.ended = isinstance(event, h11.EndOfMessage)
                yield event
                if self.ended:
                    return
        except h11.RemoteProtocolError as error:
            raise BadRequest(f"the body of the request cannot be read: {error}") from None


class Exchange:
    def __init__(self, upstream: Link, request: h11.Request, body: RequestBody | None) -> None:
        self._upstream, self._body = upstream, body
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        self._send(request)
        if body is None:
            self._send(h11.EndOfMessage())

    def answer(self) -> h11.Response | h11.InformationalResponse:
        """The head of the answer; an InformationalResponse is a 101. Raises ServiceUnavailable, BadRequest."""
        try:
            for _ in range(_MAX_INTERIM):
                event = self._next()
                if isinstance(event, h11.Response):
                    return event
                if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                    return event
            raise ServiceUnavailable("error trying to reach service: too many 1xx informational responses")
        except h11.RemoteProtocolError as error:
            reason = "EOF" if self._upstream.ended else error
            raise ServiceUnavailable(f"error trying to reach service: {reason}") from None

    def pieces(self) -> Iterator[bytes]:
        """The body of the answer. Raises ConnectionResetError when it breaks off."""
        try:
            while isinstance(event := self._next(), h11.Data):
                yield bytes(event.data)
        except (h11.RemoteProtocolError, BadRequest) as error:
            raise ConnectionResetError(errno.ECONNRESET, f"a proxied answer breaks off: {error}") from None

    def switch(self) -> Link:
        """The connection, after a 101."""
        self._upstream.put_back(self._http.trailing_data[0])
        return self._upstream

    def _next(self) -> object:
        """The next event, or PAUSED after the last."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._pass_on()
        return event

    def _pass_on(self) -> None:
        """Wait for either end."""
        body = self._body if self._body is not None and not self._body.ended else None
        hearing = body is not None and not self._upstream.full
        wait([(self._upstream, True), *([(body.link, hearing)] if body is not None else [])])
        if body is not None and hearing:
            for event in body.read():
                self._send(event)
        data = self._upstream.read()
        if data or self._upstream.ended:
            self._http.receive_data(data)

    def _send(self, event: h11.Event) -> None:
        self._upstream.write(self._http.send(event) or b"")
