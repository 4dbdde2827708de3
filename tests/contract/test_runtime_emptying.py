from __future__ import annotations

from pathlib import Path

import pytest

from agent.runtime.docker import DockerRuntime
from agent.runtime.emptying import empty_folder

pytestmark = pytest.mark.engine


def test_a_folder_is_emptied_whatever_is_in_it(engine: str, tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    folder = tmp_path / "folder"
    (folder / "a" / "b").mkdir(parents=True)
    for number in range(300):
        (folder / "a" / "b" / f"a-file-with-a-rather-long-name-{number}").touch()
    (folder / ".hidden").touch()
    (folder / "..data").symlink_to(tmp_path)
    (folder / "a").chmod(0o500)
    empty_folder(DockerRuntime(engine), folder)
    assert list(folder.iterdir()) == []
    assert (tmp_path / "kept").exists()


def test_what_was_left_over_is_no_hindrance(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = DockerRuntime(engine)
    (tmp_path / "a").touch()
    with monkeypatch.context() as killed:
        killed.setattr(runtime, "remove", lambda id: None)
        empty_folder(runtime, tmp_path)
    (tmp_path / "b").touch()
    empty_folder(runtime, tmp_path)
    assert list(tmp_path.iterdir()) == []
