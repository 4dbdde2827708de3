"""An agent's HTTPS server, as far as proxying needs it; its pods' programs are this machine's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import flask

from agent.https import HttpsServer
from agent.server import _upgraded
from orchestrator.util.dialing import DialError, dial
from orchestrator.util.link import Link, relay
from orchestrator.util.pki import Identity


@contextmanager
def dial_agent(identity: Identity) -> Iterator[int]:
    """Its port."""
    app = flask.Flask("agent")

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    @app.get("/dial/http/<namespace>/<pod>/<int:port>")
    def dialled(namespace: str, pod: str, port: int) -> flask.Response:
        try:
            sock = dial("127.0.0.1", port)
        except DialError as error:
            return flask.Response(f'{{"message": "error trying to reach service: {error}"}}', 503)
        return _upgraded(
            lambda client: relay(Link(client), Link(sock)), [("Connection", "Upgrade"), ("Upgrade", "tcp")]
        )

    server = HttpsServer(app, identity, "127.0.0.1")
    server.start()
    try:
        yield server.port
    finally:
        server.stop()
