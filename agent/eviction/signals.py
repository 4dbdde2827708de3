"""What a node can run out of, by the kubelet's names, and how much of it is left (proc(5), statvfs(3))."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MEMORY = "memory.available"
PIDS = "pid.available"
NODE_DISK, NODE_INODES = "nodefs.available", "nodefs.inodesFree"
IMAGE_DISK, IMAGE_INODES = "imagefs.available", "imagefs.inodesFree"

#: The node's condition that tells of the signal, and the resource that is to be had back, for events and messages.
CONDITIONS: Mapping[str, str] = {
    MEMORY: "MemoryPressure",
    NODE_DISK: "DiskPressure",
    NODE_INODES: "DiskPressure",
    IMAGE_DISK: "DiskPressure",
    IMAGE_INODES: "DiskPressure",
    PIDS: "PIDPressure",
}
RESOURCES: Mapping[str, str] = {
    MEMORY: "memory",
    NODE_DISK: "ephemeral-storage",
    NODE_INODES: "inodes",
    IMAGE_DISK: "ephemeral-storage",
    IMAGE_INODES: "inodes",
    PIDS: "pids",
}

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Observation:
    """Bytes, or numbers of inodes or processes."""

    available: int
    capacity: int


Observations = Mapping[str, Observation]


def observe(node_folder: Path, engine_root: str, proc: Path = _PROC) -> dict[str, Observation]:
    """`engine_root` is where the engine keeps images and containers; one that is not on this machine is left out."""
    return {
        MEMORY: memory((proc / "meminfo").read_text()),
        PIDS: _pids(proc),
        **_disk(node_folder, NODE_DISK, NODE_INODES),
        **(_disk(Path(engine_root), IMAGE_DISK, IMAGE_INODES) if engine_root else {}),
    }


def memory(meminfo: str) -> Observation:
    """What is left beside the working set, as the kubelet has it: the free part, and file cache that is not in use."""
    fields = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    total, free, inactive = (int(fields[name].split()[0]) * 1024 for name in ("MemTotal", "MemFree", "Inactive(file)"))
    return Observation(free + inactive, total)


def _pids(proc: Path) -> Observation:
    """Threads count as processes; the fourth field of loadavg is running/total of them."""
    limits = [int((proc / "sys/kernel" / name).read_text()) for name in ("pid_max", "threads-max")]
    used = int((proc / "loadavg").read_text().split()[3].partition("/")[2])
    return Observation(min(limits) - used, min(limits))


def _disk(folder: Path, bytes_signal: str, inodes_signal: str) -> dict[str, Observation]:
    """Some file systems have no fixed number of inodes and say 0: those do not run out of them."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return {}
    space = {bytes_signal: Observation(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)}
    inodes = {inodes_signal: Observation(found.f_favail, found.f_files)} if found.f_files else {}
    return space | inodes
