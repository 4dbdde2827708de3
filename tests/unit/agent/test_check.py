"""Checks against real sockets on this machine."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.check import check
from agent.probes import Outcome, Probe
from agent.runtime.base import ExecResult, RuntimeFailure
from orchestrator.util import pki
from tests.fakes.pods import container


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        code, _, location = self.path.strip("/").partition("=")
        self.send_response(int(code or 200))
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Not to the tests' output."""


@pytest.fixture
def web() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def no_exec(command: list[str], timeout: float) -> ExecResult:
    raise AssertionError("no command was asked for")


def run(handler: dict[str, Any], execute: Any = no_exec, timeout: float = 1.0) -> Outcome:
    spec = container(ports=[{"name": "http", "containerPort": handler.pop("named", 1)}])
    return check(Probe("readiness", handler, timeout=timeout), spec, "127.0.0.1", execute)


@pytest.mark.parametrize(
    ("path", "ok"),
    [
        ("200", True),
        ("204", True),
        ("301", True),
        ("404", False),
        ("500", False),
        ("302=/200", True),
        ("302=/500", False),
    ],
)
def test_http(web: ThreadingHTTPServer, path: str, ok: bool) -> None:
    outcome = run({"httpGet": {"port": web.server_port, "path": f"/{path}"}})
    assert outcome.ok is ok
    assert ok or outcome.message.startswith("HTTP probe failed with statuscode: ")


def test_http_takes_named_ports_and_headers(web: ThreadingHTTPServer) -> None:
    get = {
        "port": "http",
        "path": "/200",
        "httpHeaders": [{"name": "Host", "value": "shop"}, {"name": "X-A", "value": "1"}],
    }
    assert run({"httpGet": get, "named": web.server_port}).ok
    (_, headers), *_ = web.seen  # type: ignore[attr-defined]
    assert (headers["Host"], headers["X-A"], headers["User-Agent"]) == ("shop", "1", "kube-probe/1.33")


def test_a_redirect_elsewhere_is_an_answer(web: ThreadingHTTPServer) -> None:
    outcome = run({"httpGet": {"port": web.server_port, "path": "/302=http://192.0.2.1/"}})
    assert (outcome.ok, outcome.warning) == (True, "Probe terminated redirects, Response body: ")


def test_a_server_that_trickles_gets_no_more_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                for letter in b"HTTP/1.1 200 OK\r\n" + b"x" * 1000:
                    connection.sendall(bytes([letter]))
                    time.sleep(0.02)

        threading.Thread(target=trickle, daemon=True).start()
        begun = time.monotonic()
        outcome = run({"httpGet": {"port": listener.getsockname()[1]}}, timeout=0.2)
    assert not outcome.ok
    assert time.monotonic() - begun < 1


def test_https_checks_no_certificate(web: ThreadingHTTPServer, tmp_path: Path) -> None:
    made = pki.ensure(tmp_path, "web", "somebody else", [], ["192.0.2.9"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    web.socket = context.wrap_socket(web.socket, server_side=True)
    assert run({"httpGet": {"port": web.server_port, "path": "/200", "scheme": "HTTPS"}}).ok
    assert not run({"httpGet": {"port": web.server_port, "path": "/200"}}).ok


def test_a_redirect_without_end_is_a_failure(web: ThreadingHTTPServer) -> None:
    outcome = run({"httpGet": {"port": web.server_port, "path": "/302=?again"}})
    assert not outcome.ok
    assert "redirects" in outcome.message


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("handler", ["httpGet", "tcpSocket"])
def test_nobody_listens(handler: str) -> None:
    outcome = run({handler: {"port": free_port()}})
    assert (outcome.ok, outcome.refused) == (False, True)
    assert "connection refused" in outcome.message


@pytest.mark.parametrize("handler", ["httpGet"])
def test_no_answer_in_time(handler: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = run({handler: {"port": silent.getsockname()[1]}}, timeout=0.05)
    assert (outcome.ok, outcome.refused) == (False, False)
    assert "i/o timeout" in outcome.message


def test_tcp(web: ThreadingHTTPServer) -> None:
    assert run({"tcpSocket": {"port": web.server_port}}).ok


@pytest.mark.parametrize(
    ("result", "ok", "message"),
    [
        (ExecResult(0, b"fine"), True, "fine"),
        (ExecResult(3, b"bad"), False, "bad"),
        (TimeoutError(), False, "command 'is it up' timed out after 1s"),
    ],
)
def test_commands(result: Any, ok: bool, message: str) -> None:
    def execute(command: list[str], timeout: float) -> ExecResult:
        assert command == ["is", "it", "up"]
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[no-any-return]

    assert run({"exec": {"command": ["is", "it", "up"]}}, execute) == Outcome(ok, message)


def test_a_command_that_the_engine_does_not_run_says_nothing() -> None:
    def refuse(command: list[str], timeout: float) -> ExecResult:
        raise RuntimeFailure("the engine is gone")

    outcome = run({"exec": {"command": ["up"]}}, refuse)
    assert outcome == Outcome(False, "command 'up' could not be run: the engine is gone", errored=True)


@pytest.mark.parametrize("handler", [{"httpGet": {"port": "nope"}}, {"nonsense": {}}])
def test_what_cannot_be_checked_says_nothing_but_why(handler: dict[str, Any]) -> None:
    outcome = run(handler)
    assert (outcome.ok, outcome.errored) == (False, True)
    assert outcome.message
