from __future__ import annotations

import os
import socket
from pathlib import Path

from agent.runtime.docker.privileges import has_capability, may_lower_oom_score


def test_capabilities_are_bits() -> None:
    status = "Name:\tdockerd\nCapPrm:\t000001ffffffffff\nCapEff:\t000001fffeffffff\n"
    assert not has_capability(status, 24)
    assert has_capability(status, 23) and has_capability(status, 25)
    assert not has_capability("Name:\tx\n", 0)


def test_an_engine_out_of_sight_may_not() -> None:
    assert not may_lower_oom_score("tcp://127.0.0.1:2375")
    assert not may_lower_oom_score("unix:///nonexistent/engine.sock")


def test_the_process_behind_the_socket_counts(tmp_path: Path) -> None:
    path = str(tmp_path / "engine.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        own = has_capability(Path(f"/proc/{os.getpid()}/status").read_text(), 24)
        assert may_lower_oom_score(f"unix://{path}") == own
