"""The API over HTTP: a Flask application that finds its handlers by the structure of the path, not by a route table."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from flask import Flask, Request, Response, g, request

from orchestrator.api.access import Access
from orchestrator.api.errors import ApiError, InternalError, MethodNotAllowed, NotFound
from orchestrator.api.request import Request as ApiRequest
from orchestrator.api.request import User
from orchestrator.server import podlogs, podstreams
from orchestrator.server.agents import Agents
from orchestrator.server.answers import (
    error_answer,
    moved_answer,
    passed_answer,
    stream_answer,
    text_answer,
    upgrade_answer,
    watch_lines,
)
from orchestrator.server.authentication import Authenticator
from orchestrator.server.connection import connection
from orchestrator.server.documents import Documents
from orchestrator.server.health import Health
from orchestrator.server.impersonation import impersonated
from orchestrator.server.incoming import options, refuse_body, to_request
from orchestrator.server.longrunning import LongRunning
from orchestrator.server.metrics import CONTENT_TYPE, Metrics
from orchestrator.server.paths import PROXY, ResourcePath, parse, split_proxied
from orchestrator.server.proxy.connect import connect
from orchestrator.server.proxy.headers import upgrade
from orchestrator.server.proxy.links import Place
from orchestrator.server.proxy.target import find_target
from orchestrator.server.representation import Representation, wanted
from orchestrator.server.resources import Resources
from orchestrator.util.clock import Clock
from orchestrator.util.link import STALLED, Link, read_no_more, relay

log = logging.getLogger(__name__)

#: An answer that takes longer, in seconds, is worth a line in the log.
_SLOW = 1.0
_HEALTH = frozenset({"healthz", "livez", "readyz"})


class ApiApp(Flask):
    """Overrides how Flask routes and how it answers errors; its hooks and contexts stay."""

    def __init__(
        self,
        resources: Resources,
        authenticator: Authenticator,
        health: Health,
        documents: Documents,
        agents: Agents,
        clock: Clock,
    ) -> None:
        super().__init__("podlab", static_folder=None)
        self.long_running = LongRunning()
        self._resources = resources
        self._authenticator = authenticator
        self._authorizer = resources.backend.security.authorizer
        self._health = health
        self._documents = documents
        self._agents = agents
        self._clock = clock
        self._metrics = Metrics(lambda: len(self.long_running), lambda: resources.backend.store.revision)
        self._representation = Representation(clock)
        self.before_request(self._begin)
        self.after_request(self._finish)

    def create_url_adapter(self, request: Request | None) -> None:
        """There is no table of URLs to match."""

    def dispatch_request(self) -> Response:
        path = request.environ["PATH_INFO"]
        if path.split("/", 2)[1] in _HEALTH:
            return self._health_page(path)
        user = self._user()
        if (parsed := parse(path)) is not None:
            return self._resource(parsed, user)
        verb = "get" if request.method == "HEAD" else request.method.lower()
        self._authorizer.require(user, Access(verb, path=path))
        page = self._metrics_page if path == "/metrics" else self._documents.page(path)
        if page is None:
            raise NotFound("the server could not find the requested resource")
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        return page()

    def handle_user_exception(self, error: Exception) -> Response:
        """Every error becomes a Status; one that nobody foresaw is logged with its traceback."""
        if isinstance(error, ApiError):
            return error_answer(error)
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        return error_answer(InternalError(f"Internal error occurred: {type(error).__name__}: see the server's log"))

    def _user(self) -> User:
        """Who asks, or whom he may act as. Raises Unauthorized, Forbidden, BadRequest."""
        user = self._authenticator.user(request.environ)
        return impersonated(user, request.environ, self._authorizer)

    def _resource(self, path: ResourcePath, user: User) -> Response:
        kind = self._resources.backend.kinds.by_path(path.group, path.version, path.plural)
        if kind is None or (path.namespace and not kind.namespaced):
            raise NotFound("the server could not find the requested resource")
        call = to_request(request.environ, kind, path)
        g.call = call
        if call.subresource == "log" and call.verb == "get":
            return self._log(call, user)
        if podstreams.is_stream(call):
            return self._upgrade(call, user)
        if call.subresource == PROXY and PROXY in kind.subresources:
            return self._proxy(call, path, user)
        if call.verb == "watch":
            return self._watch(call, user)
        form = wanted(request.environ.get("HTTP_ACCEPT", ""))
        return self._representation.answer(self._resources.handle(call, user), call, form)

    def _watch(self, call: ApiRequest, user: User) -> Response:
        form = wanted(request.environ.get("HTTP_ACCEPT", ""))
        session = self._resources.watch(call, user)
        return self._stream(watch_lines(session.batches(), self._representation.encoder(call, form)), session.close)

    def _log(self, call: ApiRequest, user: User) -> Response:
        self._resources.authorize(call, user)
        stream = podlogs.open_log(self._resources.backend, self._agents, call)
        return self._stream(iter(stream), stream.close, "text/plain")

    def _upgrade(self, call: ApiRequest, user: User) -> Response:
        """From the 101 on, the connection is the agent's and the client's."""
        self._resources.authorize(call, user)
        query = request.environ.get("QUERY_STRING", "")
        agent, headers = podstreams.open_stream(
            self._resources.backend, self._agents, call, request.method, query, request.headers
        )
        client = connection(request.environ).socket
        with ExitStack() as stack:
            stack.callback(agent.close)
            # Nothing more is read of a client that went, or is to go; what it sent before is still relayed.
            self._detach(stack, lambda: read_no_more(client))
            return upgrade_answer(lambda: relay(Link(client, patience=STALLED), agent), stack.pop_all(), headers)

    def _proxy(self, call: ApiRequest, path: ResourcePath, user: User) -> Response:
        try:
            return self._proxied(call, path, user)
        except ApiError:
            refuse_body(request.environ)
            raise

    def _proxied(self, call: ApiRequest, path: ResourcePath, user: User) -> Response:
        """Passed on, both ways, as it comes. Who asks for a program without a path is sent to its `/`."""
        # Few clusters ever proxy, and HTTP's other half is not small.
        from orchestrator.server.proxy.forward import Asked, Switched, forward

        self._resources.authorize(call, user)
        target = find_target(self._resources.backend, call)
        place = Place(*split_proxied(request.environ["REQUEST_URI"], path), request.environ["QUERY_STRING"])
        if not place.rest and request.method in ("GET", "HEAD") and not upgrade(request.headers):
            return moved_answer(place.with_slash)
        client = connection(request.environ)
        with ExitStack() as stack:
            stack.enter_context(client.detached())
            upstream = connect(self._agents, target)
            stack.callback(upstream.close)
            stack.enter_context(self.long_running.running(client.socket, upstream.read_no_more))
            g.long_running = True
            asked = Asked(request.method, place, list(request.headers), request.environ["REMOTE_ADDR"])
            answer = forward(asked, client, upstream, target.host)
            if isinstance(answer, Switched):
                return upgrade_answer(
                    lambda: relay(Link(client.socket, patience=STALLED), upstream), stack.pop_all(), answer.headers
                )
            return passed_answer(answer.code, answer.headers, answer.body, stack.pop_all())

    def _stream(self, pieces: Any, end: Callable[[], None], content_type: str = "application/json") -> Response:
        """Answer with what comes, until it ends, the client goes or the server stops."""
        with ExitStack() as stack:
            stack.callback(end)
            self._detach(stack, end)
            return stream_answer(pieces, stack.pop_all(), content_type)

    def _detach(self, stack: ExitStack, end: Callable[[], None]) -> None:
        """Until the stack is closed the request stays open, counted as such, and `end` makes it finish."""
        client = connection(request.environ)
        stack.enter_context(self.long_running.running(client.socket, end))
        stack.enter_context(client.detached())
        g.long_running = True

    def _health_page(self, path: str) -> Response:
        code, text = self._health.answer(path, verbose="verbose" in options(request.environ))
        return text_answer(text, code)

    def _metrics_page(self) -> Response:
        return text_answer(self._metrics.text(), content_type=CONTENT_TYPE)

    def _begin(self) -> None:
        g.started = self._clock.monotonic()

    def _finish(self, answer: Response) -> Response:
        """Count the answer, and log it when it is a failure of the server or slow."""
        call: ApiRequest | None = g.get("call")
        seconds = None if g.get("long_running") else self._clock.monotonic() - g.started
        if call is not None:
            verb = call.verb.upper()
            self._metrics.observe(verb, call.kind.resource, call.subresource, answer.status_code, seconds)
            if answer.status_code >= 500 or (seconds or 0) > _SLOW:
                log.warning("%s %s: %d in %.3f s", request.method, request.full_path, answer.status_code, seconds or 0)
        return answer
