"""File systems in memory. Only root may mount one, and only where the engine sees it: not from within a container."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from agent.runtime.inside import own_container

_MOUNTINFO = Path("/proc/self/mountinfo")
_MEMORY = (Path("/run"), Path("/dev/shm"))


def mount(folder: Path, size: int) -> bool:
    """Mount a tmpfs for every user on `folder`, unless one is there; `size` in bytes, 0 for half the memory.

    False when we may not.
    """
    if folder.is_mount():
        return True
    if not _may_mount():
        return False
    options = "mode=0777" + (f",size={size}" if size else "")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0


def unmount(folder: Path) -> None:
    """Raises OSError."""
    done = subprocess.run(["umount", str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise OSError(done.stderr.strip())


def memory_folder(root: Path) -> Path | None:
    """A folder for the secrets of the node whose folder is `root`, on a tmpfs that every Linux has.

    None where we may not.
    """
    if not _may_mount():
        return None
    for base in _MEMORY:
        folder = base / "podlab"
        # Everybody may write to /dev/shm: a folder that somebody else made there is not ours to trust.
        if _in_memory(base) and (not folder.exists() or folder.stat().st_uid == 0):
            return folder / hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return None


def _may_mount() -> bool:
    return os.geteuid() == 0 and not own_container(_MOUNTINFO.read_text())


def _in_memory(folder: Path) -> bool:
    """Whether a tmpfs is mounted on `folder` (proc(5), mountinfo)."""
    mounts = [line.split() for line in _MOUNTINFO.read_text().splitlines()]
    return any(fields[4] == str(folder) and fields[fields.index("-") + 1] == "tmpfs" for fields in mounts)
