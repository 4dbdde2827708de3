"""hostPath volumes: what has to be at the path, by the volume's type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

_CHECKS: Mapping[str, tuple[Callable[[Path], bool], str]] = {
    "DirectoryOrCreate": (Path.is_dir, "a directory"),
    "Directory": (Path.is_dir, "a directory"),
    "FileOrCreate": (Path.is_file, "a file"),
    "File": (Path.is_file, "a file"),
    "Socket": (Path.is_socket, "a socket file"),
    "CharDevice": (Path.is_char_device, "a character device"),
    "BlockDevice": (Path.is_block_device, "a block device"),
}


class HostPathError(Exception):
    """What is at the path is not what the volume wants; the sentence is the kubelet's."""


def check(path: Path, type: str) -> None:
    """Create what the type says may be created, then check. Raises HostPathError, OSError."""
    if type in ("", "DirectoryOrCreate") and not path.exists():
        # Without a type nothing is asked, and container runtimes then make a folder.
        path.mkdir(mode=0o755, parents=True)
    elif type == "FileOrCreate" and not path.exists():
        path.touch(mode=0o644)
    if type == "":
        return
    if type not in _CHECKS:
        raise HostPathError(f"hostPath type {type} is not known")
    holds, wanted = _CHECKS[type]
    if not holds(path):
        raise HostPathError(f"hostPath type check failed: {path} is not {wanted}")
