"""Mounts on this machine. Only root may make them, and only where the engine sees them: not from within a container."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from agent.runtime.inside import own_container

_MOUNTINFO = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


def allowed() -> bool:
    """Whether we may mount at all."""
    return os.geteuid() == 0 and not own_container(_MOUNTINFO.read_text())


def points() -> list[tuple[Path, str]]:
    """(mount point, type of its file system) of all, in the order they were made (proc(5), mountinfo)."""
    mounts = [line.split() for line in _MOUNTINFO.read_text().splitlines()]
    return [(_path(fields[4]), fields[fields.index("-") + 1]) for fields in mounts]


def below(folder: Path) -> list[Path]:
    """The mount points in `folder`, newest first: the order in which they can be unmounted."""
    real = folder.resolve()
    return [point for point, _ in reversed(points()) if real in point.parents]


def bind(descriptor: int, target: Path) -> None:
    """Show on `target` what is open as `descriptor`, wherever its path leads by now. Raises OSError."""
    # Not to be canonicalised: the link in /proc is the file itself, its text only a path.
    source = f"/proc/{os.getpid()}/fd/{descriptor}"
    _run("mount", "--no-canonicalize", "--bind", source, str(target))


def unmount(point: Path) -> None:
    """Raises OSError."""
    _run("umount", str(point))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(done.stderr.strip())


def _path(field: str) -> Path:
    """Blanks are written as `\\040`."""
    return Path(_OCTAL.sub(lambda match: chr(int(match.group(1), 8)), field))
