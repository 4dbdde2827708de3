"""`podlab port-forward`: ports of this machine that lead into a pod."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from orchestrator.api import meta
from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.meta import Object
from orchestrator.api.request import Request, path
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import choice, flags
from orchestrator.cli.verbs.forwarded_ports import Forwarded, parse, to_pod
from orchestrator.cli.verbs.session import Session, connect
from orchestrator.client.websocket import WebSocket, open_websocket
from orchestrator.util import threads
from orchestrator.util.link import LINGER, Link, linger, wait

_PROTOCOL = "v4.channel.k8s.io"
#: Channels of the one port of a connection, and the bytes that come first on each: the port's number.
_DATA, _ERROR = 0, 1
_PREAMBLE = 2


@click.command("port-forward")
@click.argument("what", metavar="POD|TYPE/NAME")
@click.argument("ports", nargs=-1, required=True, metavar="[LOCAL:]REMOTE...")
@flags.namespace
@click.option("--address", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.pass_obj
def port_forward(home: Path, what: str, ports: tuple[str, ...], namespace: str, address: str) -> None:
    """Listen on ports of this machine, and carry their connections into a pod.

    LOCAL is the same as REMOTE when it is left out, and any free port when it is empty (:80).

    \b
    podlab port-forward svc/web 8080:80
    """
    session = connect(home)
    target = choice.target(session, what, namespace)
    obj = session.objects(target)[0]
    pod = choice.pods(session, target, obj)[0]
    if meta.status(pod).get("phase") != "Running":
        raise Failure(f"pod {meta.name(pod)} is not running but {meta.status(pod).get('phase')}")
    service = obj if target.kind.resource == "services" else None
    wanted = [to_pod(parse(text), service, pod) for text in ports]
    ended = threading.Event()
    lost: list[str] = []

    def over(reason: str) -> None:
        lost.append(reason)
        ended.set()

    with ExitStack() as listeners:
        for forwarded in wanted:
            listener = listeners.enter_context(_listen(address, forwarded))
            tunnels = _Tunnels(session, pod, forwarded.remote, over)
            threads.start("port-forward", partial(_accept, listener, tunnels))
        ended.wait()
    raise Failure(f"lost connection to pod: {lost[0]}")


def _listen(address: str, forwarded: Forwarded) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, forwarded.local), family=family, backlog=128)
    except OSError as error:
        raise Failure(f"{address}:{forwarded.local} cannot be listened on ({error.strerror})") from None
    click.echo(f"Forwarding from {address}:{listener.getsockname()[1]} -> {forwarded.remote}")
    return listener


def _accept(listener: socket.socket, tunnels: _Tunnels) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # closed: the command is over
        threads.start("port-forward-connection", partial(tunnels.carry, connection))


class _Tunnels:
    """Connections into a pod, each over a WebSocket of its own."""

    def __init__(self, session: Session, pod: Object, remote: int, over: Callable[[str], None]) -> None:
        """`over` is told why, when the pod is gone."""
        self._session, self._pod, self._remote, self._over = session, pod, remote, over
        pods = session.kind("pods")
        self._url = path(Request("get", pods, meta.namespace(pod), meta.name(pod), "portforward"))

    def carry(self, connection: socket.socket) -> None:
        """One connection, to its end."""
        with connection:
            click.echo(f"Handling connection for {connection.getsockname()[1]}")
            try:
                tunnel = self._open()
            except NotFound as error:
                self._over(error.message)
                return
            except ApiError as error:
                Failure(error.message).show()
                return
            try:
                if problem := relay(Link(connection), tunnel):
                    Failure(f"error forwarding port {self._remote} to pod {meta.name(self._pod)}: {problem}").show()
            finally:
                tunnel.close()

    def _open(self) -> WebSocket:
        session, query = self._session, [("ports", str(self._remote))]
        return open_websocket(session.settings.server, session.identity, self._url, query, _PROTOCOL)


def relay(local: Link, tunnel: WebSocket, patience: float = LINGER) -> str:
    """Pass bytes on until the pod's end is over; what went wrong there, or "".

    The protocol has no way to tell the pod that only this end is: the pod is then heard out, until it has been silent
    for `patience` seconds.
    """
    arrived, deadline = _Arrived(), time.monotonic() + patience
    while not (tunnel.closed or local.error):
        silent = True
        for message in tunnel.receive():
            local.write(arrived.data(message))
            silent = False
        if not tunnel.link.full and (data := local.read()):
            tunnel.send(bytes([_DATA]) + data)
        if not (local.ended and silent):
            deadline = time.monotonic() + patience
        elif time.monotonic() >= deadline:
            break
        if not tunnel.closed:
            left = deadline - time.monotonic() if local.ended else None
            wait([(tunnel.link, not local.full), (local, not tunnel.link.full)], left)
    linger(local, patience)
    return arrived.problem.decode(errors="replace")


class _Arrived:
    """What the pod's end has sent, without the port's number that comes first on each channel."""

    def __init__(self) -> None:
        self.problem = bytearray()
        self._skipped = {_DATA: 0, _ERROR: 0}

    def data(self, message: bytes) -> bytes:
        """What the message brings for the connection; an error is kept."""
        channel, content = message[0], message[1:]
        rest = content[_PREAMBLE - self._skipped[channel] :]
        self._skipped[channel] = min(_PREAMBLE, self._skipped[channel] + len(content))
        if channel == _DATA:
            return rest
        self.problem += rest
        return b""
