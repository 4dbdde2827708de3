"""What the whole machine uses, read from /proc (proc_stat(5), proc_meminfo(5))."""

from __future__ import annotations

import os
from pathlib import Path

from agent.runtime.base import Stats, StatsDetails

_PROC = Path("/proc")
_KIBIBYTE = 1024
#: Of the first line of /proc/stat: idle, iowait; what follows steal is part of user and nice.
_IDLE, _COUNTED = slice(3, 5), slice(0, 8)


def read(now: float, proc: Path = _PROC) -> Stats:
    """The working set is cAdvisor's for the root control group: all that is taken, less inactive file cache."""
    times = [int(ticks) for ticks in (proc / "stat").read_text().split("\n", 1)[0].split()[1:]][_COUNTED]
    busy = sum(times) - sum(times[_IDLE])
    memory = dict(line.split(":") for line in (proc / "meminfo").read_text().splitlines())
    total, free, inactive = (int(memory[field].split()[0]) for field in ("MemTotal", "MemFree", "Inactive(file)"))
    spent = busy * 10**9 // os.sysconf("SC_CLK_TCK")
    return Stats(spent, max(0, total - free - inactive) * _KIBIBYTE, now, _details(memory, proc))


def _details(memory: dict[str, str], proc: Path) -> StatsDetails:
    used = {
        field: int(memory[field].split()[0]) * _KIBIBYTE for field in ("MemTotal", "MemFree", "AnonPages", "Cached")
    }
    events = dict(line.split() for line in (proc / "vmstat").read_text().splitlines())
    return StatsDetails(
        memory_usage=used["MemTotal"] - used["MemFree"],
        memory_rss=used["AnonPages"],
        memory_cache=used["Cached"],
        page_faults=int(events["pgfault"]),
        major_page_faults=int(events["pgmajfault"]),
        swap=_swapped(memory),
    )


def _swapped(memory: dict[str, str]) -> int:
    return (int(memory["SwapTotal"].split()[0]) - int(memory["SwapFree"].split()[0])) * _KIBIBYTE


def booted_at(proc: Path = _PROC) -> float:
    """Seconds since the epoch."""
    lines = dict(line.split(maxsplit=1) for line in (proc / "stat").read_text().splitlines())
    return float(lines["btime"])
