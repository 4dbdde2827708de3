"""The node's power switch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.halt import halt
from agent.runtime.base import (
    LABEL_CLUSTER,
    LABEL_CONTAINER,
    LABEL_CRITICAL,
    LABEL_GRACE,
    LABEL_NODE,
    SANDBOX,
    ContainerSpec,
)
from agent.runtime.fake import FakeRuntime
from orchestrator.util.clock import SystemClock


class Engine(FakeRuntime):
    """Notes who was stopped, in order, and how long it had."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.add_image("nginx")
        self.stopped: list[tuple[str, float]] = []

    def run(self, name: str, container: str, grace: int, *, node: str = "n1", critical: bool = False) -> None:
        labels = {LABEL_CLUSTER: "c", LABEL_NODE: node, LABEL_CONTAINER: container, LABEL_GRACE: str(grace)}
        labels |= {LABEL_CRITICAL: "true"} if critical else {}
        self.start(self.create(ContainerSpec(name, "nginx", labels)))

    def stop(self, id: str, grace: float) -> None:
        self.stopped.append((self.inspect(id).name, grace))
        super().stop(id, grace)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    made.run("dns-sandbox", SANDBOX, 30, critical=True)
    made.run("dns-app", "app", 30, critical=True)
    made.run("web-sandbox", SANDBOX, 2)
    made.run("web-app", "app", 2)
    made.run("other-app", "app", 2, node="n2")
    yield made


def test_critical_pods_and_sandboxes_end_last_and_nobody_gets_more_than_there_is(engine: Engine) -> None:
    halt(engine, "c", "n1", longest=10.0, remove=False)
    assert engine.stopped == [("web-app", 2), ("web-sandbox", 2), ("dns-app", 10), ("dns-sandbox", 10)]
    assert {c.name: c.state for c in engine.list({LABEL_CLUSTER: "c"})} == {
        "dns-sandbox": "exited",
        "dns-app": "exited",
        "web-sandbox": "exited",
        "web-app": "exited",
        "other-app": "running",
    }


def test_all_of_a_cluster_are_removed(engine: Engine) -> None:
    halt(engine, "c", "", remove=True)
    assert list(engine.list({})) == []
