"""Outages and mishaps of one node: whatever happens, its pods end up as the API says, and nothing runs twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.runtime.base import LABEL_CLUSTER, LABEL_NODE, ContainerSpec, Disk, EngineUnreachable, NoSuchImage
from agent.runtime.fake import FakeRuntime
from orchestrator.api.groups.core import CONFIG_MAP, POD
from orchestrator.api.groups.core import NODE as NODES
from orchestrator.api.meta import Object, condition, status
from tests.fakes.agent import NODE, Lab, eventually, lab
from tests.fakes.pods import container, pod


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as made:
        yield made


@pytest.fixture
def engine(world: Lab) -> FakeRuntime:
    assert isinstance(world.runtime, FakeRuntime)
    return world.runtime


def run(world: Lab, asked: Object) -> Object:
    name = asked["metadata"]["name"]
    world.create(asked)
    return eventually(lambda: world.ready(name))


def node_ready(world: Lab) -> Object:
    found = condition(world.client.get(NODES, NODE), "Ready")
    assert found is not None
    return found


def test_a_new_agent_adopts_the_containers_and_restarts_none(world: Lab) -> None:
    world.start()
    run(world, pod("web", container("app", readinessProbe={"exec": {"command": ["ok"]}})))
    before, written = world.containers("web"), world.pod("web")["metadata"]["resourceVersion"]
    world.stop()
    world.start()
    run(world, pod("other"))
    assert world.containers("web") == before
    assert world.pod("web")["metadata"]["resourceVersion"] == written, "a status was written though nothing changed"


def test_restarts_are_counted_on_across_agents(world: Lab, engine: FakeRuntime) -> None:
    world.start()
    run(world, pod())
    engine.exit(world.running("web").id, 1)
    eventually(lambda: world.entry("web").get("restartCount") == 1 and world.ready("web"))
    world.stop()
    engine.exit(world.running("web").id, 1)
    world.start()
    assert eventually(lambda: world.waiting("web")) == "CrashLoopBackOff"
    entry = world.entry("web")
    assert entry["restartCount"] == 1
    assert entry["lastState"]["terminated"]["exitCode"] == 1
    assert "back-off 10s restarting failed container=app pod=web_default(" in entry["state"]["waiting"]["message"]
    eventually(lambda: world.told("web", "BackOff"))


def test_a_container_removed_by_hand_comes_back(world: Lab, engine: FakeRuntime) -> None:
    world.start()
    run(world, pod())
    engine.remove(world.running("web").id)
    entry = eventually(lambda: world.running("web") and world.ready("web") and world.entry("web"))
    assert entry["restartCount"] == 1
    assert entry["lastState"]["terminated"]["reason"] == "ContainerStatusUnknown"


def test_a_dead_sandbox_takes_its_containers_through_a_restart(world: Lab, engine: FakeRuntime) -> None:
    world.start()
    run(world, pod("web", container("a"), container("b")))
    sandbox, a, b = world.sandbox("web"), world.running("web", "a"), world.running("web", "b")
    engine.exit(sandbox.id, 137)
    eventually(lambda: world.sandbox("web") and world.sandbox("web").id != sandbox.id)
    eventually(lambda: world.ready("web") and status(world.pod("web"))["podIP"] == world.sandbox("web").ip)
    assert {world.running("web", "a").id, world.running("web", "b").id}.isdisjoint({a.id, b.id})
    assert [world.entry("web", name)["restartCount"] for name in ("a", "b")] == [1, 1]
    assert len(world.containers("web", "POD")) == 1
    eventually(lambda: world.told("web", "SandboxChanged"))


def test_an_image_that_does_not_exist_is_named_and_waited_for(world: Lab, engine: FakeRuntime) -> None:
    engine.pull_failures["nowhere/none:1"] = "manifest for nowhere/none:1 not found"
    world.start()
    world.create(pod("web", container(image="nowhere/none:1")))
    eventually(lambda: world.waiting("web") == "ErrImagePull")
    assert "manifest for nowhere/none:1 not found" in world.entry("web")["state"]["waiting"]["message"]
    eventually(lambda: world.waiting("web") == "ImagePullBackOff")
    assert status(world.pod("web"))["phase"] == "Pending"
    eventually(lambda: "Failed to pull image" in world.told("web", "Failed"))


def test_an_image_that_is_removed_before_its_container_is_made_is_pulled_again(world: Lab, engine: FakeRuntime) -> None:
    """As by `docker rmi`, or another node's garbage collection, at the wrong moment."""
    made_of, gone = engine.create, []

    def create(spec: ContainerSpec) -> str:
        if spec.image == "nginx:1" and not gone:
            gone.append(spec.image)
            engine.remove_image(spec.image)
        return made_of(spec)

    engine.create = create  # type: ignore[method-assign]
    world.start()
    world.create(pod("web", container(image="nginx:1")))
    eventually(lambda: world.ready("web"))
    assert engine.pulled == ["nginx:1"] * 2
    assert "No such image" in eventually(lambda: world.told("web", "Failed"))


