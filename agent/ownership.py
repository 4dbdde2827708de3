"""Giving a volume that was there before to the pod's fsGroup (`k8s.io/kubernetes/pkg/volume/volume_linux.go`)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

#: What the group is allowed: files to read and write, folders also to enter; what is made there belongs to it.
_FILE = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IWGRP
_FOLDER = _FILE | stat.S_IXUSR | stat.S_IXGRP | stat.S_ISGID


def give(volume: Path, group: int, policy: str) -> None:
    """Everything in it, unless `policy` is OnRootMismatch and the volume itself is the group's already.

    Links are not followed. Raises OSError.
    """
    if policy == "OnRootMismatch" and _is_given(volume.stat(), group):
        return
    for _, _, files, folder in os.fwalk(volume, topdown=False):
        for file in files:
            _give_file(file, folder, group)
        # Last, so that a volume that is given only in part does not look as if it were given.
        _give_open(folder, group, _FOLDER)


def _is_given(root: os.stat_result, group: int) -> bool:
    return root.st_gid == group and root.st_mode & _FOLDER == _FOLDER


def _give_file(name: str, folder: int, group: int) -> None:
    if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.chown(name, -1, group, dir_fd=folder, follow_symlinks=False)
        return
    # A link that takes the file's place meanwhile is not followed.
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        _give_open(opened, group, _FILE)
    finally:
        os.close(opened)


def _give_open(opened: int, group: int, allowed: int) -> None:
    os.fchown(opened, -1, group)
    os.fchmod(opened, stat.S_IMODE(os.fstat(opened).st_mode) | allowed)
