"""What the benchmarks share: a cluster of their own, what a process uses, and how a figure is printed."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.harness import RealCluster

_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def cluster() -> Iterator[RealCluster]:
    """One node, up, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="podlab-bench-") as folder:
        running = RealCluster(Path(folder), "bench", Path("kubectl"))
        try:
            running.podlab("up", "--no-kubeconfig", *running.settings())
            yield running
        finally:
            running.podlab("down", "--purge", check=False)


def timed(action: Callable[[], object]) -> float:
    """Seconds."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def resident(pid: int) -> float:
    """MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def processor_time(pid: int) -> float:
    """Seconds of CPU time used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def busy(pids: list[int], seconds: float) -> list[float]:
    """The share of a core that each process uses over the next `seconds`."""
    before, begun = [processor_time(pid) for pid in pids], time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - begun
    return [(processor_time(pid) - start) / elapsed for pid, start in zip(pids, before, strict=True)]


def ratio(title: str, ours: Callable[[], float], floor: Callable[[], float], rounds: int, goal: str) -> None:
    """The middle of the ratios of `rounds` pairs, taken in turn after one round that does not count."""
    ours()
    floor()
    pairs = [(ours(), floor()) for _ in range(rounds)]
    middle = statistics.median(a / b for a, b in pairs)
    a, b = (statistics.median(values) for values in zip(*pairs, strict=True))
    figure(title, f"{middle:.2f}x ({a:.2f} s / {b:.2f} s)", goal)


def figure(title: str, value: str, goal: str = "") -> None:
    print(f"{title:<38} {value}" + (f"   (goal {goal})" if goal else ""), flush=True)
