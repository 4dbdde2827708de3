"""What is left of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.eviction.signals import IMAGE_DISK, IMAGE_INODES, MEMORY, NODE_DISK, NODE_INODES, PIDS, Observation, observe


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    kernel = tmp_path / "sys/kernel"
    kernel.mkdir(parents=True)
    (kernel / "pid_max").write_text("32768\n")
    (kernel / "threads-max").write_text("1000\n")
    (tmp_path / "loadavg").write_text("0.00 0.01 0.05 2/300 4711\n")
    (tmp_path / "meminfo").write_text(
        "MemTotal:  1000 kB\nMemFree:  300 kB\nInactive(file):  200 kB\nHugePages_Total: 0\n"
    )
    return tmp_path


def test_memory_and_processes(proc: Path) -> None:
    found = observe(proc, "", proc)
    assert found[MEMORY] == Observation(500 * 1024, 1000 * 1024)
    assert found[PIDS] == Observation(700, 1000)
    assert IMAGE_DISK not in found


def test_disks(proc: Path) -> None:
    found = observe(proc, str(proc), proc)
    assert 0 < found[NODE_DISK].available <= found[NODE_DISK].capacity
    assert found[IMAGE_DISK].capacity == found[NODE_DISK].capacity
    assert found[NODE_INODES].capacity == found[IMAGE_INODES].capacity


def test_an_engine_elsewhere_is_left_out(proc: Path) -> None:
    assert IMAGE_DISK not in observe(proc, "/nonexistent/engine", proc)


def test_a_file_system_without_a_number_of_inodes_does_not_run_out_of_them(proc: Path) -> None:
    """/proc says 0 of 0."""
    assert NODE_INODES not in observe(Path("/proc"), "", proc)


def test_this_machine() -> None:
    assert observe(Path("/"), "")[PIDS].available > 0
