"""One connection through the proxy, without its sockets (pure): events in, commands out.

The shell (`agent.proxy.tcp`) owns the sockets and moves the bytes. It reads nothing from the client before a backend
has accepted, so a refused connection can always be tried on another backend.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum

from agent.proxy.table import Backend


class Side(Enum):
    CLIENT = "client"
    BACKEND = "backend"

    # Members are singletons, and Enum's own hash is a Python function: too slow for every event.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection to `backend`."""

    backend: Backend


@dataclass(frozen=True, slots=True)
class Pump:
    """The backend has accepted: move bytes both ways."""


@dataclass(frozen=True, slots=True)
class Finish:
    """`side` gets no more bytes: close its direction, and go on with the other (half-close)."""

    side: Side


@dataclass(frozen=True, slots=True)
class Close:
    """Close both ends; with `reset` so that the peers see a failure rather than an orderly end."""

    reset: bool


Command = Connect | Pump | Finish | Close

PUMP = Pump()
FINISH = {Side.CLIENT: Finish(Side.BACKEND), Side.BACKEND: Finish(Side.CLIENT)}
END = Close(reset=False)
RESET = Close(reset=True)


class Relay:
    """The states: connecting, relaying, half-closed, closed. After a Close no event may follow.

    `choose` returns a backend that is not among the tried ones, or None.
    """

    __slots__ = ("_choose", "_ended", "_tried")

    def __init__(self, choose: Callable[[Collection[Backend]], Backend | None]) -> None:
        self._choose = choose
        self._tried: tuple[Backend, ...] = ()
        self._ended: Side | None = None

    @property
    def tried(self) -> tuple[Backend, ...]:
        """The backends that were tried, the current one last."""
        return self._tried

    def accepted(self) -> Connect | Close:
        """A client is there."""
        return self._next()

    def connect_failed(self) -> Connect | Close:
        """The backend refused, could not be reached or did not answer in time."""
        return self._next()

    def connected(self) -> Pump:
        return PUMP

    def ended(self, side: Side) -> Finish | Close:
        """`side` has sent its last byte, and the other side has all of them."""
        if self._ended is None:
            self._ended = side
            return FINISH[side]
        return END if self._ended is not side else RESET

    def failed(self) -> Close:
        """An end was reset or can no longer be reached."""
        return RESET

    def expired(self) -> Close:
        """The proxy stops, and the time given to connections is over."""
        return RESET

    def _next(self) -> Connect | Close:
        backend = self._choose(self._tried)
        if backend is None:
            return RESET
        self._tried = (*self._tried, backend)
        return Connect(backend)
