"""From a request for exec, attach or port-forward to what is then done on its connection."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from agent.kubelet import Kubelet
from agent.node_facts import primary_address
from agent.observed import is_running
from agent.pod_worker import PodWorker
from agent.podspec import all_containers, find_by_name
from agent.runtime.base import ContainerState, Process, Runtime
from orchestrator.api.errors import BadRequest, InternalError, NotFound, ServiceUnavailable
from orchestrator.api.meta import spec
from orchestrator.util.clock import Clock
from orchestrator.util.dialing import DialError, dial
from orchestrator.util.link import STALLED, Link, relay

if TYPE_CHECKING:
    from agent.streams.command_wire import CommandWire
    from agent.streams.negotiation import Agreed

#: Takes over the client's socket, and returns when all is said.
Talk = Callable[[socket.socket], None]
Headers = list[tuple[str, str]]
Query = Mapping[str, Sequence[str]]

#: Who attaches to a container in its first seconds started it (`kubectl run -it`), and sees its output from the start.
_YOUNG = 3.0
#: What a connection is upgraded to that is to be a pod's own.
TCP = "tcp"


class Streams:
    """Each method gives what to do after the upgrade, and the headers of the 101. They raise ApiError.

    What they need is loaded with the first request: most agents never get one.
    """

    def __init__(self, kubelet: Kubelet, runtime: Runtime, clock: Clock) -> None:
        self._kubelet, self._runtime, self._clock = kubelet, runtime, clock

    def exec(
        self, namespace: str, pod: str, container: str, asked: Mapping[str, str], query: Query
    ) -> tuple[Talk, Headers]:
        from agent.streams.negotiation import command_options, command_wire

        options = command_options(query)
        if not options.command:
            raise BadRequest("you must specify a command")
        id = self._running(namespace, pod, container).id
        agreed = command_wire(asked, options)
        return _command(
            agreed, lambda: self._runtime.exec_stream(id, options.command, stdin=options.stdin, tty=options.tty)
        )

    def attach(
        self, namespace: str, pod: str, container: str, asked: Mapping[str, str], query: Query
    ) -> tuple[Talk, Headers]:
        from agent.streams.negotiation import command_options, command_wire

        options = command_options(query)
        running = self._running(namespace, pod, container)
        made_with = find_by_name(all_containers(self._worker(namespace, pod).pod), container) or {}
        tty = bool(made_with.get("tty"))
        replay = self._clock.now() - running.started_at < _YOUNG
        agreed = command_wire(asked, options)
        return _command(agreed, lambda: self._runtime.attach(running.id, stdin=options.stdin, tty=tty, replay=replay))

    def port_forward(self, namespace: str, pod: str, asked: Mapping[str, str], query: Query) -> tuple[Talk, Headers]:
        from agent.streams.negotiation import port_wire
        from agent.streams.pod_network import LOCALHOST, Network
        from agent.streams.port_forward import PortForwardSession

        worker = self._worker(namespace, pod)
        sandbox = _sandbox(worker, pod)
        network = Network(LOCALHOST) if _on_host(worker) else Network(sandbox.ip, sandbox.pid)
        agreed = port_wire(asked, query)
        return lambda sock: PortForwardSession(_client(sock), agreed.wire, network, pod).run(), agreed.headers

    def dial(self, scheme: str, namespace: str, pod: str, port: int, asked: Mapping[str, str]) -> tuple[Talk, Headers]:
        """A connection to a port of the pod, as it is; with `https`, its TLS is spoken here."""
        if asked.get("upgrade") != TCP:
            raise BadRequest(f"Upgrade request required: to {TCP}")
        worker = self._worker(namespace, pod)
        address = primary_address() if _on_host(worker) else _sandbox(worker, pod).ip
        try:
            sock = dial(address, port, tls=scheme == "https")
        except DialError as error:
            raise ServiceUnavailable(f"error trying to reach service: {error}") from None
        return lambda client: _relay(client, sock), [("Connection", "Upgrade"), ("Upgrade", TCP)]

    def _worker(self, namespace: str, pod: str) -> PodWorker:
        worker = self._kubelet.worker(namespace, pod)
        if worker is None:
            raise NotFound(f'pod "{pod}" not found on this node')
        return worker

    def _running(self, namespace: str, pod: str, container: str) -> ContainerState:
        """The container's instance that runs."""
        newest = self._worker(namespace, pod).observed().newest(container)
        if newest is None or not is_running(newest):
            raise InternalError(f'container not found ("{container}")')
        return newest


def _sandbox(worker: PodWorker, pod: str) -> ContainerState:
    """The pod's, which has its network."""
    sandbox = worker.observed().sandbox
    if sandbox is None or not is_running(sandbox):
        raise InternalError(f'pod "{pod}" does not run: it has no ports')
    return sandbox


def _on_host(worker: PodWorker) -> bool:
    return bool(spec(worker.pod).get("hostNetwork"))


def _relay(client: socket.socket, pod: socket.socket) -> None:
    with pod:
        relay(_client(client), Link(pod))


def _command(agreed: Agreed[CommandWire], begin: Callable[[], Process]) -> tuple[Talk, Headers]:
    from agent.streams.command import CommandSession

    return lambda sock: CommandSession(_client(sock), agreed.wire, begin).run(), agreed.headers


def _client(sock: socket.socket) -> Link:
    return Link(sock, patience=STALLED)
