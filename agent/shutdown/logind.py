"""The machine's shutdown, held up: an inhibitor lock of systemd-logind, by D-Bus (org.freedesktop.login1(5)).

logind tells of a shutdown by the signal PrepareForShutdown, and waits until the lock is let go, or for as long as its
InhibitDelayMaxSec says.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.shutdown.manager import NodeShutdown
from orchestrator.client.backoff import Backoff
from orchestrator.util import threads
from orchestrator.util.clock import Clock

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection

log = logging.getLogger(__name__)

_NAME, _PATH, _MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"
_BUS = "unix:path=/run/dbus/system_bus_socket"
FIRST_RETRY, LONGEST_RETRY = 1.0, 60.0
#: Seconds between looks whether this is to end.
_TURN = 60.0


class LogindError(Exception):
    """logind does not do as asked."""


def bus_address() -> str | None:
    """Where the system's bus is, None on a machine that has none."""
    address = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", _BUS)
    there = not address.startswith("unix:path=") or Path(address.removeprefix("unix:path=")).exists()
    return address if there else None


def shutdown_inhibitor(shutdown: NodeShutdown, wanted: float, clock: Clock) -> ShutdownInhibitor | None:
    """None where pods get no time, or where it cannot be had. `wanted` in seconds."""
    if not wanted:
        return None
    address = bus_address()
    if address is None:
        log.warning("shutdown_grace_period has no effect: there is no systemd-logind on this machine")
        return None
    return ShutdownInhibitor(address, wanted, shutdown.begin, shutdown.cancel, clock)


class ShutdownInhibitor:
    """`begin(seconds)` is called when the machine is about to go down and waits that long at most: it goes on when the
    call returns. `cancel` is called when it does not go down after all. `wanted` in seconds is how long it should
    wait."""

    def __init__(
        self, address: str, wanted: float, begin: Callable[[float], None], cancel: Callable[[], None], clock: Clock
    ) -> None:
        self._address, self._wanted = address, wanted
        self._begin, self._cancel, self._clock = begin, cancel, clock
        self._stopping = threading.Event()

    def start(self) -> None:
        threads.start("shutdown-inhibitor", self._run)

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        backoff = Backoff(FIRST_RETRY, LONGEST_RETRY)
        while not self._stopping.is_set():
            try:
                self._follow(backoff)
            except (OSError, LogindError) as error:
                pause = backoff.next()
                log.warning("a shutdown cannot be held up, will try again in %.0f s: %s", pause, error)
                self._clock.wait(self._stopping, pause)

    def _follow(self, backoff: Backoff) -> None:
        """Until the connection breaks. Raises OSError, LogindError."""
        from jeepney import MatchRule, message_bus
        from jeepney.io.blocking import open_dbus_connection

        with closing(open_dbus_connection(self._address, enable_fds=True)) as bus:
            rule = MatchRule(type="signal", interface=_MANAGER, member="PrepareForShutdown", path=_PATH)
            _ask(bus, message_bus.AddMatch(rule))
            granted = self._granted(bus)
            lock = _inhibit(bus)
            backoff.reset()
            with bus.filter(rule) as signals:
                while not self._stopping.is_set():
                    try:
                        signal = bus.recv_until_filtered(signals, timeout=_TURN)
                    except TimeoutError:
                        continue
                    if signal.body[0]:
                        self._begin(granted)
                        lock.close()
                    else:
                        self._cancel()
                        lock = _inhibit(bus)

    def _granted(self, bus: DBusConnection) -> float:
        from jeepney import DBusAddress, Properties

        found = _ask(bus, Properties(DBusAddress(_PATH, _NAME, _MANAGER)).get("InhibitDelayMaxUSec"))
        granted = float(found[0][1]) / 1e6
        if granted < self._wanted:
            log.warning(
                "logind waits for %g s at most, and not for %g s: raise InhibitDelayMaxSec in /etc/systemd/logind.conf",
                granted,
                self._wanted,
            )
        return granted


def _inhibit(bus: DBusConnection) -> Any:
    """The lock: to close it is to let it go."""
    from jeepney import DBusAddress, new_method_call

    reasons = ("shutdown", "podlab", "pods need time to end", "delay")
    return _ask(bus, new_method_call(DBusAddress(_PATH, _NAME, _MANAGER), "Inhibit", "ssss", reasons))[0]


def _ask(bus: DBusConnection, message: Any) -> Any:
    """The answer's body. Raises LogindError, OSError."""
    from jeepney import MessageType

    answer = bus.send_and_get_reply(message, timeout=10)
    if answer.header.message_type == MessageType.error:
        raise LogindError(str(answer.body[0] if answer.body else "refused"))
    return answer.body
