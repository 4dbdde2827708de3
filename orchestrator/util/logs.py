"""One log format for every process: time, level, component, message. A line names the object's key."""

from __future__ import annotations

import logging
import sys


def setup(level: str = "INFO") -> None:
    """Log to standard error; `podlab up` points it at `logs/COMPONENT.log`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(levelname).1s %(name)s: %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("apscheduler", "urllib3", "werkzeug", "docker"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
