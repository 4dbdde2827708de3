"""This process's terminal: raw while another machine's program is typed to, and its size."""

from __future__ import annotations

import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def raw(wanted: bool) -> Iterator[None]:
    """Every key goes to the reader as it is; afterwards the terminal is what it was."""
    if not wanted:
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin, termios.TCSANOW)  # keeping what has been typed ahead
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextmanager
def resizes(wanted: bool) -> Iterator[int | None]:
    """A descriptor that can be read when the terminal has got another size. For the main thread."""
    if not wanted:
        yield None
        return
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    # The handler only makes Python write the signal's number to the pipe.
    handler = signal.signal(signal.SIGWINCH, lambda *_: None)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGWINCH, handler)
        os.close(reader)
        os.close(writer)


def size() -> dict[str, int]:
    """As a `TerminalSize` of Kubernetes' remote command protocol."""
    lines, columns = termios.tcgetwinsize(sys.stdin)
    return {"Width": columns, "Height": lines}
