"""What a container uses, read from its control groups: at once, where the engine takes up to a second to answer.

cgroup v1: Documentation/admin-guide/cgroup-v1 (cpuacct.usage in ns, memory.usage_in_bytes); v2: cgroup-v2.rst.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agent.runtime.base import Stats, StatsDetails

_PROC, _CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def read(id: str, pid: int, now: float, *, proc: Path = _PROC, cgroups: Path = _CGROUPS) -> Stats | None:
    """The counters of container `id`, whose first process is `pid`; None when they cannot be seen from here."""
    try:
        groups = _groups((proc / str(pid) / "cgroup").read_text(), cgroups)
        whole = groups if "memory" in groups else dict.fromkeys(("memory", "cpuacct", "cpu", "pids"), groups[""])
        # Another machine's process, or a number used again, is no process of the container.
        if id not in str(whole["memory"]) or id not in str(whole["cpuacct"]):
            return None
        return _version_1(whole, now) if "memory" in groups else _version_2(groups[""], now)
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


def _version_1(groups: Mapping[str, Path], now: float) -> Stats:
    memory, cpu = groups["memory"], groups.get("cpu")
    usage = int((memory / "memory.usage_in_bytes").read_text())
    fields = _fields(memory / "memory.stat")
    times = _fields(cpu / "cpu.stat") if cpu else {}
    details = StatsDetails(
        memory_usage=usage,
        memory_rss=fields["total_rss"],
        memory_cache=fields["total_cache"],
        page_faults=fields["total_pgfault"],
        major_page_faults=fields["total_pgmajfault"],
        swap=fields.get("total_swap"),
        processes=_number(groups["pids"] / "pids.current") if "pids" in groups else None,
        periods=times.get("nr_periods"),
        throttled_periods=times.get("nr_throttled"),
        throttled_nanoseconds=times.get("throttled_time"),
    )
    spent = int((groups["cpuacct"] / "cpuacct.usage").read_text())
    return Stats(spent, max(0, usage - fields["total_inactive_file"]), now, details)


def _version_2(group: Path, now: float) -> Stats:
    usage = int((group / "memory.current").read_text())
    fields, times = _fields(group / "memory.stat"), _fields(group / "cpu.stat")
    throttled = times.get("throttled_usec")
    details = StatsDetails(
        memory_usage=usage,
        memory_rss=fields["anon"],
        memory_cache=fields["file"],
        page_faults=fields["pgfault"],
        major_page_faults=fields["pgmajfault"],
        swap=_number(group / "memory.swap.current"),
        processes=_number(group / "pids.current"),
        periods=times.get("nr_periods"),
        throttled_periods=times.get("nr_throttled"),
        throttled_nanoseconds=None if throttled is None else throttled * 1000,
    )
    return Stats(times["usage_usec"] * 1000, max(0, usage - fields["inactive_file"]), now, details)


def _number(file: Path) -> int | None:
    """None where the controller is not on."""
    try:
        return int(file.read_text())
    except FileNotFoundError:
        return None


def _fields(file: Path) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in file.read_text().splitlines())}
