"""The proxy: makes the listeners follow the routing table."""

from __future__ import annotations

import errno
import logging
import random
from collections.abc import Callable, Mapping

from agent.proxy.balance import Balancer
from agent.proxy.listen import TcpListener
from agent.proxy.loop import Loop, Timer
from agent.proxy.table import Frontend, Route, Table, diff
from agent.proxy.tcp import Connections
from agent.proxy.udp import UdpListener

log = logging.getLogger(__name__)

#: Seconds between attempts to bind an address that could not be bound.
RETRY = 10.0

#: Tells somebody that the frontend of a route cannot be served, and what to do.
Report = Callable[[Route, str], None]


class Proxy:
    """Everything runs in the loop's thread."""

    def __init__(self, loop: Loop, report: Report, *, retry: float = RETRY) -> None:
        self.connections = Connections(loop)
        self._loop = loop
        self._report = report
        self._retry_seconds = retry
        self._random = random.Random()
        self._table: Table = {}
        self._listeners: dict[Frontend, TcpListener | UdpListener] = {}
        #: Could not be bound; the timer runs while there are any.
        self._failed: set[Frontend] = set()
        self._retry_timer: Timer | None = None

    @property
    def listening(self) -> Mapping[Frontend, tuple[str, int]]:
        """The frontends that are served, and the addresses they are bound to."""
        return {frontend: listener.address for frontend, listener in self._listeners.items()}

    def apply(self, table: Table) -> None:
        """Serve `table` from now on. Connections that are open stay open."""
        change = diff(self._table, table)
        self._table = table
        for frontend in change.closed:
            self._close(frontend)
        for frontend, route in change.changed.items():
            self._update(frontend, route)
        for frontend in change.opened:
            self._open(frontend)
        if change.gone:
            self.connections.probe(change.gone)
        self._schedule_retry()

    def stop(self, grace: float) -> None:
        """Accept no more, let connections end for `grace` seconds, then stop the loop."""
        for frontend in list(self._listeners):
            self._close(frontend)
        self._table = {}
        self._failed.clear()
        if not len(self.connections):
            self._loop.stop()
            return
        log.info("waiting up to %s s for %d connections to end", grace, len(self.connections))
        self.connections.on_idle = self._loop.stop
        self._loop.call_later(grace, self.connections.expire)

    def _open(self, frontend: Frontend) -> None:
        route = self._table[frontend]
        try:
            self._listeners[frontend] = self._listen(frontend, route)
        except OSError as error:
            if frontend not in self._failed:
                self._failed.add(frontend)
                message = explain(frontend, error, self._retry_seconds)
                log.warning("service %s: %s", route.service, message)
                self._report(route, message)
            return
        if frontend in self._failed:
            self._failed.discard(frontend)
            log.info("service %s: %s is served now", route.service, frontend)

    def _listen(self, frontend: Frontend, route: Route) -> TcpListener | UdpListener:
        balancer = Balancer(route, self._random)
        if frontend.protocol == "TCP":
            return TcpListener(self._loop, frontend, balancer, self.connections)
        return UdpListener(self._loop, frontend, balancer)

    def _update(self, frontend: Frontend, route: Route) -> None:
        listener = self._listeners.get(frontend)
        if listener is None:
            return
        listener.balancer.update(route)
        if isinstance(listener, UdpListener):
            listener.drop(route.backends.__contains__)

    def _close(self, frontend: Frontend) -> None:
        self._failed.discard(frontend)
        listener = self._listeners.pop(frontend, None)
        if listener is not None:
            listener.close()

    def _schedule_retry(self) -> None:
        if self._failed and self._retry_timer is None:
            self._retry_timer = self._loop.call_later(self._retry_seconds, self._retry)

    def _retry(self) -> None:
        self._retry_timer = None
        for frontend in sorted(self._failed):
            self._open(frontend)
        self._schedule_retry()


def explain(frontend: Frontend, error: OSError, retry: float) -> str:
    """What went wrong with binding `frontend`, and what to do."""
    if error.errno == errno.EADDRINUSE:
        reason = "another program on the node has the port: stop it, or give the Service another port"
    elif error.errno in (errno.EACCES, errno.EPERM):
        reason = (
            f"the proxy may not use port {frontend.port}: run podlab as root or with CAP_NET_BIND_SERVICE, or use "
            "the Service's node port"
        )
    elif error.errno == errno.EADDRNOTAVAIL:
        reason = "it is not an address of the node"
    else:
        reason = str(error)
    return f"{frontend} cannot be served: {reason}; trying again every {retry:g} s"
