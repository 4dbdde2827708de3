"""In-place resize, in a whole agent over the fake engine and the in-process API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.observed import ResizeRefusal
from agent.resize import refusal
from agent.runtime.fake import FakeRuntime
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, condition
from orchestrator.api.request import STRATEGIC_PATCH
from orchestrator.util.clock import SystemClock
from tests.fakes.agent import Lab, eventually, lab
from tests.fakes.pods import container, pod


@pytest.fixture
def engine() -> FakeRuntime:
    return FakeRuntime(SystemClock())


@pytest.fixture
def world(tmp_path: Path, engine: FakeRuntime) -> Iterator[Lab]:
    with lab(tmp_path, runtime=engine) as made:
        made.start()
        yield made


def sized(cpu: str, memory: str = "64Mi", **fields: Any) -> Object:
    return container(resources=resources(cpu, memory), **fields)


def resources(cpu: str, memory: str = "64Mi") -> Object:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": "2", "memory": "128Mi"}}


def run(world: Lab, asked: Object) -> str:
    world.create(asked)
    name = asked["metadata"]["name"]
    eventually(lambda: world.ready(name))
    return str(world.running(name).id)


def resize(world: Lab, wanted: Object, name: str = "web") -> None:
    patch = {"spec": {"containers": [{"name": "app", "resources": wanted}]}}
    world.client.patch(POD, name, patch, "default", subresource="resize", content_type=STRATEGIC_PATCH)


def test_the_limits_of_the_running_container_change(world: Lab, engine: FakeRuntime) -> None:
    id = run(world, pod("web", sized("100m")))
    assert world.entry("web")["allocatedResources"] == {"cpu": "100m", "memory": "64Mi"}
    resize(world, {"requests": {"cpu": "500m"}, "limits": {"cpu": "3", "memory": "256Mi"}})
    eventually(lambda: world.entry("web").get("resources", {}).get("limits") == {"cpu": "3", "memory": "256Mi"})
    actual = engine.inspect(id)
    assert (actual.resources.cpu_shares, actual.resources.cpu_quota, actual.resources.memory) == (
        512,
        300_000,
        256 << 20,
    )
    assert world.entry("web")["restartCount"] == 0
    assert world.entry("web")["allocatedResources"] == {"cpu": "500m", "memory": "64Mi"}
    eventually(lambda: condition(world.pod("web"), "PodResizeInProgress") is None)
    eventually(lambda: world.told("web", "ResizeCompleted"))


def test_a_policy_may_want_a_restart(world: Lab, engine: FakeRuntime) -> None:
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    id = run(world, pod("web", sized("100m", resizePolicy=policy)))
    resize(world, {"requests": {"cpu": "200m"}})
    eventually(lambda: engine.inspect(id).resources.cpu_shares == 204)
    resize(world, {"limits": {"memory": "96Mi"}})
    eventually(lambda: world.ready("web") and world.entry("web")["restartCount"] == 1)
    assert engine.inspect(world.running("web").id).resources.memory == 96 << 20
    assert "Container app resize requires restart" in [message for _, message in world.events("web")]


def test_what_the_node_never_has_is_infeasible(world: Lab, engine: FakeRuntime) -> None:
    id = run(world, pod("web", sized("100m")))
    resize(world, {"requests": {"cpu": "99"}, "limits": {"cpu": "99"}})
    pending = eventually(lambda: condition(world.pod("web"), "PodResizePending"))
    assert (pending["status"], pending["reason"]) == ("True", "Infeasible")
    assert pending["message"] == "Node didn't have enough capacity: cpu, requested: 99000, capacity: 4000"
    assert engine.inspect(id).resources.cpu_quota == 200_000
    assert world.entry("web")["resources"]["requests"]["cpu"] == "100m"
    resize(world, {"requests": {"cpu": "150m"}, "limits": {"cpu": "2"}})
    eventually(lambda: condition(world.pod("web"), "PodResizePending") is None)
    eventually(lambda: engine.inspect(id).resources.cpu_shares == 153)
    eventually(lambda: world.told("web", "ResizeInfeasible"))


def test_what_the_node_has_not_now_waits_until_it_has(world: Lab, engine: FakeRuntime) -> None:
    run(world, pod("other", sized("2")))
    id = run(world, pod("web", sized("100m")))
    resize(world, {"requests": {"cpu": "2500m"}, "limits": {"cpu": "3"}})
    pending = eventually(lambda: condition(world.pod("web"), "PodResizePending"))
    assert pending["reason"] == "Deferred"
    assert pending["message"] == "Node didn't have enough resource: cpu, requested: 2500, used: 2000, capacity: 4000"
    world.client.delete(POD, "other", "default")
    eventually(lambda: engine.inspect(id).resources.cpu_shares == 2560)
    eventually(lambda: condition(world.pod("web"), "PodResizePending") is None)


def test_an_engine_that_refuses_is_told_of_and_asked_again(world: Lab, engine: FakeRuntime) -> None:
    engine.update_failures["nginx"] = "no such limit"
    id = run(world, pod("web", sized("100m")))
    resize(world, {"requests": {"cpu": "200m"}})
    progress = eventually(lambda: (c := condition(world.pod("web"), "PodResizeInProgress")) and c.get("reason") and c)
    assert (progress["reason"], progress["message"]) == ("Error", "no such limit")
    assert "no such limit" in eventually(lambda: world.told("web", "ResizeError"))
    assert world.entry("web")["resources"]["requests"]["cpu"] == "100m"
    engine.update_failures.clear()
    eventually(lambda: engine.inspect(id).resources.cpu_shares == 204)


def test_a_new_agent_goes_on_with_it(world: Lab, engine: FakeRuntime) -> None:
    id = run(world, pod("web", sized("100m")))
    world.stop()
    resize(world, {"requests": {"cpu": "99"}, "limits": {"cpu": "99"}})
    world.start()
    pending = eventually(lambda: condition(world.pod("web"), "PodResizePending"))
    assert pending["reason"] == "Infeasible"
    assert engine.inspect(id).resources.cpu_quota == 200_000, "what was granted is known by the status"


def test_pods_that_ended_take_no_room() -> None:
    ended = pod("ended", sized("4")) | {"status": {"phase": "Failed"}}
    asked, room = pod("web", sized("1")), {"cpu": "2", "memory": "1Gi"}
    assert refusal(asked, [ended], room) is None
    assert refusal(asked, [pod("other", sized("1500m"))], room) == ResizeRefusal(
        "Deferred", "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000"
    )
