"""kill -9 of a writing process at any moment loses nothing that was acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.store.jsonfile import JsonFileStore
from orchestrator.util.clock import SystemClock

ROOT = Path(__file__).parents[2]


def run_and_kill(folder: Path, writers: int, lines: int) -> dict[str, int]:
    """Let the writer acknowledge about `lines` writes, kill it, and return the last acknowledged revision by key."""
    command = [sys.executable, "-m", "tests.faults.store_writer", str(folder), str(writers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    whole = [line.decode().split() for line in told if line.endswith(b"\n")]
    return {key: int(revision) for key, revision in whole}


@pytest.mark.parametrize("writers", [1, 8])
def test_nothing_acknowledged_is_lost(tmp_path: Path, writers: int) -> None:
    rng = random.Random(writers)
    for _ in range(4):
        acknowledged = run_and_kill(tmp_path, writers, rng.randrange(1, 400))
        assert acknowledged
        store = JsonFileStore(tmp_path, SystemClock())
        for key, revision in acknowledged.items():
            entry = store.get(key)
            # One more write of each writer may have become durable just before its acknowledgement could be told.
            assert entry.revision >= revision
            assert entry.object()["metadata"]["resourceVersion"] == str(entry.revision)
        assert store.revision >= max(acknowledged.values())
        store.close()
