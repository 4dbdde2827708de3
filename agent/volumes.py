"""The volumes of a node's pods: their contents on this machine, and where containers mount them."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent import atomic_folder, host_path, tmpfs
from agent.claim_volumes import ClaimError, ClaimVolumes
from agent.host_path import HostPathError
from agent.lookup import Lookup
from agent.projection import Missing, Projector, Tokens
from agent.runtime.base import ConfigError, Mount
from agent.runtime.expansion import expand
from agent.runtime.node import NodeContext
from agent.volume_folders import VolumeError as VolumeError
from agent.volume_folders import VolumeFolders
from orchestrator.api.meta import Object, key, spec, uid
from orchestrator.api.quantity import integer

log = logging.getLogger(__name__)

_PROPAGATION = {"None": "", "HostToContainer": "rslave", "Bidirectional": "rshared"}


@dataclass(frozen=True, slots=True)
class Source:
    """What stands behind a volume: a path on this machine, or (`path` None) memory of each container's own."""

    path: Path | None
    size: int = 0
    read_only: bool = False


Prepared = Mapping[str, Source]


class VolumeManager:
    """`tokens` makes service account tokens; None where there are none."""

    def __init__(
        self, folders: VolumeFolders, lookup: Lookup, node: NodeContext, *, tokens: Tokens | None = None
    ) -> None:
        self._folders = folders
        self._projector = Projector(lookup, node, tokens)
        self._claims = ClaimVolumes(lookup, node.node, _make_persistent)
        self._kinds: Mapping[str, Callable[[Object, Object], Source]] = {
            "emptyDir": self._empty_dir,
            "hostPath": self._host_path,
            "configMap": self._on_disk,
            "downwardAPI": self._on_disk,
            "secret": self._in_memory,
            "projected": self._in_memory,
            "persistentVolumeClaim": self._claim,
            "ephemeral": self._claim,
        }

    def prepare(self, pod: Object) -> Prepared:
        """Make all volumes of the pod ready, or bring them up to date: what is as it should be stays untouched.

        Raises VolumeError, and `orchestrator.api.errors.ApiError` when the API cannot be asked.
        """
        return {volume["name"]: self._prepare(pod, volume) for volume in spec(pod).get("volumes") or ()}

    def mounts(
        self, pod: Object, container: Object, prepared: Prepared, env: Sequence[tuple[str, str]] = ()
    ) -> list[Mount]:
        """What the container mounts; `env` is for subPathExpr. Raises VolumeError."""
        values = dict(env)
        found = []
        for mount in container.get("volumeMounts") or ():
            source = prepared.get(mount["name"])
            if source is None:
                raise VolumeError(f"container {container['name']} mounts volume {mount['name']}, which the pod has not")
            found.append(_mount(mount, source, expand(mount.get("subPathExpr") or "", values)))
        return found

    def teardown(self, uid: str) -> None:
        """Delete all volumes of the pod with that uid; success when there are none.

        Raises VolumeError, and EngineUnreachable.
        """
        self._folders.remove(uid)

    def _prepare(self, pod: Object, volume: Object) -> Source:
        kind = next((field for field, value in volume.items() if field != "name" and value is not None), "emptyDir")
        try:
            if kind not in self._kinds:
                raise ConfigError(f"volumes of type {kind} are not supported: use one of {', '.join(self._kinds)}")
            return self._kinds[kind](pod, volume)
        except (Missing, ConfigError, ClaimError, HostPathError, OSError, ValueError) as error:
            raise VolumeError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from error

    def _empty_dir(self, pod: Object, volume: Object) -> Source:
        own = volume.get("emptyDir") or {}
        folder = self._folders.on_disk(uid(pod), volume["name"])
        if not folder.exists():
            _make_open(folder, _group(pod))
        size = integer(own.get("sizeLimit") or 0)
        if own.get("medium") == "Memory" and not tmpfs.mount(folder, size):
            log.warning(
                "%s: volume %s is not shared between containers: only root may mount memory", key(pod), volume["name"]
            )
            return Source(None, size)
        return Source(folder)

    def _host_path(self, pod: Object, volume: Object) -> Source:
        path = Path(volume["hostPath"]["path"])
        host_path.check(path, volume["hostPath"].get("type") or "")
        return Source(path)

    def _claim(self, pod: Object, volume: Object) -> Source:
        read_only = bool((volume.get("persistentVolumeClaim") or {}).get("readOnly"))
        return Source(self._claims.path(pod, volume), read_only=read_only)

    def _on_disk(self, pod: Object, volume: Object) -> Source:
        return self._projected(pod, volume, self._folders.on_disk(uid(pod), volume["name"]))

    def _in_memory(self, pod: Object, volume: Object) -> Source:
        return self._projected(pod, volume, self._folders.in_memory(uid(pod), volume["name"]))

    def _projected(self, pod: Object, volume: Object, folder: Path) -> Source:
        atomic_folder.write(folder, self._projector.files(pod, volume), group=_group(pod))
        return Source(folder, read_only=True)


def _group(pod: Object) -> int | None:
    group = (spec(pod).get("securityContext") or {}).get("fsGroup")
    return None if group is None else int(group)


def _make_persistent(folder: Path, pod: Object) -> None:
    """The folder of a new volume; the first pod's fsGroup is the one it gets. Nobody else can come near it."""
    if not folder.exists():
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_open(folder, _group(pod))


def _make_open(folder: Path, group: int | None) -> None:
    """A new folder for every user to write; what is made in it belongs to the pod's fsGroup.

    It appears finished: from then on its owner and mode are the containers' business.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix="..", dir=folder.parent))
    if group is not None and os.geteuid() == 0:
        os.chown(new, -1, group)
        new.chmod(0o2777)
    else:
        new.chmod(0o777)
    new.rename(folder)


def _mount(mount: Object, source: Source, expanded: str) -> Mount:
    target = mount["mountPath"]
    if source.path is None:
        return Mount(target, kind="tmpfs", size=source.size)
    path = source.path
    if below := expanded or mount.get("subPath"):
        path = _below(path, below, mount["name"])
    return Mount(
        target,
        str(path),
        read_only=bool(mount.get("readOnly")) or source.read_only,
        propagation=_PROPAGATION[mount.get("mountPropagation") or "None"],
    )


def _below(volume: Path, below: str, name: str) -> Path:
    """The subPath's real place, made as a folder where there is nothing. Raises VolumeError when that is elsewhere."""
    root = volume.resolve()
    path = (root / below).resolve()
    if not path.is_relative_to(root):
        raise VolumeError(f'failed to prepare subPath for volumeMount "{name}": {below} leads out of the volume')
    try:
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(root.stat().st_mode & 0o7777)
    except OSError as error:
        raise VolumeError(f'failed to create subPath directory for volumeMount "{name}": {error}') from error
    return path
