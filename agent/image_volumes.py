"""Volumes of type image: the files of an image, on disk once for all pods of the node that mount it.

`ROOT/images/ID` is the image's content, taken from the engine; a pod's volume `ROOT/pods/UID/NAME` is a link to it, so
that what no link leads to can go.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.runtime.base import Image, Runtime, RuntimeFailure
from agent.volume_folders import VolumeFolders
from orchestrator.api.meta import Object, uid

#: (reference, pull policy) -> the image, on the engine.
FindImage = Callable[[str, str], Image]

#: What the engine adds to each container where the image has nothing.
_ADDED = frozenset(
    {
        ".dockerenv",
        *("dev", "dev/console", "dev/pts", "dev/shm", "proc", "sys"),
        *("etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"),
    }
)


class ImageVolumes:
    def __init__(self, folders: VolumeFolders, runtime: Runtime) -> None:
        self._folders, self._runtime = folders, runtime
        self._lock = threading.Lock()

    def prepare(self, pod: Object, volume: Object, find: FindImage) -> Path:
        """The folder with the image's files. Raises what `find` raises, RuntimeFailure and OSError."""
        link = self._folders.on_disk(uid(pod), volume["name"])
        if not link.is_symlink():
            image = find(volume["image"]["reference"], volume["image"].get("pullPolicy") or "IfNotPresent")
            with self._lock:
                content = self._content(image)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(content)
        return link.readlink()

    def sweep(self) -> None:
        """Delete the content of images that no pod mounts any more. Raises VolumeError, EngineUnreachable."""
        with self._lock:
            used = self._folders.links()
            for content in self._folders.images():
                if content not in used:
                    self._folders.remove_image(content)

    def _content(self, image: Image) -> Path:
        content = self._folders.image(image.id)
        if not content.exists():
            new = Path(tempfile.mkdtemp(prefix="..", dir=content.parent))
            new.chmod(0o755)
            _unpack(self._runtime.export_image(image.id), new)
            new.rename(content)
        return content


def _unpack(tar: Iterator[bytes], folder: Path) -> None:
    try:
        with tarfile.open(fileobj=_Chunks(tar), mode="r|") as archive:
            archive.extractall(folder, numeric_owner=True, filter=_kept)
    except tarfile.TarError as error:
        raise RuntimeFailure(f"the image's files cannot be unpacked: {error}") from error


def _kept(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    if member.isdev() or (member.name.rstrip("/") in _ADDED and not member.size):
        return None
    return tarfile.tar_filter(member, folder)


class _Chunks(io.RawIOBase):
    """Chunks of bytes as a file to read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        pieces, length = [self._rest], len(self._rest)
        while length < size and (piece := next(self._chunks, b"")):
            pieces.append(piece)
            length += len(piece)
        together = b"".join(pieces)
        self._rest = together[size:]
        return together[:size]
