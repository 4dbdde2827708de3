"""What is measured of a node only when somebody asks for all of it: disks, networks, processes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.eviction.limits import PodStorage
from agent.eviction.signals import PIDS, Observation, observe
from agent.eviction.storage import StorageMeter
from agent.kubelet import Kubelet
from agent.network_usage import Interface, interfaces
from agent.observed import is_running, is_sandbox
from agent.pod_worker import PodWorker
from agent.runtime.base import RuntimeFailure
from orchestrator.api.claims import ephemeral_claim
from orchestrator.api.meta import Object, namespace, spec, uid

log = logging.getLogger(__name__)

#: Seconds that figures of pods' disks may be old, as the kubelet's.
MAX_AGE = 60.0
#: A process that is the machine's own: its networks are.
_INIT = 1


@dataclass(frozen=True, slots=True)
class FileSystem:
    """Bytes, and numbers of inodes."""

    capacity: int
    available: int
    used: int
    inodes: int
    inodes_free: int


@dataclass(frozen=True, slots=True)
class PodFigures:
    """`claims` are the file systems of the pod's claims, by the volume's name."""

    storage: PodStorage = field(default_factory=PodStorage)
    networks: tuple[Interface, ...] = ()
    claims: Mapping[str, FileSystem] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """`files` is the file system of the node's folder, `images` the engine's (None where it cannot be seen)."""

    files: FileSystem | None = None
    images: FileSystem | None = None
    processes: Observation | None = None
    networks: tuple[Interface, ...] = ()
    #: By uid.
    pods: Mapping[str, PodFigures] = field(default_factory=dict)


class NodeMeter:
    """`engine_root()` is where the engine keeps its files, "" for nowhere."""

    def __init__(self, kubelet: Kubelet, storage: StorageMeter, folder: Path, engine_root: Callable[[], str]) -> None:
        self._kubelet, self._storage = kubelet, storage
        self._folder, self._engine_root = folder, engine_root

    def measure(self) -> NodeFigures:
        engine_root = self._engine_root()
        seen = observe(self._folder, engine_root)
        return NodeFigures(
            files=file_system(self._folder),
            images=file_system(Path(engine_root)) if engine_root else None,
            processes=seen[PIDS],
            networks=tuple(interfaces(_INIT)),
            pods={uid(worker.pod): self._pod(worker) for worker in self._kubelet.workers() if worker.active},
        )

    def claims(self) -> list[tuple[str, str, FileSystem]]:
        """(namespace, claim, file system) of each claim that a pod has here."""
        found = {
            (namespace(worker.pod), claim_of(worker.pod, volume)): files
            for worker in self._kubelet.workers()
            if worker.active
            for volume, files in _claims(worker)
        }
        return [(*key, files) for key, files in sorted(found.items(), key=lambda each: each[0])]

    def _pod(self, worker: PodWorker) -> PodFigures:
        try:
            storage = self._storage.measure(worker, MAX_AGE)
        except RuntimeFailure as error:
            log.warning("%s: its disk use is not measured: %s", uid(worker.pod), error)
            storage = PodStorage()
        return PodFigures(storage, _networks(worker), {volume["name"]: files for volume, files in _claims(worker)})


def file_system(folder: Path) -> FileSystem | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    block = found.f_frsize
    return FileSystem(
        capacity=found.f_blocks * block,
        available=found.f_bavail * block,
        used=(found.f_blocks - found.f_bfree) * block,
        inodes=found.f_files,
        inodes_free=found.f_ffree,
    )


def _networks(worker: PodWorker) -> tuple[Interface, ...]:
    """A pod in the machine's own network has none of its own."""
    if spec(worker.pod).get("hostNetwork"):
        return ()
    sandboxes = (c for c in worker.memory.containers() if is_sandbox(c) and is_running(c) and c.pid)
    return tuple(interface for sandbox in sandboxes for interface in interfaces(sandbox.pid))


def _claims(worker: PodWorker) -> list[tuple[Object, FileSystem]]:
    """The pod's volumes that stand for claims."""
    prepared = worker.memory.prepared
    found = []
    for volume in spec(worker.pod).get("volumes") or ():
        source = prepared.get(volume["name"])
        if claim_of(worker.pod, volume) and source is not None and source.path is not None:
            files = file_system(source.path)
            if files is not None:
                found.append((volume, files))
    return found


def claim_of(pod: Object, volume: Object) -> str:
    """The name of the claim behind the volume, "" when there is none."""
    if volume.get("persistentVolumeClaim"):
        return str(volume["persistentVolumeClaim"]["claimName"])
    return ephemeral_claim(pod, volume["name"]) if volume.get("ephemeral") else ""
