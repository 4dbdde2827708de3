"""A kubectl that somebody types into."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.harness import RealCluster


class Terminal:
    """A kubectl in a terminal of 33 lines of 99 characters."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process, self._screen, self._seen = process, screen, ""

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def resize(self, lines: int, columns: int) -> None:
        """The terminal tells who runs in it, by a signal."""
        termios.tcsetwinsize(self._screen, (lines, columns))

    def expect(self, pattern: str, seconds: float = 20.0) -> None:
        """Read until the pattern has appeared."""
        while (found := re.search(pattern, self._seen)) is None:
            readable, _, _ = select.select([self._screen], [], [], seconds)
            assert readable, f"no {pattern!r} in {self._seen!r}"
            self._seen += os.read(self._screen, 1 << 16).decode()
        self._seen = self._seen[found.end() :]


@contextmanager
def terminal(user: RealCluster, *arguments: str) -> Iterator[Terminal]:
    screen, inside = pty.openpty()
    termios.tcsetwinsize(inside, (33, 99))
    process = subprocess.Popen(
        [str(user.kubectl_binary), *arguments],
        env=user.environment,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
        # The terminal is the one that sends this session its signals.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(inside)
    killer = threading.Timer(60, process.kill)
    killer.start()
    try:
        yield Terminal(process, screen)
    finally:
        killer.cancel()
        process.kill()
        process.wait()
        os.close(screen)
