"""What a container uses, read from its control groups: at once, where the engine takes up to a second to answer.

cgroup v1: Documentation/admin-guide/cgroup-v1 (cpuacct.usage in ns, memory.usage_in_bytes); v2: cgroup-v2.rst.
"""

from __future__ import annotations

from pathlib import Path

from agent.runtime.base import Stats

_PROC, _CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def read(id: str, pid: int, now: float, *, proc: Path = _PROC, cgroups: Path = _CGROUPS) -> Stats | None:
    """The counters of container `id`, whose first process is `pid`; None when they cannot be seen from here."""
    try:
        groups = _groups((proc / str(pid) / "cgroup").read_text(), cgroups)
        if "memory" in groups:
            memory, cpu = groups["memory"], groups["cpuacct"]
        else:
            memory = cpu = groups[""]
        # Another machine's process, or a number used again, is no process of the container.
        if id not in str(memory) or id not in str(cpu):
            return None
        return _version_2(memory, now) if memory == cpu else _version_1(memory, cpu, now)
    except (OSError, KeyError, ValueError):
        return None


def _groups(text: str, cgroups: Path) -> dict[str, Path]:
    """The folders of /proc/PID/cgroup by controller (version 1); version 2 has one for all, under ""."""
    found = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = cgroups / controllers / path.lstrip("/")
    return found


def _version_1(memory: Path, cpu: Path, now: float) -> Stats:
    usage = int((memory / "memory.usage_in_bytes").read_text())
    inactive = _fields(memory / "memory.stat")["total_inactive_file"]
    return Stats(int((cpu / "cpuacct.usage").read_text()), max(0, usage - inactive), now)


def _version_2(group: Path, now: float) -> Stats:
    usage = int((group / "memory.current").read_text())
    inactive = _fields(group / "memory.stat")["inactive_file"]
    return Stats(_fields(group / "cpu.stat")["usage_usec"] * 1000, max(0, usage - inactive), now)


def _fields(file: Path) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in file.read_text().splitlines())}
