"""port-forward: one thread passes bytes between a client and its connections to a pod's ports."""

from __future__ import annotations

import errno
import logging
import os
import socket

from agent.streams.carrier import ProtocolError
from agent.streams.port_wire import Connect, Dropped, Ended, Event, PortWire, Received
from orchestrator.util.link import Link, linger, wait

log = logging.getLogger(__name__)


class PortForwardSession:
    """`run` serves one client; `address` is the pod's, `pod` its name for messages."""

    def __init__(self, client: Link, wire: PortWire, address: str, pod: str) -> None:
        self._client, self._wire, self._address, self._pod = client, wire, address, pod
        self._links: dict[int, Link] = {}
        self._ports: dict[int, int] = {}

    def run(self) -> None:
        """Returns when the client is done, or gone."""
        try:
            self._hear(b"")
            while self._is_on():
                # Streams have no windows of their own: the client is not heard while one connection takes no more.
                hearing = not any(link.full for link in self._links.values())
                telling = not self._client.full
                wait([(self._client, hearing), *((link, telling) for link in self._links.values())])
                if hearing:
                    self._hear(self._client.read())
                if telling:
                    self._tell()
        except ProtocolError as error:
            log.warning("a port-forward to pod %s ends: %s", self._pod, error)
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
        sock = socket.socket()
        sock.setblocking(False)
        code = sock.connect_ex((self._address, event.port))
        if code in (0, errno.EINPROGRESS):
            self._links[event.id], self._ports[event.id] = Link(sock), event.port
        else:
            sock.close()
            self._wire.end(event.id, self._failure(event.port, os.strerror(code)))

    def _tell(self) -> None:
        for id, link in list(self._links.items()):
            if data := link.read():
                self._wire.send(id, data)
            if link.ended:
                error = link.error
                self._wire.end(id, self._failure(self._ports[id], error.strerror or str(error)) if error else "")
                self._forget(id)

    def _failure(self, port: int, reason: str) -> str:
        where = f"{self._address}:{port}"
        return f"error forwarding port {port} to pod {self._pod}: dial tcp {where}: connect: {reason.lower()}"

    def _forget(self, id: int) -> None:
        self._links.pop(id).close()
        del self._ports[id]
