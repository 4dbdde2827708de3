"""What a pod has sent and received, by its sandbox's network namespace: /proc/PID/net/dev (proc(5))."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LOOPBACK = "lo"
#: Columns of the line after the name, first of what was received, then of what was sent.
_RECEIVED, _SENT = 0, 8


@dataclass(frozen=True, slots=True)
class Traffic:
    """Cumulative."""

    bytes: int
    packets: int
    errors: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Interface:
    name: str
    received: Traffic
    sent: Traffic


def interfaces(pid: int, proc: Path = _PROC) -> list[Interface]:
    """Those that process `pid` sees, but for the loopback; none when it cannot be seen from here."""
    try:
        lines = (proc / str(pid) / "net" / "dev").read_text().splitlines()[2:]
    except OSError:
        return []
    found = (line.split(":", 1) for line in lines)
    return [_interface(name.strip(), columns) for name, columns in found if name.strip() != _LOOPBACK]


def _interface(name: str, columns: str) -> Interface:
    numbers = [int(number) for number in columns.split()]
    return Interface(name, Traffic(*numbers[_RECEIVED : _RECEIVED + 4]), Traffic(*numbers[_SENT : _SENT + 4]))
