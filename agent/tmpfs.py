"""File systems in memory."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from agent import mounts

_MEMORY = (Path("/run"), Path("/dev/shm"))


def mount(folder: Path, size: int) -> bool:
    """Mount a tmpfs for every user on `folder`, unless one is there; `size` in bytes, 0 for half the memory.

    False when we may not.
    """
    if folder.is_mount():
        return True
    if not mounts.allowed():
        return False
    options = "mode=0777" + (f",size={size}" if size else "")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0


def memory_folder(root: Path) -> Path | None:
    """A folder for the secrets of the node whose folder is `root`, on a tmpfs that every Linux has.

    None where we may not.
    """
    if not mounts.allowed():
        return None
    for base in _MEMORY:
        folder = base / "podlab"
        # Everybody may write to /dev/shm: a folder that somebody else made there is not ours to trust.
        if (base, "tmpfs") in mounts.points() and (not folder.exists() or folder.stat().st_uid == 0):
            return folder / hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return None