def test_an_engine_that_fails_during_a_pull_is_asked_again(world: Lab, engine: FakeRuntime) -> None:
    pulls = engine.pull
    failures = [EngineUnreachable("Docker Engine does not answer in time")]

    def pull(reference: str, *arguments: Any, **options: Any) -> None:
        if failures:
            raise failures.pop()
        pulls(reference, *arguments, **options)

    engine.pull = pull  # type: ignore[method-assign]
    world.start()
    world.create(pod())
    eventually(lambda: world.ready("web"))
    assert not failures


def test_images_are_pulled_one_by_one_where_that_is_asked_for(world: Lab, engine: FakeRuntime) -> None:
    world.settings = replace(world.settings, serialize_image_pulls=True)
    pulls, running, most = engine.pull, [], []

    def pull(reference: str, *arguments: Any, **options: Any) -> None:
        running.append(reference)
        most.append(len(running))
        pulls(reference, *arguments, **options)
        running.remove(reference)

    engine.pull = pull  # type: ignore[method-assign]
    world.start()
    for number in range(10):
        world.create(pod(f"web-{number}", container(image=f"nginx:{number}")))
    for number in range(10):
        eventually(lambda number=number: world.ready(f"web-{number}"))
    assert most == [1] * 10


def test_a_full_disk_is_the_nodes_trouble_and_its_images_go(world: Lab, engine: FakeRuntime) -> None:
    world.settings = replace(world.settings, image_minimum_gc_age=0.0)
    agent = world.start()
    run(world, pod("web", container(image="nginx:1")))
    world.client.delete(POD, "web", "default", grace_seconds=0)
    eventually(lambda: world.gone("web") and not world.containers("web"))
    engine.space = Disk(100 << 30, 1 << 30)
    agent.images.collector.collect()
    with pytest.raises(NoSuchImage):
        engine.image("nginx:1")
    told = eventually(lambda: world.told(NODE, "FreeDiskSpaceFailed"))
    assert "but only found 1048576 bytes eligible to free" in told
    eventually(lambda: "nginx:1" not in str(status(world.client.get(NODES, NODE)).get("images")))


def test_a_missing_config_map_holds_the_container_until_it_comes(world: Lab, engine: FakeRuntime) -> None:
    world.start()
    env = [{"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}}]
    world.create(pod("web", container(env=env)))
    eventually(lambda: world.waiting("web") == "CreateContainerConfigError")
    assert world.entry("web")["state"]["waiting"]["message"] == 'configmap "settings" not found'
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "default"},
        "data": {"color": "blue"},
    }
    world.client.create(CONFIG_MAP, config)
    eventually(lambda: world.ready("web"))
    assert ("COLOR", "blue") in engine.spec(world.running("web").id).env


def test_a_missing_volume_holds_the_pod_until_it_comes(world: Lab) -> None:
    world.start()
    volume = {"name": "config", "configMap": {"name": "settings"}}
    world.create(pod("web", container(volumeMounts=[{"name": "config", "mountPath": "/etc/config"}]), volumes=[volume]))
    assert 'MountVolume.SetUp failed for volume "config"' in eventually(lambda: world.told("web", "FailedMount"))
    assert world.waiting("web") == "ContainerCreating"
    world.client.create(
        CONFIG_MAP,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "default"}, "data": {}},
    )
    eventually(lambda: world.ready("web"))


def test_a_command_that_does_not_exist_is_an_end_with_a_reason(world: Lab, engine: FakeRuntime) -> None:
    engine.start_failures["nginx"] = 'exec: "nope": executable file not found in $PATH'
    world.start()
    world.create(pod("web", container(command=["nope"])))
    eventually(lambda: world.waiting("web") == "RunContainerError")
    entry = world.entry("web")
    assert "executable file not found" in entry["state"]["waiting"]["message"]
    assert entry["lastState"]["terminated"]["reason"] == "StartError"
    assert entry["restartCount"] == 1


def test_a_pod_that_never_restarts_fails_by_a_bad_command(world: Lab, engine: FakeRuntime) -> None:
    engine.start_failures["nginx"] = 'exec: "nope": executable file not found in $PATH'
    world.start()
    world.create(pod("job", restartPolicy="Never"))
    eventually(lambda: status(world.pod("job"))["phase"] == "Failed")
    eventually(lambda: not world.containers("job", "POD"))
    assert world.entry("job")["state"]["terminated"]["reason"] == "StartError"


