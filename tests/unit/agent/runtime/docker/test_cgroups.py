from __future__ import annotations

from pathlib import Path

import pytest

from agent.runtime.base import Stats
from agent.runtime.docker import cgroups

ID = "ab" * 32


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
    machine.file(f"memory/docker/{ID}/memory.stat", "inactive_file 1\ntotal_inactive_file 30\n")
    assert machine.read(7) == Stats(123, 70, 50.0)


def test_version_2(machine: Machine) -> None:
    group = f"system.slice/docker-{ID}.scope"
    machine.process(7, f"0::/{group}\n")
    machine.file(f"{group}/cpu.stat", "usage_usec 5\nuser_usec 4\n")
    machine.file(f"{group}/memory.current", "100\n")
    machine.file(f"{group}/memory.stat", "anon 1\ninactive_file 30\n")
    assert machine.read(7) == Stats(5000, 70, 50.0)


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
