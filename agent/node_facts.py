"""What this machine is and has: measured, for the Node object."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

from agent.runtime.base import EngineInfo
from agent.runtime.node import Abilities


@dataclass(frozen=True, slots=True)
class Machine:
    """Storage in bytes, of the file system that the engine (or the agent) keeps its files on."""

    address: str
    os_image: str
    machine_id: str
    boot_id: str
    storage: int


def machine(engine: EngineInfo | None, fallback: Path) -> Machine:
    disk = _disk(engine, fallback)
    return Machine(
        address=primary_address(),
        os_image=os_image(),
        machine_id=_first_line("/etc/machine-id"),
        boot_id=_first_line("/proc/sys/kernel/random/boot_id"),
        storage=disk.f_blocks * disk.f_frsize,
    )


def engineless() -> EngineInfo:
    """The machine's own figures, for when no engine answers."""
    return EngineInfo(
        name="",
        version="unknown",
        operating_system=os_image(),
        kernel=platform.release(),
        architecture=architecture(),
        cpus=os.cpu_count() or 1,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        cgroup_version="",
        root_dir="",
    )


def abilities() -> Abilities:
    """Where the kernel says so: apparmor(7), selinux(8)."""
    return Abilities(
        apparmor=_first_line("/sys/module/apparmor/parameters/enabled") == "Y",
        selinux=Path("/sys/fs/selinux/enforce").exists(),
        root=os.geteuid() == 0,
    )


def primary_address() -> str:
    """The machine's address towards the world, found by the routing table alone; 127.0.0.1 without a route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1; connecting a datagram socket sends nothing.
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def os_image() -> str:
    """As /etc/os-release names it."""
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def architecture() -> str:
    """In Go's words."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _disk(engine: EngineInfo | None, fallback: Path) -> os.statvfs_result:
    """The engine may be on another machine, or in another mount namespace."""
    try:
        return os.statvfs(engine.root_dir if engine else fallback)
    except OSError:
        return os.statvfs(fallback)


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
