"""One check of one container: an HTTP request, a gRPC call, a TCP connection or a command.

Blocks for at most the timeout.

Messages are those of Kubernetes' prober, as far as they name no Go internals.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from agent import timed
from agent.podspec import port_number
from agent.probes import Outcome, Probe
from agent.runtime.base import ExecResult, RuntimeFailure
from orchestrator.api.meta import Object

#: (command, timeout in seconds) -> result; raises TimeoutError, RuntimeFailure.
Exec = Callable[[list[str], float], ExecResult]

MAX_REDIRECTS = 10
#: Bytes of an answer or a command's output that are looked at.
MAX_OUTPUT = 10 * 1024
USER_AGENT = "kube-probe/1.33"


def check(probe: Probe, container: Object, ip: str, execute: Exec) -> Outcome:
    """`container` is the spec (for named ports), `ip` the pod's address."""
    handler = probe.handler
    try:
        if "exec" in handler:
            return _command(handler["exec"].get("command") or [], probe.timeout, execute)
        if "tcpSocket" in handler:
            target = handler["tcpSocket"]
            return _tcp(target.get("host") or ip, port_number(container, target["port"]), probe.timeout)
        if "httpGet" in handler:
            return _http(handler["httpGet"], container, ip, probe.timeout)
        if "grpc" in handler:
            return _grpc(handler["grpc"], ip, probe.timeout)
    except ValueError as error:
        return Outcome(False, str(error), errored=True)
    return Outcome(False, "missing probe handler: give it httpGet, tcpSocket, grpc or exec", errored=True)


def _command(command: list[str], timeout: float, execute: Exec) -> Outcome:
    try:
        result = execute(command, timeout)
    except TimeoutError:
        return Outcome(False, f"command {' '.join(command)!r} timed out after {timeout:g}s")
    except RuntimeFailure as error:
        return Outcome(False, f"command {' '.join(command)!r} could not be run: {error}", errored=True)
    return Outcome(result.exit_code == 0, result.output[:MAX_OUTPUT].decode(errors="replace"))


def _grpc(target: Object, ip: str, timeout: float) -> Outcome:
    # Few pods have such a probe.
    from agent import grpc_health

    return grpc_health.check(ip, int(target["port"]), target.get("service") or "", timeout, USER_AGENT)


def _tcp(host: str, port: int, timeout: float) -> Outcome:
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        return _unreachable(f"dial tcp {host}:{port}", error)
    return Outcome(True)


def _http(target: Object, container: Object, ip: str, timeout: float) -> Outcome:
    scheme = str(target.get("scheme") or "HTTP").lower()
    host, port = target.get("host") or ip, port_number(container, target["port"])
    url = urljoin(f"{scheme}://{host}:{port}/", str(target.get("path") or "/"))
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*"}
    headers |= {header["name"]: header["value"] for header in target.get("httpHeaders") or ()}
    try:
        return _get(url, headers, time.monotonic() + timeout)
    except (OSError, http.client.HTTPException) as error:
        return _unreachable(f'Get "{url}"', error)


def _get(url: str, headers: dict[str, str], deadline: float) -> Outcome:
    """What the answer after all redirects means; one to another host is not followed, and told of."""
    host = urlsplit(url).hostname
    for _ in range(MAX_REDIRECTS):
        code, location, body = _request(url, headers, deadline)
        if not (300 <= code < 400 and location):
            return Outcome(200 <= code < 400, f"HTTP probe failed with statuscode: {code}")
        url = urljoin(url, location)
        if urlsplit(url).hostname != host or urlsplit(url).scheme not in ("http", "https"):
            return Outcome(True, warning=f"Probe terminated redirects, Response body: {body}")
    raise http.client.HTTPException(f"stopped after {MAX_REDIRECTS} redirects")


def _request(url: str, headers: dict[str, str], deadline: float) -> tuple[int, str, str]:
    """(status, Location, the body's beginning)."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port)
    connection.sock = timed.connect(parts.hostname or "", connection.port, deadline, tls=parts.scheme == "https")
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read(MAX_OUTPUT).decode(errors="replace")
        return answer.status, answer.headers.get("Location", ""), body
    finally:
        connection.close()


def _unreachable(what: str, error: Exception) -> Outcome:
    if isinstance(error, TimeoutError):
        return Outcome(False, f"{what}: i/o timeout")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Outcome(False, f"{what}: {reason.lower()}", refused=isinstance(error, ConnectionRefusedError))
