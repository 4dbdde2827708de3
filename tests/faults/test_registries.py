"""Registries that misbehave, as a real engine meets them: each mishap has its reason, and hangs nothing for ever."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.runtime.base import ContainerSpec, NoSuchImage, PullFailed, RegistryAuth, RegistryUnavailable
from agent.runtime.docker import DockerRuntime
from orchestrator.api.groups.core import NODE as NODES
from orchestrator.api.groups.core import POD, SECRET
from orchestrator.api.meta import status
from tests.fakes.agent import NODE, Lab, eventually, lab
from tests.fakes.pods import container, pod
from tests.fakes.registry import FakeRegistry, fake_registry

pytestmark = pytest.mark.engine
ME = RegistryAuth("me", "secret")


@pytest.fixture(scope="module")
def runtime(engine: str) -> DockerRuntime:
    return DockerRuntime(engine)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as made:
        yield made
        forget(made)


def forget(registry: FakeRegistry) -> None:
    """Leave none of its images on the engine."""
    for digests in ("", "--digests"):
        form = "{{.Repository}}@{{.Digest}}" if digests else "{{.Repository}}:{{.Tag}}"
        found = subprocess.run(
            ["docker", "images", "--digests", "--format", form, registry.image("")], capture_output=True, text=True
        ).stdout.split()
        subprocess.run(["docker", "rmi", *(image for image in found if "<none>" not in image)], capture_output=True)


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (401, PullFailed, "no basic auth credentials"),
        (403, PullFailed, "pull access denied"),
        (404, PullFailed, "manifest unknown"),
        (429, PullFailed, "toomanyrequests"),
        (500, PullFailed, "500 Internal Server Error"),
        (502, RegistryUnavailable, "502 Bad Gateway"),
        (503, RegistryUnavailable, "503 Service Unavailable"),
        (504, RegistryUnavailable, "504 Gateway Timeout"),
    ],
)
def test_a_refusal(
    runtime: DockerRuntime, registry: FakeRegistry, answer: int, kind: type[PullFailed], message: str
) -> None:
    registry.status = answer
    with pytest.raises(PullFailed, match=message) as raised:
        runtime.pull(registry.image())
    assert type(raised.value) is kind
    registry.status = 200
    runtime.pull(registry.image())
    assert runtime.image(registry.image()).tags == (registry.image(),)


def test_no_registry_there(runtime: DockerRuntime) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RegistryUnavailable, match="connection refused"):
            runtime.pull(f"{address}/test/web:1")


@pytest.mark.parametrize("kind", ["manifests", "blobs"])
def test_a_registry_that_hangs_is_given_up(engine: str, registry: FakeRegistry, kind: str) -> None:
    registry.hung = kind
    begun = time.monotonic()
    with pytest.raises(PullFailed, match=r"no progress for 0.5 s"):
        DockerRuntime(engine, pull_deadline=0.5).pull(registry.image())
    assert time.monotonic() - begun < 5
    assert registry.arrived.is_set()


def test_credentials_are_given_to_who_asks(runtime: DockerRuntime, registry: FakeRegistry) -> None:
    registry.login = (ME.username, ME.password)
    with pytest.raises(PullFailed, match="no basic auth credentials"):
        runtime.pull(registry.image())
    with pytest.raises(PullFailed, match="unauthorized"):
        runtime.pull(registry.image(), RegistryAuth("me", "wrong"))
    runtime.pull(registry.image(), ME)


def test_digests(runtime: DockerRuntime, registry: FakeRegistry) -> None:
    for form in (f"@{registry.digest}", f":1@{registry.digest}"):
        reference = registry.image(form)
        runtime.pull(reference)
        assert runtime.image(reference).digests == (registry.image(f"@{registry.digest}"),)
        id = runtime.create(ContainerSpec(f"podlab-test-{registry.digest[7:19]}", reference, {}, command=["none"]))
        assert runtime.image(reference).id in runtime.images_in_use()
        runtime.remove(id)
        runtime.remove_image(registry.image(f"@{registry.digest}"))
        with pytest.raises(NoSuchImage):
            runtime.image(reference)


def test_another_platform(runtime: DockerRuntime) -> None:
    with fake_registry("amd64", "arm64", "s390x") as registry:
        with pytest.raises(PullFailed, match="no matching manifest for linux/mips"):
            runtime.pull(registry.image(), platform="linux/mips")
        ids = set()
        for platform in ("", "linux/s390x"):
            runtime.pull(registry.image(), platform=platform)
            ids.add(runtime.image(registry.image()).id)
            runtime.remove_image(registry.image())
        assert len(ids) == 2, "the same image for two platforms"


@pytest.fixture
def world(tmp_path: Path, runtime: DockerRuntime, registry: FakeRegistry) -> Iterator[Lab]:
    """It ends before the registry, whose images go when no container uses them."""
    with lab(tmp_path, runtime=runtime) as made:
        made.start()
        yield made
        made.delete_pods()


def test_the_pod_says_what_the_registry_said(world: Lab, registry: FakeRegistry) -> None:
    registry.status = 429
    world.create(pod("web", container(image=registry.image())))
    eventually(lambda: world.waiting("web") == "ErrImagePull")
    assert "toomanyrequests" in world.entry("web")["state"]["waiting"]["message"]
    eventually(lambda: "toomanyrequests" in world.told("web", "Failed"))
    eventually(lambda: world.waiting("web") == "ImagePullBackOff")
    eventually(lambda: world.told("web", "BackOff") == f'Back-off pulling image "{registry.image()}"')
    assert status(world.pod("web"))["phase"] == "Pending"


def test_a_hanging_registry_holds_up_its_own_pods_alone(world: Lab, registry: FakeRegistry) -> None:
    with fake_registry() as other:
        registry.hung = "manifests"
        for number in range(8):
            world.create(pod(f"hung-{number}", container(image=registry.image())))
        assert registry.arrived.wait(10)
        world.create(pod("web", container(image=other.image(), command=["none"]), restartPolicy="Never"))
        eventually(lambda: "Successfully pulled image" in world.told("web", "Pulled"))
        asked = [path for path, _ in registry.asked if path.endswith("/manifests/1")]
        assert len(asked) == 1, "eight pods wait for one pull"
        registry.going_on.set()
        eventually(lambda: world.told("hung-7", "Pulled"))
        world.client.delete(POD, "web", "default", grace_seconds=0)
        eventually(lambda: world.gone("web"))
        forget(other)


def test_a_pod_pulls_with_its_secret_and_the_node_tells_of_the_image(world: Lab, registry: FakeRegistry) -> None:
    registry.login = (ME.username, ME.password)
    login = f'{{"auths": {{"{registry.address}": {{"username": "me", "password": "secret"}}}}}}'
    secret = {"metadata": {"name": "pull", "namespace": "default"}, "stringData": {".dockerconfigjson": login}}
    world.client.create(SECRET, {**secret, "type": "kubernetes.io/dockerconfigjson"})
    secrets = [{"name": "pull"}, {"name": "missing"}]
    app = container(image=registry.image(), command=["none"])
    world.create(pod("web", app, imagePullSecrets=secrets, restartPolicy="Never"))
    eventually(lambda: "Successfully pulled image" in world.told("web", "Pulled"))
    assert "(missing)" in eventually(lambda: world.told("web", "FailedToRetrieveImagePullSecret"))
    eventually(lambda: registry.image() in named_on_the_node(world))


def named_on_the_node(world: Lab) -> list[str]:
    found = status(world.client.get(NODES, NODE)).get("images") or []
    return [name for image in found for name in image["names"]]


def test_a_second_pull_does_not_wait_for_the_engine_to_give_up(engine: str, registry: FakeRegistry) -> None:
    """A pull that was given up is over on the engine, too: the next one asks the registry again."""
    registry.hung = "manifests"
    patient = DockerRuntime(engine, pull_deadline=30)
    with pytest.raises(PullFailed):
        DockerRuntime(engine, pull_deadline=0.3).pull(registry.image())
    registry.hung = ""
    done = threading.Event()
    threading.Thread(target=lambda: (patient.pull(registry.image()), done.set()), daemon=True).start()
    assert done.wait(10)
