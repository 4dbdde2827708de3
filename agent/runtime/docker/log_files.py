"""The files that the engine's json-file driver writes a container's output to: `PATH`, and rotated `PATH.1` ..."""

from __future__ import annotations

from pathlib import Path


def log_size(path: str) -> int:
    """Bytes in all of them; 0 where there are none, or where we may not look (only root may)."""
    if not path:
        return 0
    file = Path(path)
    try:
        return sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*"))
    except OSError:
        return 0
