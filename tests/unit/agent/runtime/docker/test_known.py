from __future__ import annotations

from dataclasses import replace

from agent.runtime.base import ContainerState
from agent.runtime.docker.known import KnownContainers

RUNNING = ContainerState("c1", "web", {"node": "n1"}, "nginx:1", "i", "running")


def test_what_is_known_holds_while_the_state_does() -> None:
    known = KnownContainers()
    assert known.get("c1", "running") is None
    known.put(RUNNING)
    assert known.get("c1", "running") == RUNNING
    assert known.get("c1", "exited") is None


def test_a_created_container_is_asked_for_anew() -> None:
    known = KnownContainers()
    known.put(replace(RUNNING, state="created"))
    assert known.get("c1", "created") is None


def test_what_is_gone_is_forgotten() -> None:
    known = KnownContainers()
    other = replace(RUNNING, id="c2", labels={"node": "n2"})
    known.put(RUNNING)
    known.put(other)
    known.keep([], {"node": "n1"})
    assert known.get("c1", "running") is None
    assert known.get("c2", "running") == other
    known.forget("c2")
    assert known.get("c2", "running") is None
