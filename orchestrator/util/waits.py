"""Telling whoever lends a thread that it is about to wait, so that its place can be given to another meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Wait = Callable[[], AbstractContextManager[None]]

_thread = threading.local()


def tell(wait: Wait) -> None:
    """From now on `wait()` is entered whenever the calling thread waits for something that is soon over."""
    _thread.wait = wait


def waiting() -> AbstractContextManager[None]:
    """The body mostly waits: for the disk, or for others who do."""
    wait: Wait = getattr(_thread, "wait", nullcontext)
    return wait()
