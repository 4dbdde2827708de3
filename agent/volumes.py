"""The volumes of a node's pods: their contents on this machine, and where containers mount them."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agent import atomic_folder, host_path, ownership, sub_path, tmpfs
from agent.claim_volumes import ClaimError, ClaimVolumes
from agent.host_path import HostPathError
from agent.image_volumes import FindImage, ImageVolumes
from agent.lookup import Lookup
from agent.projection import Missing, Projector, Tokens
from agent.runtime.base import ConfigError, EngineUnreachable, Mount, RuntimeFailure
from agent.runtime.expansion import expand, missing
from agent.runtime.node import NodeContext
from agent.sub_path import SubPathError
from agent.volume_folders import VolumeError as VolumeError
from agent.volume_folders import VolumeFolders
from orchestrator.api.meta import Object, key, spec, uid
from orchestrator.api.pods import containers
from orchestrator.api.quantity import integer

log = logging.getLogger(__name__)

#: What the fields of a mount are to the engine.
_RECURSIVE: Mapping[str, Literal["", "IfPossible", "Enabled"]] = {
    "Disabled": "",
    "IfPossible": "IfPossible",
    "Enabled": "Enabled",
}
_PROPAGATION = {"None": "", "HostToContainer": "rslave", "Bidirectional": "rshared"}


@dataclass(frozen=True, slots=True)
class Source:
    """What stands behind a volume: a path on this machine, or (`path` None) memory of each container's own."""

    path: Path | None
    size: int = 0
    read_only: bool = False


Prepared = Mapping[str, Source]


class VolumeManager:
    """`tokens` makes service account tokens, `images` volumes of images; None where there are none."""

    def __init__(
        self,
        folders: VolumeFolders,
        lookup: Lookup,
        node: NodeContext,
        *,
        tokens: Tokens | None = None,
        images: ImageVolumes | None = None,
    ) -> None:
        self._folders, self._node, self._images = folders, node, images
        #: Names of the volumes that were given to their pod's fsGroup, by the pod's uid.
        self._given: dict[str, set[str]] = {}
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

    def prepare(self, pod: Object, find_image: FindImage | None = None) -> Prepared:
        """Make all volumes of the pod ready, or bring them up to date: what is as it should be stays untouched.

        Raises VolumeError, `orchestrator.api.errors.ApiError` when the API cannot be asked, and what `find_image`
        raises.
        """
        return {volume["name"]: self._prepare(pod, volume, find_image) for volume in spec(pod).get("volumes") or ()}

    def mounts(
        self, pod: Object, container: Object, prepared: Prepared, env: Sequence[tuple[str, str]] = ()
    ) -> list[Mount]:
        """What the container mounts; `env` is for subPathExpr. Raises VolumeError."""
        values = dict(env)
        found = []
        for index, mount in enumerate(container.get("volumeMounts") or ()):
            source = prepared.get(mount["name"])
            if source is None:
                raise VolumeError(f"container {container['name']} mounts volume {mount['name']}, which the pod has not")
            place = self._folders.sub_path(uid(pod), container["name"], index)
            found.append(_mount(mount, source, _sub_path(mount, values), place))
        return found

    def teardown(self, uid: str) -> None:
        """Delete all volumes of the pod with that uid; success when there are none.

        Raises VolumeError, and EngineUnreachable.
        """
        self._folders.remove(uid)
        self._given.pop(uid, None)
        if self._images is not None:
            self._images.sweep()

    def _prepare(self, pod: Object, volume: Object, find_image: FindImage | None) -> Source:
        kind = next((field for field, value in volume.items() if field != "name" and value is not None), "emptyDir")
        try:
            if kind == "image" and self._images is not None and find_image is not None:
                return Source(self._images.prepare(pod, volume, find_image), read_only=True)
            if kind not in self._kinds:
                raise ConfigError(f"volumes of type {kind} are not supported: use one of {', '.join(self._kinds)}")
            return self._kinds[kind](pod, volume)
        except EngineUnreachable:
            raise
        except (Missing, ConfigError, ClaimError, HostPathError, RuntimeFailure, OSError, ValueError) as error:
            raise VolumeError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from error

    def _empty_dir(self, pod: Object, volume: Object) -> Source:
        own = volume.get("emptyDir") or {}
        folder = self._folders.on_disk(uid(pod), volume["name"])
        if not folder.exists():
            _make_open(folder, _group(pod))
        medium = own.get("medium") or ""
        if medium not in ("", "Memory"):
            raise ConfigError(f'storage medium "{medium}" is not supported: this node sets no huge pages aside')
        size = memory_size(pod, own.get("sizeLimit"), self._node) if medium else 0
        if medium and not tmpfs.mount(folder, size):
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
        path, owned = self._claims.path(pod, volume)
        if owned and not read_only:
            self._give(pod, volume, path)
        return Source(path, read_only=read_only)

    def _give(self, pod: Object, volume: Object, path: Path) -> None:
        """To the pod's fsGroup, once: what containers do with it from then on is their business."""
        group, given = _group(pod), self._given.setdefault(uid(pod), set())
        if group is None or volume["name"] in given or not self._node.abilities.root:
            return
        ownership.give(path, group, spec(pod)["securityContext"].get("fsGroupChangePolicy") or "Always")
        given.add(volume["name"])

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


def memory_size(pod: Object, limit: Any, node: NodeContext) -> int:
    """Bytes of a volume in memory: its limit, but no more than the pod may use, or the node has. 0 when unknown."""
    of_pod = [(each.get("resources") or {}).get("limits", {}).get("memory") for each in containers(pod)]
    together = [sum(map(integer, of_pod))] if of_pod and all(of_pod) else []
    most = [*together, *(integer(found) for found in (limit, node.allocatable.get("memory")) if found)]
    return min(most, default=0)


def _sub_path(mount: Object, values: Mapping[str, str]) -> str:
    expression = mount.get("subPathExpr") or ""
    if unknown := missing(expression, values):
        why = f'missing value for "{", ".join(unknown)}"'
        raise VolumeError(f'failed to expand subPath for volumeMount "{mount["name"]}": {why}')
    return expand(expression, values) or mount.get("subPath") or ""


def _mount(mount: Object, source: Source, below: str, place: Path) -> Mount:
    """`place` is where what lies `below` the volume may be shown."""
    target = mount["mountPath"]
    if source.path is None:
        return Mount(target, kind="tmpfs", size=source.size)
    path = source.path
    if below:
        try:
            path = sub_path.publish(path, below, place)
        except (SubPathError, OSError) as error:
            raise VolumeError(f'failed to prepare subPath for volumeMount "{mount["name"]}": {error}') from error
    return Mount(
        target,
        str(path),
        read_only=bool(mount.get("readOnly")) or source.read_only,
        propagation=_PROPAGATION[mount.get("mountPropagation") or "None"],
        recursive=_RECURSIVE[mount.get("recursiveReadOnly") or "Disabled"],
    )
