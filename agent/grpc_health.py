"""One call of `grpc.health.v1.Health/Check`, over HTTP/2 without TLS (`github.com/grpc/grpc/doc/health-checking.md`).

Imported when a pod has such a probe, as few have: the HTTP/2 library takes memory. Messages are the kubelet's
(`pkg/probe/grpc`).
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.exceptions import ProtocolError

from agent.probes import Outcome
from orchestrator.api.protobuf import wire

_PATH = "/grpc.health.v1.Health/Check"
#: HealthCheckResponse.ServingStatus.
_STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_SERVING = 1
#: Codes of `google.golang.org/grpc/codes`.
_CODES = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
    "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented",
    "Internal", "Unavailable", "DataLoss", "Unauthenticated",
)  # fmt: skip
_UNIMPLEMENTED = 12
_PIECE = 65536
#: Bytes of an answer that are kept; a status needs two.
_MOST = 1024


@dataclass(slots=True)
class _Answer:
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    ended: bool = False


def check(host: str, port: int, service: str, timeout: float, user_agent: str) -> Outcome:
    """Whether the service ("" for the whole server) says that it serves."""
    deadline, address = time.monotonic() + timeout, f"{host}:{port}"
    try:
        connection = socket.create_connection((host, port), timeout)
    except TimeoutError:
        return Outcome(False, f'timeout: failed to connect service "{address}" within {timeout:g}s')
    except OSError as error:
        why = f'error: failed to connect service at "{address}": {error.strerror or error}'
        return Outcome(False, why, refused=isinstance(error, ConnectionRefusedError))
    with connection:
        try:
            return _judge(_call(connection, address, service, deadline, user_agent))
        except TimeoutError:
            return Outcome(False, f"timeout: health rpc did not complete within {timeout:g}s")
        except (OSError, ProtocolError) as error:
            return Outcome(False, f"error: health rpc probe failed: {error}")


def _call(connection: socket.socket, address: str, service: str, deadline: float, user_agent: str) -> _Answer:
    http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    http.initiate_connection()
    stream = http.get_next_available_stream_id()
    http.send_headers(
        stream,
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", _PATH),
            (":authority", address),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", user_agent),
        ],
    )
    http.send_data(stream, _framed(_request(service)), end_stream=True)
    answer = _Answer()
    while not answer.ended:
        connection.sendall(http.data_to_send())
        for event in http.receive_data(_received(connection, deadline)):
            _take(http, answer, event)
    return answer


def _received(connection: socket.socket, deadline: float) -> bytes:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    data = connection.recv(_PIECE)
    if not data:
        raise ConnectionError("the server closed the connection")
    return data


def _take(http: H2Connection, answer: _Answer, event: Event) -> None:
    match event:
        case ResponseReceived() | TrailersReceived():
            answer.headers |= {str(name): str(value) for name, value in event.headers or ()}
        case DataReceived():
            answer.data = (answer.data + (event.data or b""))[:_MOST]
            http.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        case StreamEnded():
            answer.ended = True
        case StreamReset():
            raise ConnectionError(f"the server reset the stream: code {event.error_code}")


def _judge(answer: _Answer) -> Outcome:
    code = answer.headers.get("grpc-status", "")
    if not code.isdigit():
        status = answer.headers.get(":status", "none")
        return Outcome(False, f"error: health rpc probe failed: no gRPC answer, HTTP status {status}")
    message = unquote(answer.headers.get("grpc-message", ""))
    if int(code) == _UNIMPLEMENTED:
        what = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        return Outcome(False, f"error: {what}: {message}")
    if int(code):
        name = _CODES[int(code)] if int(code) < len(_CODES) else f"Code({code})"
        return Outcome(False, f"error: health rpc probe failed: rpc error: code = {name} desc = {message}")
    serving = _serving_status(answer.data)
    return Outcome(serving == _SERVING, f'service unhealthy (responded with "{_STATUSES.get(serving, serving)}")')


def _framed(message: bytes) -> bytes:
    """A gRPC message: not compressed, its length in four bytes."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def _request(service: str) -> bytes:
    """A HealthCheckRequest: field 1 is the service's name."""
    return wire.field(1, service) if service else b""


def _serving_status(data: bytes) -> int:
    """Field 1 of the HealthCheckResponse in the frame; 0 (UNKNOWN) where it is left out or cannot be read."""
    try:
        for number, _, value in wire.fields(memoryview(data)[5:]):
            if number == 1 and isinstance(value, int):
                return value
    except ValueError:
        return 0
    return 0
