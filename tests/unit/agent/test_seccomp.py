from __future__ import annotations

from pathlib import Path

import pytest

from agent import seccomp
from agent.runtime.base import ConfigError
from orchestrator.api.meta import Object
from tests.fakes import pods


def profiled(path: str) -> Object:
    return pods.pod(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": path}})


def test_a_profile_is_read_from_the_nodes_folder(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "a.json").write_text('{ "defaultAction": "SCMP_ACT_LOG" }')
    pod = profiled("audit/a.json")
    assert seccomp.profile(pod, pod["spec"]["containers"][0], tmp_path) == '{"defaultAction":"SCMP_ACT_LOG"}'


@pytest.mark.parametrize(("text", "why"), [(None, "No such file"), ("{", "Expecting property name")])
def test_a_profile_that_cannot_be_loaded(tmp_path: Path, text: str | None, why: str) -> None:
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    pod = profiled("a.json")
    with pytest.raises(ConfigError, match=f'cannot load seccomp profile ".*/a.json": .*{why}'):
        seccomp.profile(pod, pod["spec"]["containers"][0], tmp_path)


def test_without_one(tmp_path: Path) -> None:
    pod = pods.pod(securityContext={"seccompProfile": {"type": "RuntimeDefault"}})
    assert seccomp.profile(pod, pod["spec"]["containers"][0], tmp_path) == ""
