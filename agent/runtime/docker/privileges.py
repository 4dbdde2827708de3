"""What the engine's process may do, as far as this machine lets us see it."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

_CAP_SYS_RESOURCE = 24
_UNIX = "unix://"
_PEER = struct.Struct("3i")


def may_lower_oom_score(url: str) -> bool:
    """Whether the engine at `url` may start containers with a negative OOM score: it needs CAP_SYS_RESOURCE.

    False when that cannot be seen (an engine elsewhere, or in another PID namespace): the score is a nicety, a
    container that does not start is none.
    """
    if not url.startswith(_UNIX):
        return False
    try:
        status = Path(f"/proc/{_peer(url.removeprefix(_UNIX))}/status").read_text()
    except OSError:
        return False
    return has_capability(status, _CAP_SYS_RESOURCE)


def _peer(path: str) -> int:
    """The process that listens on a Unix socket, 0 when it is not in our PID namespace. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    pid, _uid, _gid = _PEER.unpack(peer)
    return int(pid)


def has_capability(status: str, capability: int) -> bool:
    """Whether `/proc/PID/status` says that the process has the capability now."""
    mask = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    return bool(int(mask, 16) >> capability & 1)
