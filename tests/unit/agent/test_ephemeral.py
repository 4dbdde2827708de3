"""Ephemeral containers on a node: when they run, what they join, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.actions import CreateContainer, KillContainer
from agent.events import field_path
from agent.lifecycle import step
from agent.runtime.base import Image
from agent.runtime.node import NodeContext
from agent.runtime.translate import container_spec
from agent.status import pod_status
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, status
from orchestrator.api.request import STRATEGIC_PATCH
from tests.fakes.agent import Lab, eventually, lab
from tests.fakes.pods import container, deleted, pod
from tests.unit.agent.observations import NOW, instance, sandbox, seen

IMAGES = frozenset({"app", "debug", "first"})


def debugger(**fields: Any) -> Object:
    return container("debug", **fields)


def debugged(**spec: Any) -> Object:
    return pod("web", ephemeralContainers=[debugger()], **spec)


def test_it_starts_beside_what_runs() -> None:
    assert step(debugged(), seen(sandbox(), instance(), images=IMAGES), NOW).actions == (
        CreateContainer("debug", "s1", 0),
    )


def test_it_does_not_wait_for_the_pod_to_be_initialized() -> None:
    observed = seen(sandbox(), instance("first"), images=IMAGES)
    stuck = pod("web", init=[container("first")], ephemeralContainers=[debugger()])
    assert step(stuck, observed, NOW).actions == (CreateContainer("debug", "s1", 0),)


@pytest.mark.parametrize("exit_code", [0, 1])
def test_it_never_restarts(exit_code: int) -> None:
    ended = instance("debug", "exited", exit_code=exit_code, of=debugger())
    assert step(debugged(), seen(sandbox(), instance(), ended), NOW + 9).actions == ()


def test_it_does_not_come_back_with_a_new_sandbox() -> None:
    old = {
        "ephemeralContainerStatuses": [{"name": "debug", "restartCount": 0, "state": {"terminated": {"exitCode": 0}}}]
    }
    observed = seen(sandbox(id="s2"), instance(sandbox="s2"), status=old, images=IMAGES)
    assert step(debugged(), observed, NOW).actions == ()


def test_it_ends_with_the_pod() -> None:
    observed = seen(sandbox(), instance(), instance("debug", of=debugger()))
    actions = step(deleted(debugged(), NOW), observed, NOW).actions
    assert {action.container for action in actions if isinstance(action, KillContainer)} == {"app", "debug"}


def test_it_does_not_keep_a_pod_from_ending() -> None:
    over = debugged(restartPolicy="Never")
    observed = seen(sandbox(), instance(state="exited"), instance("debug", of=debugger()))
    shown = pod_status(over, seen(sandbox(), instance(state="exited")), "192.0.2.1", NOW)
    assert shown["phase"] == "Succeeded"
    (action,) = step(over, observed, NOW).actions
    assert isinstance(action, KillContainer) and action.container == "debug"


def test_its_status_is_apart_and_never_ready() -> None:
    new = pod_status(debugged(), seen(sandbox(), instance(), instance("debug", of=debugger())), "192.0.2.1", NOW)
    (entry,) = new["ephemeralContainerStatuses"]
    assert (entry["name"], entry["ready"], list(entry["state"])) == ("debug", False, ["running"])
    assert "started" not in entry
    assert [other["name"] for other in new["containerStatuses"]] == ["app"]
    assert {c["type"]: c["status"] for c in new["conditions"]}["Ready"] == "True"


def test_events_point_at_it() -> None:
    assert field_path(debugged(), "debug") == "spec.ephemeralContainers{debug}"


@pytest.mark.parametrize(
    ("spec", "target", "namespace"),
    [
        ({}, "", ""),
        ({}, "c1", "container:c1"),
        ({"shareProcessNamespace": True}, "", "container:s1"),
        ({"hostPID": True}, "c1", "host"),
    ],
)
def test_whose_processes_it_sees(spec: Object, target: str, namespace: str) -> None:
    made = container_spec(
        debugged(**spec),
        debugger(),
        sandbox_id="s1",
        image=Image("sha256:1", (), (), 1),
        env=(),
        mounts=(),
        restarts=0,
        node=NodeContext("lab", "node-1", "", "cluster.local"),
        target_id=target,
    )
    assert (made.pid, made.network) == (namespace, "container:s1")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as made:
        made.start()
        made.create(pod("web"))
        eventually(lambda: made.ready("web"))
        yield made


def debug(world: Lab, **fields: Any) -> None:
    added = {"spec": {"ephemeralContainers": [debugger(**fields)]}}
    world.client.patch(POD, "web", added, "default", subresource="ephemeralcontainers", content_type=STRATEGIC_PATCH)


def entry(world: Lab) -> Object:
    found = status(world.pod("web")).get("ephemeralContainerStatuses") or [{"state": {}}]
    return found[0]  # type: ignore[no-any-return]


def test_one_that_is_added_runs_and_ends(world: Lab) -> None:
    app = world.running("web")
    assert app is not None
    debug(world, targetContainerName="app", stdin=True)
    running = eventually(lambda: world.running("web", "debug"))
    assert world.runtime.inspect(running.id).state == "running"
    assert world.runtime.spec(running.id).pid == f"container:{app.id}"  # type: ignore[attr-defined]
    eventually(lambda: "running" in entry(world)["state"])
    world.runtime.exit(running.id, 3)  # type: ignore[attr-defined]
    assert eventually(lambda: entry(world)["state"].get("terminated"))["exitCode"] == 3
    assert world.told("web", "Started")
    assert world.ready("web")


def test_one_whose_target_does_not_run_waits_and_says_so(world: Lab) -> None:
    world.client.delete(POD, "web", "default", grace_seconds=0)
    eventually(lambda: world.gone("web"))
    world.create(pod("web", container(image="absent", imagePullPolicy="Never")))
    debug(world, targetContainerName="app")
    waiting = eventually(
        lambda: (w := entry(world)["state"].get("waiting", {})) and w["reason"] != "ContainerCreating" and w
    )
    assert waiting["reason"] == "CreateContainerConfigError"
    assert waiting["message"] == "unable to find target container app: it does not run"
