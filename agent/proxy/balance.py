"""Which backend a connection gets (pure: the time and the randomness are arguments)."""

from __future__ import annotations

import hashlib
import random
from collections import OrderedDict
from collections.abc import Collection

from agent.proxy.table import Backend, Route


class Balancer:
    """One frontend's choices: round robin, or the client's own backend where the Service asks for affinity."""

    __slots__ = ("_order", "_random", "_sticky", "route")

    def __init__(self, route: Route, random: random.Random) -> None:
        self.route = route
        self._random = random
        #: The next backend first.
        self._order: list[Backend] = []
        #: client -> (backend, when it is forgotten), the first to be forgotten first.
        self._sticky: OrderedDict[str, tuple[Backend, float]] = OrderedDict()
        self.update(route)

    def update(self, route: Route) -> None:
        """Go on with `route`. Backends that stay keep their turn; new ones get theirs after them.

        New ones come in random order: several proxies that share a frontend then do not all begin with the same.
        """
        self.route = route
        stay = set(route.backends)
        new = list(stay.difference(self._order))
        self._random.shuffle(new)
        self._order = [backend for backend in self._order if backend in stay] + new
        for client in [client for client, (backend, _) in self._sticky.items() if backend not in stay]:
            del self._sticky[client]

    def choose(self, client: str, tried: Collection[Backend], now: float) -> Backend | None:
        """The backend for a connection from address `client` that has failed with the `tried` ones.

        None when there is none left. `now` is monotonic, in seconds.
        """
        if self.route.affinity:
            return self._choose_sticky(client, tried, now)
        order = self._order
        for index, backend in enumerate(order):
            if backend not in tried:
                order.append(order.pop(index))
                return backend
        return None

    def _choose_sticky(self, client: str, tried: Collection[Backend], now: float) -> Backend | None:
        self._forget(now)
        backend, _ = self._sticky.get(client, (None, 0.0))
        if backend is None or backend in tried:
            untried = [other for other in self._order if other not in tried]
            # The kernel spreads one client's connections over all proxies that share the frontend. They agree
            # without a word because each prefers the same backend: the highest hash (rendezvous hashing).
            backend = max(untried, key=lambda other: _rank(client, other), default=None)
        if backend is not None:
            self._sticky[client] = (backend, now + self.route.affinity)
            self._sticky.move_to_end(client)
        return backend

    def _forget(self, now: float) -> None:
        while self._sticky:
            client = next(iter(self._sticky))
            if self._sticky[client][1] > now:
                return
            del self._sticky[client]


def _rank(client: str, backend: Backend) -> bytes:
    return hashlib.blake2b(f"{client} {backend}".encode(), digest_size=8).digest()
