"""postStart and preStop, in a whole agent over the fake engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from agent.hooks import grace_after
from agent.runtime.base import ExecResult
from agent.runtime.fake import FakeRuntime
from orchestrator.api.groups.core import CONFIG_MAP, POD
from orchestrator.util.clock import SystemClock
from tests.fakes.agent import Lab, eventually, lab
from tests.fakes.pods import container, pod


class Recorded(FakeRuntime):
    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.log: list[str] = []
        self.graces: list[float] = []
        self.failing: Counter[str] = Counter()
        self.hanging: set[str] = set()

    def exec(self, id: str, command: Sequence[str], timeout: float) -> ExecResult:
        self.log.append(command[0])
        if command[0] in self.hanging:
            return super().exec(id, ["hang"], timeout)
        failed = self.failing[command[0]] > 0
        self.failing[command[0]] -= 1
        return ExecResult(1 if failed else 0, b"no luck")

    def stop(self, id: str, grace: float) -> None:
        self.log.append("stop")
        super().stop(id, grace)


@pytest.fixture
def engine() -> Recorded:
    return Recorded()


@pytest.fixture
def world(tmp_path: Path, engine: Recorded) -> Iterator[Lab]:
    with lab(tmp_path, runtime=engine) as made:
        made.start()
        yield made


def hooked(**hooks: str) -> dict[str, object]:
    return {"lifecycle": {hook: {"exec": {"command": [command]}} for hook, command in hooks.items()}}


def test_hooks_run_after_the_start_and_before_the_stop(world: Lab, engine: Recorded) -> None:
    world.create(pod("web", container(**hooked(postStart="hello", preStop="goodbye"))))
    eventually(lambda: world.ready("web"))
    assert engine.log == ["hello"]
    world.client.delete(POD, "web", "default")
    eventually(lambda: world.gone("web"))
    assert engine.log == ["hello", "goodbye", "stop"]


def test_a_container_whose_first_hook_fails_is_started_again(world: Lab, engine: Recorded) -> None:
    engine.failing["hello"] = 1
    world.create(pod("web", container(**hooked(postStart="hello"))))
    eventually(lambda: world.ready("web") and world.entry("web")["restartCount"] == 1)
    assert eventually(lambda: world.told("web", "FailedPostStartHook")) == "PostStartHook failed: no luck"


def test_a_failed_last_hook_is_told_and_holds_up_nothing(world: Lab, engine: Recorded) -> None:
    engine.failing["goodbye"] = 1
    world.create(pod("web", container(**hooked(preStop="goodbye"))))
    eventually(lambda: world.ready("web"))
    world.client.delete(POD, "web", "default")
    eventually(lambda: world.gone("web"))
    assert eventually(lambda: world.told("web", "FailedPreStopHook")) == "PreStopHook failed: no luck"


def test_a_container_has_not_started_while_its_first_hook_runs(world: Lab, engine: Recorded) -> None:
    engine.hanging.add("hello")
    world.create(pod("web", container(**hooked(postStart="hello"))))
    eventually(lambda: world.running("web") and engine.log == ["hello"])
    assert world.waiting("web") == "ContainerCreating"
    world.client.delete(POD, "web", "default")
    eventually(lambda: world.gone("web"))
    assert world.told("web", "FailedPostStartHook") == "", "it was ended, it did not fail"


def test_a_sleep_ends_with_the_container(world: Lab, engine: Recorded) -> None:
    world.create(
        pod("web", container(lifecycle={"postStart": {"sleep": {"seconds": 500}}}), terminationGracePeriodSeconds=600)
    )
    eventually(lambda: world.running("web"))
    world.client.delete(POD, "web", "default")
    eventually(lambda: world.gone("web"))


def test_a_hook_cannot_be_a_tcp_socket(world: Lab) -> None:
    world.create(pod("web", container(lifecycle={"postStart": {"tcpSocket": {"port": 80}}}), restartPolicy="Never"))
    assert "invalid handler: a hook cannot be a tcpSocket" in eventually(
        lambda: world.told("web", "FailedPostStartHook")
    )
    eventually(lambda: ("Killing", "FailedPostStartHook") in world.events("web"))


@pytest.mark.parametrize(("grace", "used", "left"), [(30, 0, 30), (30, 10, 20), (30, 30, 2), (1, 0, 1)])
def test_the_hook_uses_up_the_grace(grace: float, used: float, left: float) -> None:
    assert grace_after(grace, used) == left


def test_volumes_follow_their_config_map(world: Lab) -> None:
    config = {"metadata": {"name": "settings", "namespace": "default"}, "data": {"color": "blue"}}
    world.client.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", **config})
    volume = {"name": "config", "configMap": {"name": "settings"}}
    made = world.create(
        pod("web", container(volumeMounts=[{"name": "config", "mountPath": "/etc/config"}]), volumes=[volume])
    )
    eventually(lambda: world.ready("web"))
    file = world.settings.node_dir("n1") / "pods" / made["metadata"]["uid"] / "config" / "color"
    assert file.read_text() == "blue"
    world.client.patch(CONFIG_MAP, "settings", {"data": {"color": "red"}}, "default")
    assert world.agent is not None
    world.agent.kubelet.refresh_volumes()
    eventually(lambda: file.read_text() == "red")
