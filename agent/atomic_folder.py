"""A folder whose files change all at once, as the kubelet's `atomic_writer.go` makes it.

The files are in a folder of their own, `..SOMETHING`; the link `..data` leads to the current one, and each name that a
reader knows is a link through `..data`. Replacing that one link replaces all files in one step.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from agent.projection import File, Files

_DATA = "..data"
_NEXT = "..data_tmp"


def write(folder: Path, files: Files, *, group: int | None = None) -> bool:
    """Make `folder` hold exactly `files`; True when anything changed. `group` is given the files, where we may.

    A path that leads out of the folder raises ValueError.
    """
    for path in files:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or path.startswith(".."):
            raise ValueError(f"path {path} leads out of the volume")
    folder.mkdir(parents=True, exist_ok=True)
    # Readable for whatever user the container runs as; who may come here is decided by the folders above.
    folder.chmod(0o755)
    data = folder / _DATA
    changed = not data.exists() or _read(data) != {path: file.data for path, file in files.items()}
    if changed:
        new = Path(tempfile.mkdtemp(prefix="..", dir=folder))
        _fill(new, files, group)
        (folder / _NEXT).unlink(missing_ok=True)
        (folder / _NEXT).symlink_to(new.name)
        (folder / _NEXT).replace(data)
    # Also when nothing changed: whoever changed it last may have been interrupted here.
    _link(folder, {PurePosixPath(path).parts[0] for path in files})
    _remove_old(folder, data.readlink().name)
    return changed


def _read(data: Path) -> Mapping[str, bytes]:
    return {str(file.relative_to(data)): file.read_bytes() for file in data.rglob("*") if file.is_file()}


def _fill(folder: Path, files: Files, group: int | None) -> None:
    folder.chmod(0o755)
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        _own(target, file, group)


def _own(target: Path, file: File, group: int | None) -> None:
    """The pod's fsGroup may read what is the volume's owner's to read."""
    if group is not None and os.geteuid() == 0:
        os.chown(target, -1, group)
        target.chmod(file.mode | 0o440)
    else:
        target.chmod(file.mode)


def _link(folder: Path, names: set[str]) -> None:
    """A link for each name; links to what is there no more go."""
    for entry in folder.iterdir():
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in names:
            entry.unlink()
    for name in names:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"{_DATA}/{name}")


def _remove_old(folder: Path, current: str) -> None:
    for entry in folder.iterdir():
        if entry.name.startswith("..") and not entry.is_symlink() and entry.name != current:
            shutil.rmtree(entry)
