from __future__ import annotations

import io
import platform
import signal
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest

from agent.runtime.base import RuntimeFailure
from agent.runtime.docker.pause import pause_image

#: e_machine of elf(5).
MACHINES = {"amd64": 62, "arm64": 183}
ET_EXEC, PT_INTERP = 2, 3


def program(architecture: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(pause_image(architecture).tar)) as tar:
        (entry,) = tar.getmembers()
        assert (entry.name, entry.mode) == ("pause", 0o755)
        file = tar.extractfile(entry)
        assert file is not None
        return file.read()


@pytest.mark.parametrize("architecture", MACHINES)
def test_the_program_is_small_static_and_for_its_machine(architecture: str) -> None:
    elf = program(architecture)
    assert elf[:5] == b"\x7fELF\x02"
    assert len(elf) < 4096
    assert struct.unpack_from("<HH", elf, 16) == (ET_EXEC, MACHINES[architecture])
    offset, size, count = *struct.unpack_from("<Q", elf, 32), *struct.unpack_from("<HH", elf, 54)
    segments = [struct.unpack_from("<I", elf, offset + number * size)[0] for number in range(count)]
    assert PT_INTERP not in segments


def test_the_tag_changes_with_the_program() -> None:
    assert pause_image("amd64").reference.startswith("podlab/pause:")
    assert pause_image("amd64").reference != pause_image("arm64").reference
    assert pause_image("amd64") == pause_image("amd64")


def test_a_machine_without_a_program() -> None:
    with pytest.raises(RuntimeFailure, match="no pause program for s390x"):
        pause_image("s390x")


amd64_only = pytest.mark.skipif(platform.machine() != "x86_64", reason="runs the program for x86_64")


@pytest.fixture
def executable(tmp_path: Path) -> Path:
    file = tmp_path / "pause"
    file.write_bytes(program("amd64"))
    file.chmod(0o755)
    return file


@amd64_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_waits_for_the_stop_signal(executable: Path, number: signal.Signals) -> None:
    process = subprocess.Popen([executable])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.send_signal(number)
    assert process.wait(5) == 0


@amd64_only
def test_it_empties_a_folder(executable: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "a" / "b").mkdir(parents=True)
    for number in range(500):
        (folder / "a" / "b" / f"a-file-with-a-rather-long-name-{number}").touch()
    (folder / "..data").symlink_to(tmp_path)
    (folder / ".hidden").touch()
    assert subprocess.run([executable, "empty", folder]).returncode == 0
    assert list(folder.iterdir()) == []
    assert executable.exists()
    assert subprocess.run([executable, "empty", tmp_path / "none"]).returncode == 1
