from __future__ import annotations

from pathlib import Path

import pytest

from agent.runtime.base import Stats, StatsDetails
from agent.runtime.docker import cgroups

ID = "ab" * 32
V1_MEMORY = (
    "inactive_file 1\ntotal_inactive_file 30\ntotal_rss 11\ntotal_cache 22\n"
    "total_pgfault 33\ntotal_pgmajfault 44\ntotal_swap 5\n"
)
V2_MEMORY = "anon 11\nfile 22\ninactive_file 30\npgfault 33\npgmajfault 44\n"


class Machine:
    """A /proc and a /sys/fs/cgroup."""

    def __init__(self, root: Path) -> None:
        self.proc, self.cgroups = root / "proc", root / "cgroup"

    def process(self, pid: int, groups: str) -> None:
        (self.proc / str(pid)).mkdir(parents=True)
        (self.proc / str(pid) / "cgroup").write_text(groups)

    def file(self, path: str, text: str) -> None:
        file = self.cgroups / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, pid: int) -> Stats | None:
        return cgroups.read(ID, pid, 50.0, proc=self.proc, cgroups=self.cgroups)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_version_1(machine: Machine) -> None:
    machine.process(7, f"4:cpu,cpuacct:/docker/{ID}\n3:memory:/docker/{ID}\n2:pids:/docker/x\n0::/\n")
    machine.file(f"cpu,cpuacct/docker/{ID}/cpuacct.usage", "123\n")
    machine.file(f"memory/docker/{ID}/memory.usage_in_bytes", "100\n")
    machine.file(f"memory/docker/{ID}/memory.stat", V1_MEMORY)
    machine.file(f"cpu,cpuacct/docker/{ID}/cpu.stat", "nr_periods 9\nnr_throttled 2\nthrottled_time 700\n")
    machine.file("pids/docker/x/pids.current", "4\n")
    details = StatsDetails(100, 11, 22, 33, 44, 5, 4, 9, 2, 700)
    assert machine.read(7) == Stats(123, 70, 50.0, details)


def test_version_2(machine: Machine) -> None:
    group = f"system.slice/docker-{ID}.scope"
    machine.process(7, f"0::/{group}\n")
    machine.file(f"{group}/cpu.stat", "usage_usec 5\nnr_periods 9\nnr_throttled 2\nthrottled_usec 7\n")
    machine.file(f"{group}/memory.current", "100\n")
    machine.file(f"{group}/memory.stat", V2_MEMORY)
    machine.file(f"{group}/pids.current", "4\n")
    details = StatsDetails(100, 11, 22, 33, 44, None, 4, 9, 2, 7000)
    assert machine.read(7) == Stats(5000, 70, 50.0, details)


def test_a_group_without_all_controllers(machine: Machine) -> None:
    """What the kernel does not count is not told."""
    machine.process(7, f"0::/docker/{ID}\n")
    machine.file(f"docker/{ID}/cpu.stat", "usage_usec 5\n")
    machine.file(f"docker/{ID}/memory.current", "100\n")
    machine.file(f"docker/{ID}/memory.stat", V2_MEMORY)
    assert machine.read(7) == Stats(5000, 70, 50.0, StatsDetails(100, 11, 22, 33, 44))


def test_another_process_is_not_taken_for_it(machine: Machine) -> None:
    machine.process(7, "0::/user.slice\n")
    machine.file("user.slice/cpu.stat", "usage_usec 5\n")
    assert machine.read(7) is None


def test_what_cannot_be_seen(machine: Machine) -> None:
    assert machine.read(8) is None
    machine.process(7, f"0::/docker/{ID}\n")
    assert machine.read(7) is None
    machine.process(9, "")
    assert machine.read(9) is None
