"""The machine goes down: a whole agent over an engine in memory ends its pods first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.main import Agent
from agent.runtime.fake import FakeRuntime
from agent.shutdown.plan import MESSAGE
from orchestrator.api.groups.core import EVENT, POD
from orchestrator.api.groups.core import NODE as NODE_KIND
from orchestrator.api.meta import condition, status
from orchestrator.client.client import Client
from orchestrator.util.clock import SystemClock
from tests.fakes.agent import NODE, Lab, eventually, lab
from tests.fakes.pods import container, pod


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path, runtime=FakeRuntime(SystemClock())) as made:
        made.settings = replace(made.settings, shutdown_grace_period=3.0, shutdown_grace_period_critical_pods=1.0)
        yield made


def agent_of(world: Lab) -> Agent:
    agent = world.start()
    for name, fields in (("web", {}), ("stubborn", {"args": ["stubborn"]})):
        world.create(pod(name, container(**fields)))
    critical = {"name": "dns", "namespace": "kube-system"}
    spec = pod("dns")["spec"] | {"nodeName": NODE, "priorityClassName": "system-node-critical"}
    world.client.create(POD, {"metadata": critical, "spec": spec | {"automountServiceAccountToken": False}})
    eventually(lambda: world.ready("web") and world.ready("stubborn") and world.running("dns"))
    return agent


def ready(client: Client) -> tuple[str, str]:
    found = condition(client.get(NODE_KIND, NODE), "Ready") or {}
    return str(found.get("status")), str(found.get("message"))


def test_pods_end_before_the_machine_does(world: Lab) -> None:
    agent = agent_of(world)
    agent.node_shutdown.begin(granted=10.0)
    web, stubborn = status(world.pod("web")), status(world.pod("stubborn"))
    for found in (web, stubborn):
        assert (found["phase"], found["reason"], found["message"]) == ("Failed", "Terminated", MESSAGE)
        assert found["conditions"][-1]["type"] == "DisruptionTarget"
    dns = world.client.get(POD, "dns", "kube-system")
    assert status(dns)["phase"] == "Failed"
    (first,), (last,) = world.containers("web", "app"), world.containers("dns", "app")
    assert first.finished_at <= last.finished_at, "critical pods end last"
    eventually(lambda: ready(world.client) == ("False", "node is shutting down"))
    world.create(pod("late"))
    late = eventually(lambda: status(world.pod("late")).get("reason"))
    assert late == "NodeShutdown"
    events = [e["message"] for e in world.client.list(EVENT, "default").items if e["reason"] == "Shutdown"]
    assert events == ["Shutdown manager detected shutdown event"]


def test_a_shutdown_that_is_called_off(world: Lab) -> None:
    agent = world.start()
    agent.node_shutdown.begin(granted=1.0)
    agent.node_shutdown.cancel()
    eventually(lambda: ready(world.client)[0] == "True")
    world.create(pod("web"))
    eventually(lambda: world.ready("web"))


def test_no_more_time_than_the_machine_grants(world: Lab) -> None:
    agent = agent_of(world)
    begun = world.clock.monotonic()
    agent.node_shutdown.begin(granted=1.0)
    assert world.clock.monotonic() - begun < 3