def test_an_engine_that_goes_away_is_told_and_nothing_is_concluded(world: Lab, engine: FakeRuntime) -> None:
    world.start()
    run(world, pod())
    before = world.containers("web")
    engine.break_off()
    eventually(lambda: node_ready(world)["status"] == "False")
    assert "switched off" in node_ready(world)["message"]
    world.create(pod("later"))
    engine.unreachable = False
    eventually(lambda: world.ready("later"))
    eventually(lambda: node_ready(world)["status"] == "True")
    assert world.containers("web") == before
    assert world.ready("web")


def test_an_engine_that_answers_with_errors_is_told_and_followed_again(world: Lab, engine: FakeRuntime) -> None:
    world.start()
    run(world, pod())
    ended = world.running("web")
    engine.fail("containerd: connection refused")
    eventually(lambda: node_ready(world)["status"] == "False")
    assert "containerd: connection refused" in node_ready(world)["message"]
    engine.failure = ""
    engine.exit(ended.id, 1)
    eventually(lambda: node_ready(world)["status"] == "True")
    eventually(lambda: world.running("web") and world.entry("web").get("restartCount") == 1)


def test_what_ended_while_the_engine_was_away_is_started_again(world: Lab, engine: FakeRuntime) -> None:
    world.start()
    run(world, pod())
    ended = world.running("web")
    engine.break_off()
    eventually(lambda: node_ready(world)["status"] == "False")
    engine.exit(ended.id, 1)
    engine.unreachable = False
    eventually(lambda: world.running("web") and world.entry("web").get("restartCount") == 1)


def test_a_pod_deleted_while_the_agent_was_away_ends_when_it_is_back(world: Lab) -> None:
    world.start()
    run(world, pod())
    world.stop()
    world.client.delete(POD, "web", "default")
    world.start()
    eventually(lambda: world.gone("web"))
    assert world.containers("web") == []


def test_a_pod_forced_out_of_the_api_leaves_no_container_behind(world: Lab) -> None:
    world.start()
    run(world, pod())
    world.stop()
    world.client.delete(POD, "web", "default", grace_seconds=0)
    assert world.gone("web")
    world.start()
    eventually(lambda: world.containers("web") == [])


def test_volumes_of_pods_long_gone_are_removed(world: Lab) -> None:
    leftover = world.settings.node_dir(NODE) / "pods" / "long-gone" / "volumes" / "data"
    leftover.mkdir(parents=True)
    world.start()
    eventually(lambda: not leftover.exists())


def test_while_the_master_is_away_containers_are_kept_and_restarted_and_told_later(
    world: Lab, engine: FakeRuntime
) -> None:
    world.start()
    run(world, pod())
    first = world.running("web")
    world.switch.turn_off()
    engine.exit(first.id, 1)
    second = eventually(lambda: world.running("web"))
    assert second.id != first.id
    assert world.entry("web")["restartCount"] == 0, "the master is away, so it cannot know"
    world.switch.on = True
    eventually(lambda: world.entry("web").get("restartCount") == 1)
    assert world.running("web").id == second.id


def test_an_agent_that_starts_without_the_master_touches_no_container(world: Lab, engine: FakeRuntime) -> None:
    world.start()
    run(world, pod())
    world.stop()
    before = world.containers("web")
    world.switch.turn_off()
    agent = world.launch()
    eventually(lambda: agent.kubelet.listed_once)
    assert world.containers("web") == before
    world.switch.on = True
    eventually(lambda: agent.node.registered.is_set())
    run(world, pod("other"))
    assert world.containers("web") == before


def test_foreign_containers_are_never_touched(world: Lab, engine: FakeRuntime) -> None:
    engine.add_image("nginx")
    others = [
        ContainerSpec("by-hand", "nginx", {}),
        ContainerSpec("other-node", "nginx", {LABEL_CLUSTER: world.settings.cluster, LABEL_NODE: "n2"}),
        ContainerSpec("other-cluster", "nginx", {LABEL_CLUSTER: "another", LABEL_NODE: NODE}),
    ]
    ids = [engine.create(spec) for spec in others]
    for id in ids:
        engine.start(id)
    world.start()
    run(world, pod())
    assert [engine.inspect(id).state for id in ids] == ["running"] * 3


def test_a_lost_status_is_written_again(world: Lab) -> None:
    agent = world.start()
    run(world, pod())
    world.client.patch(POD, "web", {"status": {"phase": "Pending"}}, "default", subresource="status")
    eventually(lambda: status(agent.kubelet.worker("default", "web").pod)["phase"] == "Pending")
    agent.engine.relist()
    eventually(lambda: status(world.pod("web"))["phase"] == "Running")
