"""port-forward: one thread passes bytes between a client and its connections to a pod's ports."""

from __future__ import annotations

import errno
import logging
import os

from agent.streams.carrier import ProtocolError
from agent.streams.pod_network import Network
from agent.streams.port_wire import Connect, Dropped, Ended, Event, PortWire, Received
from orchestrator.util.link import Link, linger, wait

log = logging.getLogger(__name__)

#: Address and port.
Target = tuple[str, int]
#: Bytes that connections which take no more may hold, together, before the client is not heard: its streams have no
#: windows (clients ignore SPDY's), so that this is all that lets the other connections go on meanwhile.
_HELD = 8 * 1024 * 1024


class PortForwardSession:
    """`run` serves one client; `network` is the pod's, `pod` its name for messages."""

    def __init__(self, client: Link, wire: PortWire, network: Network, pod: str) -> None:
        self._client, self._wire, self._network, self._pod = client, wire, network, pod
        self._links: dict[int, Link] = {}
        #: Where each connection goes.
        self._targets: dict[int, Target] = {}

    def run(self) -> None:
        """Returns when the client is done, or gone."""
        try:
            self._hear(b"")
            while self._is_on():
                # What it sends may have an answer, and that must not grow while it reads nothing.
                hearing = self._client.held + sum(link.held for link in self._links.values()) < _HELD
                telling = not self._client.full
                wait([(self._client, hearing), *((link, telling) for link in self._links.values())])
                if hearing:
                    self._hear(self._client.read())
                if telling:
                    self._tell()
        except ProtocolError as error:
            log.warning("a port-forward to pod %s ends: %s", self._pod, error)
            self._wire.fail(error)
            self._client.write(self._wire.outgoing())
        finally:
            for link in self._links.values():
                link.close()
            linger(self._client)

    def _is_on(self) -> bool:
        """Also tell the client what it is to know."""
        self._client.write(self._wire.outgoing())
        return not (self._client.ended or self._wire.closed)

    def _hear(self, data: bytes) -> None:
        for event in self._wire.receive(data):
            if isinstance(event, Connect):
                self._connect(event)
            elif event.id in self._links:
                self._pass_on(event, self._links[event.id])

    def _pass_on(self, event: Event, link: Link) -> None:
        if isinstance(event, Received):
            link.write(event.data)
        elif isinstance(event, Ended):
            link.finish()
        elif isinstance(event, Dropped):
            self._forget(event.id)

    def _connect(self, event: Connect) -> None:
        """Whether it succeeds shows when the connection is read from, if not at once."""
        sock, address = self._network.socket()
        sock.setblocking(False)
        target = (address, event.port)
        code = sock.connect_ex(target)
        if code in (0, errno.EINPROGRESS):
            self._links[event.id], self._targets[event.id] = Link(sock), target
        else:
            sock.close()
            self._wire.end(event.id, self._failure(target, os.strerror(code)))

    def _tell(self) -> None:
        for id, link in list(self._links.items()):
            if data := link.read():
                self._wire.send(id, data)
            if link.ended:
                error = link.error
                self._wire.end(id, self._failure(self._targets[id], error.strerror or str(error)) if error else "")
                self._forget(id)

    def _failure(self, target: Target, reason: str) -> str:
        address, port = target
        failed = f"error forwarding port {port} to pod {self._pod}"
        return f"{failed}: dial tcp {address}:{port}: connect: {reason.lower()}"

    def _forget(self, id: int) -> None:
        self._links.pop(id).close()
        del self._targets[id]
