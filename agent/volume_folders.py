"""Where the volumes of a node's pods lie on this machine, and how they go.

On disk, `ROOT/pods/UID/NAME`; what is not to be on a disk `MEMORY/UID/NAME`, where the machine has such a folder.
What outlives pods: persistent volumes in `ROOT/volumes`, the files of images that pods mount in `ROOT/images/ID`.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

from agent import mounts, tmpfs
from agent.runtime.base import EngineUnreachable, Runtime, RuntimeFailure
from agent.runtime.emptying import empty_folder


class VolumeError(Exception):
    """A volume cannot be had (yet), or not be removed; the sentence is the message of an event (FailedMount)."""


class VolumeFolders:
    """`root` is the node's folder, `memory` a folder on a tmpfs or None. `empty` deletes what is in a folder where we
    may not; it raises RuntimeFailure."""

    def __init__(self, root: Path, *, memory: Path | None = None, empty: Callable[[Path], None] | None = None) -> None:
        self._disk = root.absolute() / "pods"
        self._images = root.absolute() / "images"
        #: The folder of the node's own persistent volumes.
        self.persistent = root.absolute() / "volumes"
        self._memory = memory
        self._empty = empty

    def on_disk(self, uid: str, name: str) -> Path:
        """The folder of a volume; it need not exist. Other users of the machine cannot come near."""
        return _private(self._disk) / uid / name

    def in_memory(self, uid: str, name: str) -> Path:
        """As `on_disk`, for what is better kept from disks; on this one all the same where there is no other place."""
        return _private(self._memory or self._disk) / uid / name

    def sub_path(self, uid: str, container: str, index: int) -> Path:
        """Where the subPath of the container's `index`-th mount may be shown."""
        return self.on_disk(uid, f"..{container}.{index}")

    def image(self, id: str) -> Path:
        """The folder for the content of an image; it need not exist."""
        return _private(self._images) / id.replace(":", "-")

    def images(self) -> list[Path]:
        return list(self._images.iterdir()) if self._images.is_dir() else []

    def remove_image(self, content: Path) -> None:
        """Delete the content of an image. Raises as `remove`."""
        self._remove_all("the files of an image", content)

    def links(self) -> set[Path]:
        """What the pods' volumes that are links lead to."""
        return {volume.readlink() for volume in self._disk.glob("*/*") if volume.is_symlink()}

    def pods(self) -> set[str]:
        """The uids of all pods that have volumes here, also of those long gone."""
        return {entry.name for place in self._places() if place.is_dir() for entry in place.iterdir()}

    def remove(self, uid: str) -> None:
        """Delete all volumes of the pod with that uid; success when there are none.

        Raises VolumeError, and EngineUnreachable.
        """
        self._remove_all(f"the volumes of pod {uid}", *(place / uid for place in self._places()))

    def remove_persistent(self, folder: Path) -> None:
        """Delete one of the node's own persistent volumes; success when there is none. Raises as `remove`."""
        # The path comes from the API: it must not lead to anything else.
        if folder.parent != self.persistent or folder.name in ("", ".", ".."):
            raise VolumeError(f"{folder} is no folder of a volume in {self.persistent}")
        self._remove_all("a persistent volume", folder)

    def clear(self) -> None:
        """Delete all volumes, and the folder in memory with them. Raises as `remove`."""
        for uid in self.pods():
            self.remove(uid)
        self._remove_all("the persistent volumes", self.persistent)
        self._remove_all("the content of images", self._images)
        if self._memory is not None and self._memory.is_dir():
            self._memory.rmdir()

    def _places(self) -> list[Path]:
        return [self._disk, *([self._memory] if self._memory else [])]

    def _remove_all(self, what: str, *folders: Path) -> None:
        try:
            for folder in folders:
                self._remove(folder)
        except EngineUnreachable:
            raise
        except (OSError, RuntimeFailure) as error:
            raise VolumeError(f"{what} cannot be removed: {error}") from error

    def _remove(self, folder: Path) -> None:
        while folder.exists():
            try:
                self._delete(folder)
            except FileNotFoundError:
                continue  # An agent that stops is at it too; another round takes what either left.

    def _delete(self, folder: Path) -> None:
        # Also what is somebody else's: a subPath of a hostPath.
        for point in mounts.below(folder):
            mounts.unmount(point)
        try:
            shutil.rmtree(folder)
        except PermissionError:
            if self._empty is None:
                raise
            self._empty(folder)
            shutil.rmtree(folder)


def volume_folders(root: Path, runtime: Runtime) -> VolumeFolders:
    """Those of the node whose folder is `root`, on this machine."""
    empty = functools.partial(empty_folder, runtime)
    return VolumeFolders(root, memory=tmpfs.memory_folder(root), empty=empty)


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
