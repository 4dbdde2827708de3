"""Static pods, in a whole agent over the fake engine and the in-process API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.manifests import ManifestError, static_pod
from agent.runtime.fake import FakeRuntime
from orchestrator.api.errors import Forbidden, Invalid
from orchestrator.api.groups.core import EVENT, NODE, POD
from orchestrator.api.meta import Object, owner_references, uid
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.client.client import Client
from tests.fakes.agent import NODE as NODE_NAME
from tests.fakes.agent import Lab, eventually, lab

WEB = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "app", "image": "nginx"}]},
}
#: The name in the API.
NAME = f"web-{NODE_NAME}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as made:
        yield made


def folder(world: Lab) -> Path:
    return world.settings.node_dir(NODE_NAME) / "manifests"


def write(world: Lab, file: str = "web.yaml", **spec: object) -> None:
    folder(world).mkdir(parents=True, exist_ok=True)
    (folder(world) / file).write_text(json.dumps({**WEB, "spec": {**WEB["spec"], **spec}}))  # type: ignore[dict-item]


def sync(world: Lab) -> None:
    """What the agent does each second."""
    assert world.agent is not None
    world.agent.statics.load()
    world.agent.statics.show()


def shown(world: Lab) -> Object:
    """The mirror pod, once it is ready."""

    def found() -> Object | None:
        sync(world)
        return world.ready(NAME) if world.exists(NAME) else None

    mirror = eventually(found)
    assert mirror is not None
    return mirror


def test_a_manifest_runs_and_is_shown(world: Lab) -> None:
    write(world)
    world.start()
    mirror = shown(world)
    notes = annotations_of(mirror)
    assert notes["kubernetes.io/config.source"] == "file"
    assert notes["kubernetes.io/config.mirror"] == notes["kubernetes.io/config.hash"] != uid(mirror)
    assert notes["kubernetes.io/config.seen"]
    (owner,) = owner_references(mirror)
    assert (owner["kind"], owner["uid"]) == ("Node", uid(world.client.get(NODE, NODE_NAME)))
    assert mirror["spec"]["nodeName"] == NODE_NAME
    assert "volumes" not in mirror["spec"], "it has no account whose token it could mount"
    assert world.running(NAME).labels["podlab.uid"] == notes["kubernetes.io/config.hash"]


def test_a_deleted_mirror_comes_back_and_nothing_happens_to_the_container(world: Lab) -> None:
    write(world)
    world.start()
    before, container = shown(world), world.running(NAME).id
    world.client.delete(POD, NAME, "default")
    eventually(lambda: sync(world) or (world.exists(NAME) and uid(world.pod(NAME)) != uid(before)))
    shown(world)
    assert world.running(NAME).id == container


def test_it_ends_with_its_file(world: Lab) -> None:
    write(world)
    world.start()
    shown(world)
    (folder(world) / "web.yaml").unlink()
    eventually(lambda: sync(world) or (world.gone(NAME) and not world.containers(NAME)))


def test_a_changed_file_is_a_new_pod_after_the_old_one(world: Lab) -> None:
    write(world)
    world.start()
    first = shown(world)
    write(world, hostname="other")
    second = eventually(lambda: shown(world) if uid(shown(world)) != uid(first) else None)
    assert second["spec"]["hostname"] == "other"
    assert len(world.containers(NAME, "app")) == 1


def test_a_file_that_becomes_bad_is_told_of_and_loses_nothing(world: Lab) -> None:
    write(world)
    world.start()
    shown(world)
    container = world.running(NAME).id
    (folder(world) / "web.yaml").write_text("{ not: a pod")
    sync(world)
    (folder(world) / "empty.yaml").write_text("")
    sync(world)
    told = eventually(lambda: [e for e in world.client.list(EVENT).items if e["reason"] == "InvalidStaticPod"])
    assert told[0]["involvedObject"]["kind"] == "Node"
    assert world.running(NAME).id == container
    write(world)
    shown(world)
    assert world.running(NAME).id == container, "the very same pod again"


def test_two_files_with_one_pod(world: Lab) -> None:
    write(world, "a.yaml")
    write(world, "b.yaml", hostname="b")
    world.start()
    assert "hostname" not in shown(world)["spec"]
    eventually(lambda: [e for e in world.client.list(EVENT).items if "another file has the pod" in e["message"]])


def test_it_runs_on_and_is_adopted_across_agents(world: Lab) -> None:
    write(world)
    world.start()
    shown(world)
    container = world.running(NAME).id
    world.stop()
    world.start()
    shown(world)
    assert world.running(NAME).id == container


def test_it_runs_without_the_api(world: Lab) -> None:
    world.switch.turn_off()
    write(world)
    world.launch()
    eventually(lambda: sync(world) or world.running(NAME))
    world.switch.on = True
    shown(world)


def test_a_mirror_without_a_pod_goes(world: Lab) -> None:
    write(world)
    world.start()
    shown(world)
    world.stop()
    (folder(world) / "web.yaml").unlink()
    world.start()
    eventually(lambda: sync(world) or (world.gone(NAME) and not world.containers(NAME)))


def test_restarts_are_told_by_the_mirror(world: Lab) -> None:
    assert isinstance(world.runtime, FakeRuntime)
    write(world)
    world.start()
    shown(world)
    world.runtime.exit(world.running(NAME).id, 1)
    eventually(lambda: world.entry(NAME).get("restartCount") == 1)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it holds no Pod of v1"),
        (b"[]", "it holds no Pod of v1"),
        (b"apiVersion: apps/v1\nkind: Deployment", "it holds no Pod of v1"),
        (b"a: b: c", "error converting YAML to JSON"),
        (json.dumps({**WEB, "speck": {}}).encode(), 'unknown field "speck"'),
        (json.dumps({**WEB, "spec": {"containers": []}}).encode(), "spec.containers: Required value"),
        (json.dumps({**WEB, "metadata": {}}).encode(), "metadata.name"),
        (
            json.dumps({**WEB, "spec": {**WEB["spec"], "serviceAccountName": "boss"}}).encode(),  # type: ignore[dict-item]
            "a static pod may not refer to objects of the API: serviceaccounts boss",
        ),
    ],
)
def test_files_that_are_no_pods(data: bytes, why: str) -> None:
    with pytest.raises(ManifestError) as refused:
        static_pod(data, "web.yaml", "n1", 0.0)
    assert why in str(refused.value)


def test_a_node_makes_no_other_pods_and_none_with_secrets(world: Lab) -> None:
    world.start()
    node = Client(world.switch)
    spec = {**WEB["spec"], "nodeName": NODE_NAME}  # type: ignore[dict-item]
    mirror = {"kubernetes.io/config.mirror": "abc"}
    for notes, wanted in (
        ({}, spec),
        (mirror, {**spec, "nodeName": "other"}),
        (mirror, {**spec, "serviceAccountName": "default"}),
        (mirror, {**spec, "volumes": [{"name": "s", "secret": {"secretName": "s"}}]}),
    ):
        meta = {"name": "made", "namespace": "default", "annotations": notes}
        with pytest.raises(Forbidden):
            node.create(POD, {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": wanted})


def test_what_a_pod_mirrors_stays_so(world: Lab) -> None:
    write(world)
    world.start()
    shown(world)
    with pytest.raises(Invalid):
        world.client.patch(POD, NAME, {"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}}, "default")
