"""The part of a volume that a mount's subPath names, safe from containers that change the volume meanwhile.

A link in a volume may lead anywhere on this machine, and may be put there between our look and the engine's. So the
path is walked folder by folder, following no link, and what was reached is mounted on a place of our own, which is
what the engine is given (as `k8s.io/kubernetes/pkg/volume/util/subpath` does). Where we may not mount, the engine gets
the path that was walked.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent import mounts


class SubPathError(Exception):
    """The path leads out of the volume, or cannot be walked."""


def publish(volume: Path, below: str, target: Path) -> Path:
    """What the engine is to mount for `below`, which is made as a folder where there is nothing.

    `target` is where it may be shown. Raises SubPathError, OSError.
    """
    root = Path(os.path.realpath(volume))
    path = Path(os.path.realpath(root / below))
    if not path.is_relative_to(root):
        raise SubPathError(f"{below} leads out of the volume")
    with _walked(root, path.relative_to(root).parts) as found:
        if not mounts.allowed():
            return path
        _make(target, os.fstat(found))
        mounts.bind(found, target)
    return target


@contextmanager
def _walked(root: Path, parts: tuple[str, ...]) -> Iterator[int]:
    """The descriptor of the file or folder at the end of the path."""
    here = os.open(root, os.O_PATH | os.O_CLOEXEC)
    try:
        mode = stat.S_IMODE(os.fstat(here).st_mode)
        for part in parts:
            below = _enter(here, part, mode)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


def _enter(here: int, part: str, mode: int) -> int:
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        found = os.open(part, flags, dir_fd=here)
    except FileNotFoundError:
        found = _made(here, part, mode)
    if stat.S_ISLNK(os.fstat(found).st_mode):
        os.close(found)
        raise SubPathError(f"{part} became a link while it was looked at")
    return found


def _made(here: int, part: str, mode: int) -> int:
    os.mkdir(part, dir_fd=here)
    made = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
    os.fchmod(made, mode)
    return made


def _make(target: Path, found: os.stat_result) -> None:
    """Something of the same sort to mount on; what an earlier instance of the container had there goes."""
    if target in mounts.below(target.parent):
        mounts.unmount(target)
    if target.is_dir():
        target.rmdir()
    else:
        target.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISDIR(found.st_mode):
        target.mkdir()
    else:
        target.touch()
