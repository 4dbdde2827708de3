"""The API over HTTP: requests of resources go to the endpoints, what the server says of itself are pages of Flask's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Request, request

from orchestrator.api.access import Access
from orchestrator.api.errors import MethodNotAllowed, NotFound
from orchestrator.api.request import User
from orchestrator.server.agents import Agents
from orchestrator.server.answers import Answer, text_answer
from orchestrator.server.authentication import Authenticator
from orchestrator.server.documents import Documents
from orchestrator.server.endpoints import Endpoints
from orchestrator.server.failures import failure_answer
from orchestrator.server.health import Health
from orchestrator.server.impersonation import impersonated
from orchestrator.server.incoming import Environ, options
from orchestrator.server.longrunning import LongRunning
from orchestrator.server.metrics import CONTENT_TYPE
from orchestrator.server.paths import parse
from orchestrator.server.resources import Resources
from orchestrator.util.clock import Clock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_HEALTH = frozenset({"healthz", "livez", "readyz"})


class ApiApp(Flask):
    """Finds what answers by the structure of the path, not by a route table."""

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
        self._authenticator = authenticator
        self._authorizer = resources.backend.security.authorizer
        self._health = health
        self._documents = documents
        self._endpoints = Endpoints(resources, self._who, agents, clock)

    @property
    def long_running(self) -> LongRunning:
        return self._endpoints.long_running

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if (path := parse(environ["PATH_INFO"])) is None:
            return super().wsgi_app(environ, start_response)
        return self._endpoints.respond(environ, path, start_response)

    def create_url_adapter(self, request: Request | None) -> None:
        """There is no table of URLs to match."""

    def dispatch_request(self) -> Answer:
        """A page."""
        path = request.environ["PATH_INFO"]
        if path.split("/", 2)[1] in _HEALTH:
            return self._health_page(path)
        verb = "get" if request.method == "HEAD" else request.method.lower()
        self._authorizer.require(self._who(request.environ), Access(verb, path=path))
        page = self._metrics_page if path == "/metrics" else self._documents.page(path)
        if page is None:
            raise NotFound("the server could not find the requested resource")
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        return page()

    def handle_user_exception(self, error: Exception) -> Answer:
        return failure_answer(error, request.environ)

    def _who(self, environ: Environ) -> User:
        """Who asks, or whom he may act as. Raises Unauthorized, Forbidden, BadRequest."""
        return impersonated(self._authenticator.user(environ), environ, self._authorizer)

    def _health_page(self, path: str) -> Answer:
        code, text = self._health.answer(path, verbose="verbose" in options(request.environ))
        return text_answer(text, code)

    def _metrics_page(self) -> Answer:
        return text_answer(self._endpoints.metrics.text(), content_type=CONTENT_TYPE)
