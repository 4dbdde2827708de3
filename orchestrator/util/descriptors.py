"""How many files and sockets a process may have open."""

from __future__ import annotations

import resource


def raise_limit() -> None:
    """To what the machine allows: the limit that a shell gives is meant for programs with `select`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
