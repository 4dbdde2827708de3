"""Whether a pod uses more of the node's disk than it may: its emptyDirs, its containers, or all together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from orchestrator.api import pods
from orchestrator.api.meta import Object, spec
from orchestrator.api.quantity import canonical, integer, like

STORAGE = "ephemeral-storage"


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes and numbers of inodes."""

    size: int = 0
    inodes: int = 0


@dataclass(frozen=True, slots=True)
class PodStorage:
    """`volumes` are the emptyDirs, by name; `layers` and `logs` are the containers', by name."""

    volumes: Mapping[str, DiskUse] = field(default_factory=dict)
    layers: Mapping[str, int] = field(default_factory=dict)
    logs: Mapping[str, int] = field(default_factory=dict)

    @property
    def containers(self) -> dict[str, int]:
        """The bytes that each container has written beside volumes."""
        return {name: size + self.logs.get(name, 0) for name, size in self.layers.items()}

    def total(self, pod: Object) -> int:
        """What counts as the pod's ephemeral storage: volumes in memory do not."""
        on_disk = (self.volumes.get(name, DiskUse()).size for name, own in empty_dirs(pod) if not in_memory(own))
        return sum(self.containers.values()) + sum(on_disk)


def empty_dirs(pod: Object) -> Iterator[tuple[str, Object]]:
    for volume in spec(pod).get("volumes") or ():
        if volume.get("emptyDir") is not None:
            yield volume["name"], volume["emptyDir"]


def in_memory(empty_dir: Object) -> bool:
    return bool(empty_dir.get("medium"))


def is_limited(pod: Object) -> bool:
    """Whether there is anything to compare its use with."""
    sized = any(integer(own.get("sizeLimit") or 0) for _, own in empty_dirs(pod))
    return sized or any(_limit(container) for container in (*pods.containers(pod), *pods.init_containers(pod)))


class Excess(NamedTuple):
    """`signal` is the kubelet's name for what was exceeded, `message` what the pod is told."""

    signal: str
    message: str


def excess(pod: Object, storage: PodStorage) -> Excess | None:
    """Why the pod has to go, None when it keeps within its limits."""
    return next(_excesses(pod, storage), None)


def _excesses(pod: Object, storage: PodStorage) -> Iterator[Excess]:
    for name, own in empty_dirs(pod):
        limit = integer(own.get("sizeLimit") or 0)
        if limit and storage.volumes.get(name, DiskUse()).size > limit:
            text = f'Usage of EmptyDir volume "{name}" exceeds the limit "{canonical(own["sizeLimit"])}". '
            yield Excess("emptydirfs.limit", text)
    whole = pods.limits(pod).get(STORAGE)
    if whole and storage.total(pod) > whole:
        text = f"Pod ephemeral local storage usage exceeds the total limit of containers {_text(pod, int(whole))}. "
        yield Excess("ephemeralpodfs.limit", text)
    for container in (*pods.containers(pod), *pods.init_containers(pod)):
        limit = _limit(container)
        if limit and storage.containers.get(container["name"], 0) > limit:
            most = canonical(container["resources"]["limits"][STORAGE])
            text = f'Container {container["name"]} exceeded its local ephemeral storage limit "{most}". '
            yield Excess("ephemeralcontainerfs.limit", text)


def _limit(container: Object) -> int:
    return integer(((container.get("resources") or {}).get("limits") or {}).get(STORAGE, 0))


def _text(pod: Object, whole: int) -> str:
    """The sum, with the kind of suffix that the limits were written with."""
    written = (
        c["resources"]["limits"][STORAGE] for c in (*pods.containers(pod), *pods.init_containers(pod)) if _limit(c)
    )
    return like(Fraction(whole), next(written))
