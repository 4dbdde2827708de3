from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from orchestrator.cli import kubeconfig
from orchestrator.cli.failure import Failure
from orchestrator.util import pki
from orchestrator.util.settings import Settings

OTHER = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "work", "cluster": {"server": "https://work"}}],
    "users": [{"name": "me", "user": {"token": "t"}}],
    "contexts": [{"name": "work", "context": {"cluster": "work", "user": "me"}}],
    "current-context": "work",
    "extensions": [{"name": "kept"}],
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "podlab")
    settings.home.mkdir()
    pki.ensure(settings.pki, "admin", "kubernetes-admin", ["system:masters"])
    return settings


def test_add_keeps_what_was_there_and_switches_the_context(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(OTHER))
    kubeconfig.add(settings, file)
    config = yaml.safe_load(file.read_text())
    assert [entry["name"] for entry in config["clusters"]] == ["work", "podlab"]
    assert config["current-context"] == "podlab"
    assert config["extensions"] == OTHER["extensions"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_add_twice_is_add_once(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "config"
    kubeconfig.add(settings, file)
    once = file.read_bytes()
    kubeconfig.add(settings, file)
    assert file.read_bytes() == once


def test_remove_takes_out_only_ours(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(OTHER))
    kubeconfig.add(settings, file)
    kubeconfig.remove("podlab", file)
    config = yaml.safe_load(file.read_text())
    assert [entry["name"] for entry in config["contexts"]] == ["work"]
    assert config["current-context"] == ""
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["config"]


def test_a_link_stays_a_link(settings: Settings, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text(yaml.safe_dump(OTHER))
    link = tmp_path / "config"
    link.symlink_to(real)
    kubeconfig.add(settings, link)
    assert link.is_symlink()
    assert yaml.safe_load(real.read_text())["current-context"] == "podlab"


@pytest.mark.parametrize("content", ["- a list", "{not yaml", "just text"])
def test_what_is_no_kubeconfig_is_left_alone(settings: Settings, tmp_path: Path, content: str) -> None:
    file = tmp_path / "config"
    file.write_text(content)
    with pytest.raises(Failure, match="config"):
        kubeconfig.add(settings, file)
    assert file.read_text() == content
