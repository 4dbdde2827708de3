"""Many watchers of one kind: how soon all have an event, and what each costs the server while nothing happens.

python -m tests.bench.watchers [--watchers N] [--events N]
"""

from __future__ import annotations

import argparse
import select
import socket
import ssl
import statistics
import tempfile
import time
from pathlib import Path

from orchestrator.api.groups.core import CONFIG_MAP
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.util import descriptors, pki
from orchestrator.util.settings import Settings
from tests.bench.server import resident, running

#: Seconds until a watcher that has not heard counts as one that never will.
PATIENCE = 10.0
WATCH = "GET /api/v1/configmaps?watch=1&resourceVersion={} HTTP/1.1\r\nHost: x\r\n\r\n"


class Watchers:
    """Connections in one epoll: what a client of its own each would cost must not be measured."""

    def __init__(self, settings: Settings, revision: str, count: int) -> None:
        identity = pki.identity(settings.pki, "admin")
        context = ssl.create_default_context(cafile=str(identity.ca))
        context.load_cert_chain(identity.certificate, identity.key)
        self._epoll = select.epoll()
        self._sockets: dict[int, ssl.SSLSocket] = {}
        for _ in range(count):
            plain = socket.create_connection((settings.api_host, settings.api_port))
            secure = context.wrap_socket(plain, server_hostname="127.0.0.1")
            secure.sendall(WATCH.format(revision).encode())
            if not secure.recv(1 << 16).startswith(b"HTTP/1.1 200"):
                raise SystemExit("a watch was refused")
            secure.setblocking(False)
            self._sockets[secure.fileno()] = secure
            self._epoll.register(secure, select.EPOLLIN)

    def heard(self, since: float) -> list[float]:
        """Seconds from `since` until each watcher had the next event."""
        waiting, found = set(self._sockets), []
        while waiting and time.monotonic() - since < PATIENCE:
            for descriptor, _ in self._epoll.poll(PATIENCE):
                if self._read(self._sockets[descriptor]) and descriptor in waiting:
                    waiting.remove(descriptor)
                    found.append(time.monotonic() - since)
        return found + [PATIENCE] * len(waiting)

    @staticmethod
    def _read(sock: ssl.SSLSocket) -> bool:
        """True when the end of an event was read."""
        ended = False
        try:
            while piece := sock.recv(1 << 16):
                ended = b"}\n" in piece
        except ssl.SSLWantReadError:
            pass  # that was all
        return ended


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--watchers", type=int, default=500)
    parser.add_argument("--events", type=int, default=20)
    arguments = parser.parse_args()
    descriptors.raise_limit()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "home") as (settings, pid, _):
        client = Client(HttpTransport(settings.server, pki.identity(settings.pki, "admin")))
        made = client.create(CONFIG_MAP, {"metadata": {"name": "c", "namespace": "default"}, "data": {"n": ""}})
        before = resident(pid)
        watchers = Watchers(settings, made["metadata"]["resourceVersion"], arguments.watchers)
        each = (resident(pid) - before) * 1024 / arguments.watchers
        print(f"{arguments.watchers} watchers, {each:.0f} KB each")
        delays: list[float] = []
        for number in range(arguments.events):
            begin = time.monotonic()
            client.patch(CONFIG_MAP, "c", {"data": {"n": str(number)}}, "default")
            delays += watchers.heard(begin)
        cuts = statistics.quantiles(delays, n=100)
        print(f"an event after {cuts[49] * 1000:.0f} ms (median), {cuts[98] * 1000:.0f} ms (p99), write included")


if __name__ == "__main__":
    main()
