"""The gRPC health check, against a server that speaks HTTP/2."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from agent.check import check
from agent.probes import Outcome, Probe
from agent.runtime.base import ExecResult
from tests.fakes.grpc_server import grpc_server
from tests.fakes.pods import container

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


def ask(port: int, service: str | None = None, timeout: float = 2.0) -> Outcome:
    def no_exec(command: list[str], timeout: float) -> ExecResult:
        raise AssertionError("no command was asked for")

    handler = {"grpc": {"port": port, **({} if service is None else {"service": service})}}
    return check(Probe("readiness", handler, timeout=timeout), container(), "127.0.0.1", no_exec)


def test_a_server_that_serves() -> None:
    with grpc_server(SERVING) as server:
        assert ask(server.port).ok
        assert server.calls == [("/grpc.health.v1.Health/Check", b"\0\0\0\0\0")]


def test_a_service_is_asked_for_by_its_name() -> None:
    with grpc_server(SERVING) as server:
        assert ask(server.port, "s" * 200).ok
        ((_, message),) = server.calls
    assert message == b"\0\0\0\0\xcb\x0a\xc8\x01" + b"s" * 200


@pytest.mark.parametrize(
    ("reply", "trailers", "message"),
    [
        (NOT_SERVING, {}, 'service unhealthy (responded with "NOT_SERVING")'),
        (b"", {}, 'service unhealthy (responded with "UNKNOWN")'),
        (b"\xff" * 9, {}, 'service unhealthy (responded with "UNKNOWN")'),
        (
            b"",
            {"grpc_status": "12", "grpc_message": "unknown%20service"},
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service",
        ),
        (
            b"",
            {"grpc_status": "5", "grpc_message": "no such service"},
            "error: health rpc probe failed: rpc error: code = NotFound desc = no such service",
        ),
    ],
)
def test_one_that_does_not(reply: bytes, trailers: dict[str, str], message: str) -> None:
    with grpc_server(reply, **trailers) as server:
        assert ask(server.port) == Outcome(False, message)


def test_one_that_never_answers() -> None:
    with grpc_server(None) as server:
        begun = time.monotonic()
        assert ask(server.port, timeout=0.1).message == "timeout: health rpc did not complete within 0.1s"
        assert time.monotonic() - begun < 1


def test_one_that_speaks_no_http2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=talk, daemon=True).start()
        outcome = ask(listener.getsockname()[1])
    assert not outcome.ok
    assert outcome.message.startswith("error: health rpc probe failed: ")


def test_nobody_listens_yet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = ask(port)
    assert outcome.refused
    assert outcome.message == f'error: failed to connect service at "127.0.0.1:{port}": Connection refused'
