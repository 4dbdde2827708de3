"""A real engine that is restarted, dies, hangs or loses its machine: pods keep their identity and their counts."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.runtime.base import ContainerSpec, ContainerState
from agent.runtime.docker import DockerRuntime
from orchestrator.api.groups.core import NODE as NODES
from orchestrator.api.meta import condition, status, uid
from tests.conftest import missing
from tests.fakes import images
from tests.fakes.agent import NODE, Lab, eventually, lab
from tests.fakes.own_engine import OwnEngine, lacking, own_engine
from tests.fakes.pods import container, pod

pytestmark = pytest.mark.engine

#: Seconds for an engine, and then a pod, to be there again.
SOON = 40.0
#: Seconds after which the runtime under test takes the engine for hanging.
PATIENCE = 3


@contextmanager
def prepared(live_restore: bool) -> Iterator[OwnEngine]:
    if lack := lacking():
        missing(f"{lack}, to run an engine of the test's own,")
    with own_engine(Path(tempfile.mkdtemp(prefix="podlab-")), live_restore=live_restore) as made:
        images.busybox(DockerRuntime(made.url))
        yield made


@pytest.fixture(scope="module")
def engine() -> Iterator[OwnEngine]:
    with prepared(live_restore=False) as made:
        yield made


@pytest.fixture(scope="module")
def restoring() -> Iterator[OwnEngine]:
    """An engine whose containers outlive it."""
    with prepared(live_restore=True) as made:
        yield made


@contextmanager
def world_of(engine: OwnEngine, home: Path) -> Iterator[Lab]:
    """An agent on the engine, and a pod `web` that is ready."""
    runtime = DockerRuntime(engine.url, timeout=PATIENCE)
    with lab(home, runtime=runtime) as made:
        made.start()
        command = ["sh", "-c", "trap exit TERM; sleep 600 & wait"]
        made.create(pod("web", container("app", images.busybox(runtime), command=command)))
        eventually(lambda: made.ready("web"), SOON)
        yield made
        for left in made.containers("web"):
            runtime.remove(left.id)


@pytest.fixture
def world(engine: OwnEngine, tmp_path: Path) -> Iterator[Lab]:
    with world_of(engine, tmp_path) as made:
        yield made


def foreign(world: Lab) -> ContainerState:
    """A container that is none of ours, running."""
    runtime = world.runtime
    id = runtime.create(ContainerSpec(f"by-hand-{world.settings.cluster}", runtime.ensure_pause_image(), {}))
    runtime.start(id)
    return runtime.inspect(id)


def node_is(world: Lab, ready: str) -> bool:
    return (condition(world.client.get(NODES, NODE), "Ready") or {}).get("status") == ready


def restarted(world: Lab, count: int) -> bool:
    return bool(world.ready("web")) and world.entry("web").get("restartCount") == count


def check_came_back(world: Lab, pod_uid: str) -> None:
    """The same pod in a new sandbox, its one restart counted, and nothing left of the old one."""
    eventually(lambda: restarted(world, 1), SOON)
    assert uid(world.pod("web")) == pod_uid
    eventually(lambda: status(world.pod("web"))["podIP"] == world.sandbox("web").ip)
    eventually(lambda: len(world.containers("web", "POD")) == 1)
    assert [c.state for c in world.containers("web", "app")].count("running") == 1


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_without_live_restore_pods_come_back(world: Lab, engine: OwnEngine, how: str) -> None:
    pod_uid = uid(world.pod("web"))
    other = foreign(world)
    getattr(engine, how)()
    eventually(lambda: node_is(world, "False"), SOON)
    engine.start()
    check_came_back(world, pod_uid)
    assert node_is(world, "True")
    assert world.runtime.inspect(other.id).state == "exited", "nobody started what is not ours"
    world.runtime.remove(other.id)


def test_after_the_machine_went_down_pods_come_back(world: Lab, engine: OwnEngine) -> None:
    pod_uid = uid(world.pod("web"))
    other = foreign(world)
    world.stop()
    engine.power_off()
    engine.start()
    world.start()
    check_came_back(world, pod_uid)
    assert world.runtime.inspect(other.id).state == "exited", "nobody started what is not ours"
    world.runtime.remove(other.id)


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_with_live_restore_nothing_restarts(restoring: OwnEngine, tmp_path: Path, how: str) -> None:
    with world_of(restoring, tmp_path) as world:
        before = {c.id: (c.state, c.started_at, c.ip) for c in world.containers("web")}
        getattr(restoring, how)()
        eventually(lambda: node_is(world, "False"), SOON)
        restoring.start()
        eventually(lambda: node_is(world, "True"), SOON)
        eventually(lambda: restarted(world, 0), SOON)
        assert {c.id: (c.state, c.started_at, c.ip) for c in world.containers("web")} == before


def test_what_ended_while_a_restoring_engine_was_away_is_restarted_alone(restoring: OwnEngine, tmp_path: Path) -> None:
    with world_of(restoring, tmp_path) as world:
        sandbox, app = world.sandbox("web"), world.running("web")
        restoring.stop()
        os.kill(app.pid, signal.SIGKILL)
        restoring.start()
        eventually(lambda: restarted(world, 1), SOON)
        assert world.sandbox("web").id == sandbox.id


def test_an_engine_that_hangs_is_told_of_and_nothing_restarts(world: Lab, engine: OwnEngine) -> None:
    before = {c.id: c.started_at for c in world.containers("web")}
    engine.pause()
    try:
        world.agent.engine.relist_if_reachable()
        eventually(lambda: node_is(world, "False"), SOON)
        told = condition(world.client.get(NODES, NODE), "Ready")["message"]
    finally:
        engine.resume()
    assert "does not answer in time" in told
    eventually(lambda: node_is(world, "True"), SOON)
    assert {c.id: c.started_at for c in world.containers("web")} == before
    assert restarted(world, 0)


@pytest.mark.parametrize("how", ["kill", "remove"])
def test_a_lost_sandbox_gets_a_new_address_and_keeps_the_identity(world: Lab, how: str) -> None:
    pod_uid = uid(world.pod("web"))
    getattr(world.runtime, how)(world.sandbox("web").id)
    check_came_back(world, pod_uid)
