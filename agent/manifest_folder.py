"""The folder whose files are the node's static pods, looked at again and again.

A file that cannot be used is told of once; the pod that it was before runs on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.api.meta import Key, Object, key
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: (mtime in nanoseconds, size, inode): another file, or another content.
_Mark = tuple[int, int, int]


@dataclass(slots=True)
class _File:
    mark: _Mark
    pod: Object | None


class ManifestFolder:
    """`refused(file, why)` is told of files that are no pods."""

    def __init__(self, folder: Path, node: str, refused: Callable[[str, str], None], clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._node = folder, node
        self._refused, self._clock = refused, clock
        self._files: dict[str, _File] = {}
        #: Names of pods that were refused because another file has them.
        self._doubles: set[str] = set()

    def pods(self) -> list[Object]:
        """The pods that the files are now. Raises OSError when the folder cannot be read."""
        found = {entry.name: entry for entry in self._folder.iterdir() if not entry.name.startswith(".")}
        for gone in self._files.keys() - found.keys():
            del self._files[gone]
        for name, path in sorted(found.items()):
            self._look(name, path)
        return self._unique()

    def _look(self, name: str, path: Path) -> None:
        known = self._files.get(name)
        try:
            stat = path.stat()
            mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if known is not None and known.mark == mark:
                return
            self._files[name] = _File(mark, known.pod if known else None)
            self._files[name].pod = self._read(path)
        except FileNotFoundError:
            return  # It went meanwhile: the next look will miss it.
        except (OSError, ValueError) as error:
            self._refuse(name, str(error))

    def _read(self, path: Path) -> Object:
        # Few nodes have a manifest.
        from agent.manifests import static_pod

        return static_pod(path.read_bytes(), path.name, self._node, self._clock.now())

    def _refuse(self, file: str, why: str) -> None:
        log.error("static pods: %s is not used, what it was before runs on: %s", file, why)
        self._refused(file, why)

    def _unique(self) -> list[Object]:
        """Of two pods of one name the one of the first file."""
        pods: dict[Key, Object] = {}
        doubles = set()
        for name, file in sorted(self._files.items()):
            if file.pod is None:
                continue
            if key(file.pod) in pods:
                doubles.add(name)
                if name not in self._doubles:
                    self._refuse(name, f"another file has the pod {key(file.pod)} already")
                continue
            pods[key(file.pod)] = file.pod
        self._doubles = doubles
        return list(pods.values())
