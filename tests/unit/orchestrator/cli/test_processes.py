from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli.processes import Component, stop


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Component]:
    """A component that runs until it is stopped: `python -m timeit` of something endless."""
    component = Component("sleeper", tmp_path, "timeit", ("-n1", "-r1", "import time; time.sleep(600)"))
    yield component
    stop([component], grace=0.1)


def test_start_is_idempotent_and_stop_ends_it(sleeper: Component) -> None:
    assert sleeper.pid() is None
    assert sleeper.start()
    pid = sleeper.pid()
    assert pid is not None
    assert not sleeper.start()
    assert sleeper.pid() == pid
    assert stop([sleeper]) == ["sleeper"]
    assert sleeper.pid() is None
    assert stop([sleeper]) == []


def test_a_reused_pid_is_not_ours(sleeper: Component) -> None:
    sleeper.pid_file.parent.mkdir()
    sleeper.pid_file.write_text(f"{os.getpid()} another-boot:1")
    assert sleeper.pid() is None


@pytest.mark.parametrize("content", ["", "nonsense", "1 2 3"])
def test_a_damaged_pid_file_means_not_running(sleeper: Component, content: str) -> None:
    sleeper.pid_file.parent.mkdir()
    sleeper.pid_file.write_text(content)
    assert sleeper.pid() is None


def test_last_words_are_the_end_of_the_log(tmp_path: Path) -> None:
    component = Component("broken", tmp_path, "no_such_module", ())
    component.start()
    while component.pid() is not None:
        pass
    assert "no_such_module" in component.last_words()
