"""Threads that never die in silence."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


def start(name: str, target: Callable[[], None]) -> threading.Thread:
    """Run `target` in a daemon thread; an exception that leaves it is logged with its traceback."""

    def run() -> None:
        try:
            target()
        except Exception:
            log.exception("thread %s ended by an error", name)
            raise

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
