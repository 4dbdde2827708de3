"""The machine's own resolvers: where names outside the cluster are asked for."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from agent.proxy.table import is_ipv4

log = logging.getLogger(__name__)

#: glibc's MAXNS.
_MOST = 3


def nameservers(text: str, skip: Collection[str] = ()) -> tuple[str, ...]:
    """The IPv4 nameservers of a resolv.conf(5), without those in `skip`: asking ourselves would go round for ever."""
    words = (line.split() for line in text.splitlines())
    found = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver" and is_ipv4(line[1])]
    return tuple(dict.fromkeys(ip for ip in found if ip not in skip))[:_MOST]


class Resolvers:
    """The nameservers of `file`, read again when it changes: laptops change networks."""

    def __init__(self, file: Path, skip: Collection[str] = ()) -> None:
        self._file = file
        self._skip = skip
        self._seen: tuple[int, int] | None = None
        self._servers: tuple[str, ...] = ()

    def current(self) -> tuple[str, ...]:
        try:
            state = self._file.stat()
            version = (state.st_mtime_ns, state.st_ino)
            if version != self._seen:
                self._servers = nameservers(self._file.read_text(errors="replace"), self._skip)
                self._seen = version
        except OSError as error:
            log.warning("%s cannot be read (%s): names outside the cluster are not found", self._file, error)
            self._servers = ()
        return self._servers
