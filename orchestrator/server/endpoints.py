"""Requests of resources, from the WSGI environ to an answer.

This is nearly all that an API server does all day, so nothing of a web framework stands in between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from werkzeug.datastructures import EnvironHeaders

from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.request import Request, User
from orchestrator.server import podlogs, podstreams
from orchestrator.server.agents import Agents
from orchestrator.server.answers import (
    Answer,
    moved_answer,
    passed_answer,
    stream_answer,
    upgrade_answer,
    watch_lines,
)
from orchestrator.server.connection import connection
from orchestrator.server.failures import failure_answer
from orchestrator.server.incoming import Environ, refuse_body, to_request
from orchestrator.server.longrunning import LongRunning
from orchestrator.server.metrics import Metrics
from orchestrator.server.paths import PROXY, ResourcePath, split_proxied
from orchestrator.server.pause import Pause
from orchestrator.server.proxy.connect import connect
from orchestrator.server.proxy.headers import upgrade
from orchestrator.server.proxy.links import Place
from orchestrator.server.proxy.target import find_target
from orchestrator.server.representation import Representation, wanted
from orchestrator.server.resources import Resources
from orchestrator.util.clock import Clock
from orchestrator.util.link import STALLED, Link, read_no_more, relay

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

log = logging.getLogger(__name__)

#: An answer that takes longer, in seconds, is worth a line in the log.
_SLOW = 1.0


class Endpoints:
    """`who` tells who asks, or whom he may act as; it raises Unauthorized, Forbidden, BadRequest."""

    def __init__(self, resources: Resources, who: Callable[[Environ], User], agents: Agents, clock: Clock) -> None:
        self.long_running = LongRunning()
        self.metrics = Metrics(lambda: len(self.long_running), lambda: resources.backend.store.revision)
        self._resources = resources
        self._who = who
        self._agents = agents
        self._clock = clock
        self._representation = Representation(clock)

    def respond(self, environ: Environ, path: ResourcePath, start_response: StartResponse) -> Iterable[bytes]:
        """Whatever happens becomes an answer. It is counted, and logged when it is slow or a failure of the server."""
        started = self._clock.monotonic()
        call = None
        try:
            user = self._who(environ)
            call = self._request(environ, path)
            answer = self._answer(environ, call, path, user)
        except Exception as error:  # noqa: BLE001 - the edge: no request may end without an answer
            answer = failure_answer(error, environ)
        if call is None:
            return answer(environ, start_response)
        if answer.wait is not None:
            return self._later(environ, call, answer, started, start_response)
        self._observe(environ, call, answer, started)
        return answer(environ, start_response)

    def _later(
        self, environ: Environ, call: Request, answer: Answer, started: float, start_response: StartResponse
    ) -> Iterator[bytes]:
        """The answer to a write, once that is acknowledged."""
        assert answer.wait is not None
        yield Pause()
        try:
            answer.wait()
        except ApiError as error:
            answer = failure_answer(error, environ)
        self._observe(environ, call, answer, started)
        yield from answer(environ, start_response)

    def _request(self, environ: Environ, path: ResourcePath) -> Request:
        kind = self._resources.backend.kinds.by_path(path.group, path.version, path.plural)
        if kind is None or (path.namespace and not kind.namespaced):
            raise NotFound("the server could not find the requested resource")
        return to_request(environ, kind, path)

    def _answer(self, environ: Environ, call: Request, path: ResourcePath, user: User) -> Answer:
        if call.subresource == "log" and call.verb == "get":
            return self._log(environ, call, user)
        if podstreams.is_stream(call):
            return self._upgrade(environ, call, user)
        if call.subresource == PROXY and PROXY in call.kind.subresources:
            return self._proxy(environ, call, path, user)
        if call.verb == "watch":
            return self._watch(environ, call, user)
        form = wanted(environ.get("HTTP_ACCEPT", ""))
        result, wait = self._resources.begin(call, user)
        try:
            answer = self._representation.answer(result, call, form)
        except ApiError:
            if wait is not None:
                wait()  # it was written all the same
            raise
        answer.wait = wait
        return answer

    def _watch(self, environ: Environ, call: Request, user: User) -> Answer:
        form = wanted(environ.get("HTTP_ACCEPT", ""))
        session = self._resources.watch(call, user)
        with ExitStack() as stack:
            stack.callback(session.close)
            stack.enter_context(self.long_running.running(connection(environ).socket, session.close))
            return stream_answer(watch_lines(session, self._representation.encoder(call, form)), stack.pop_all())

    def _log(self, environ: Environ, call: Request, user: User) -> Answer:
        self._resources.authorize(call, user)
        stream = podlogs.open_log(self._resources.backend, self._agents, call)
        return self._stream(environ, iter(stream), stream.close, "text/plain")

    def _upgrade(self, environ: Environ, call: Request, user: User) -> Answer:
        """From the 101 on, the connection is the agent's and the client's."""
        self._resources.authorize(call, user)
        method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
        agent, headers = podstreams.open_stream(
            self._resources.backend, self._agents, call, method, query, EnvironHeaders(dict(environ))
        )
        client = connection(environ).socket
        with ExitStack() as stack:
            stack.callback(agent.close)
            # Nothing more is read of a client that went, or is to go; what it sent before is still relayed.
            self._detach(environ, stack, lambda: read_no_more(client))
            return upgrade_answer(lambda: relay(Link(client, patience=STALLED), agent), stack.pop_all(), headers)

    def _proxy(self, environ: Environ, call: Request, path: ResourcePath, user: User) -> Answer:
        try:
            return self._proxied(environ, call, path, user)
        except ApiError:
            refuse_body(environ)
            raise

    def _proxied(self, environ: Environ, call: Request, path: ResourcePath, user: User) -> Answer:
        """Passed on, both ways, as it comes. Who asks for a program without a path is sent to its `/`."""
        # Few clusters ever proxy, and HTTP's other half is not small.
        from orchestrator.server.proxy.forward import Asked, Switched, forward

        self._resources.authorize(call, user)
        target = find_target(self._resources.backend, call)
        place = Place(*split_proxied(environ["REQUEST_URI"], path), environ["QUERY_STRING"])
        method, headers = environ["REQUEST_METHOD"], list(EnvironHeaders(dict(environ)))
        if not place.rest and method in ("GET", "HEAD") and not upgrade(headers):
            return moved_answer(place.with_slash)
        client = connection(environ)
        with ExitStack() as stack:
            stack.enter_context(client.detached())
            upstream = connect(self._agents, target)
            stack.callback(upstream.close)
            stack.enter_context(self.long_running.running(client.socket, upstream.read_no_more))
            answer = forward(Asked(method, place, headers, environ["REMOTE_ADDR"]), client, upstream, target.host)
            if isinstance(answer, Switched):
                return upgrade_answer(
                    lambda: relay(Link(client.socket, patience=STALLED), upstream), stack.pop_all(), answer.headers
                )
            return passed_answer(answer.code, answer.headers, answer.body, stack.pop_all())

    def _stream(
        self, environ: Environ, pieces: Iterator[bytes], end: Callable[[], None], content_type: str = "application/json"
    ) -> Answer:
        """Answer with what comes, until it ends, the client goes or the server stops."""
        with ExitStack() as stack:
            stack.callback(end)
            self._detach(environ, stack, end)
            return stream_answer(pieces, stack.pop_all(), content_type)

    def _detach(self, environ: Environ, stack: ExitStack, end: Callable[[], None]) -> None:
        """Until the stack is closed the request stays open, counted as such, and `end` makes it finish."""
        client = connection(environ)
        stack.enter_context(self.long_running.running(client.socket, end))
        stack.enter_context(client.detached())

    def _observe(self, environ: Environ, call: Request, answer: Answer, started: float) -> None:
        verb, seconds = call.verb.upper(), self._clock.monotonic() - started
        kept = seconds if answer.whole else None
        self.metrics.observe(verb, call.kind.resource, call.subresource, answer.code, kept)
        if answer.code >= 500 or (answer.whole and seconds > _SLOW):
            where = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
            log.warning("%s %s: %d in %.3f s", environ["REQUEST_METHOD"], where, answer.code, seconds)
