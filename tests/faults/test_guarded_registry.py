"""The real registry behind a password, as a pod meets it: with its secret, with the user's login, and without."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from agent.runtime.base import ContainerSpec, Mount, NoSuchImage, PortMapping, RegistryAuth
from agent.runtime.docker import DockerRuntime
from orchestrator.api.groups.core import POD, SECRET
from registry import offline
from tests.e2e.harness import free_port
from tests.fakes import images
from tests.fakes.agent import NODE, Lab, eventually, lab
from tests.fakes.pods import container, pod

pytestmark = pytest.mark.engine

LOGIN = RegistryAuth("me", "secret")
#: As `htpasswd -B` writes it.
_HTPASSWD = "me:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"


@dataclass
class Guarded:
    address: str
    runtime: DockerRuntime

    def push(self, repository: str) -> str:
        """An image that only the registry has afterwards."""
        reference = f"{self.address}/{repository}:1"
        self.runtime.tag(images.busybox(self.runtime), reference)
        self.runtime.push(reference, LOGIN)
        self.runtime.remove_image(reference)
        return reference


@pytest.fixture(scope="module")
def runtime(engine: str) -> DockerRuntime:
    return DockerRuntime(engine)


@pytest.fixture(scope="module")
def guarded(runtime: DockerRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder, port = tmp_path_factory.mktemp("registry"), free_port()
    (folder / "htpasswd").write_text(_HTPASSWD)
    settings = [
        ("REGISTRY_AUTH", "htpasswd"),
        ("REGISTRY_AUTH_HTPASSWD_REALM", "test"),
        ("REGISTRY_AUTH_HTPASSWD_PATH", "/auth/htpasswd"),
    ]
    spec = ContainerSpec(
        name=f"podlab-test-{uuid.uuid4().hex[:12]}",
        image=offline.build(runtime, "registry"),
        labels={},
        env=settings,
        mounts=[Mount("/auth", str(folder), read_only=True)],
        ports=[PortMapping(5000, port, host_ip="127.0.0.1")],
    )
    id = runtime.create(spec)
    try:
        runtime.start(id)
        eventually(lambda: answers(port))
        yield Guarded(f"localhost:{port}", runtime)
    finally:
        runtime.remove(id)
        for tag in [tag for image in runtime.images() for tag in image.tags]:
            if tag.startswith(f"localhost:{port}/"):
                runtime.remove_image(tag)


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/v2/", timeout=1).status_code == 401
    except requests.ConnectionError:
        return False


@pytest.fixture
def world(tmp_path: Path, runtime: DockerRuntime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """`tmp_path` is the home of the user, where its Docker configuration and programs are."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with lab(tmp_path, runtime=runtime) as made:
        made.settings = replace(
            made.settings,
            image_minimum_gc_age=0.0,
            image_gc_high_threshold_percent=1,
            image_gc_low_threshold_percent=0,
        )
        made.start()
        yield made
        made.delete_pods()


def job(image: str, **spec: object) -> dict[str, object]:
    return pod("web", container(image=image, command=["true"]), restartPolicy="Never", **spec)


def pulled(world: Lab) -> str:
    return eventually(lambda: world.told("web", "Pulled"))


def test_without_a_login_the_pod_says_so(world: Lab, guarded: Guarded) -> None:
    world.create(job(guarded.push("none")))
    eventually(lambda: world.waiting("web") in ("ErrImagePull", "ImagePullBackOff"))
    assert "no basic auth credentials" in world.entry("web")["state"]["waiting"]["message"]


@pytest.mark.parametrize(
    ("type", "field", "wrap"),
    [
        ("kubernetes.io/dockerconfigjson", ".dockerconfigjson", lambda entries: {"auths": entries}),
        ("kubernetes.io/dockercfg", ".dockercfg", lambda entries: entries),
    ],
)
def test_with_a_secret(world: Lab, guarded: Guarded, type: str, field: str, wrap: object) -> None:
    assert callable(wrap)
    config = json.dumps(wrap({guarded.address: {"username": LOGIN.username, "password": LOGIN.password}}))
    secret = {"metadata": {"name": "pull", "namespace": "default"}, "type": type, "stringData": {field: config}}
    world.client.create(SECRET, secret)
    world.create(job(guarded.push(type.rpartition("/")[2]), imagePullSecrets=[{"name": "pull"}]))
    assert "Successfully pulled image" in pulled(world)


def test_with_the_login_of_the_user(world: Lab, guarded: Guarded, tmp_path: Path) -> None:
    auth = base64.b64encode(f"{LOGIN.username}:{LOGIN.password}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {guarded.address: {"auth": auth}}}))
    world.create(job(guarded.push("login")))
    assert "Successfully pulled image" in pulled(world)


@pytest.mark.parametrize("field", ["credHelpers", "credsStore"])
def test_with_a_credential_helper(world: Lab, guarded: Guarded, tmp_path: Path, field: str) -> None:
    """As ECR's and GCR's are used: each pull asks for a login that holds for now."""
    helper = tmp_path / "docker-credential-cloud-login"
    helper.write_text(
        f'#!/bin/sh\n[ "$1 $(cat)" = "get {guarded.address}" ] || {{ echo "wrong question"; exit 1; }}\n'
        'echo \'{"ServerURL": "x", "Username": "me", "Secret": "secret"}\'\n'
    )
    helper.chmod(0o755)
    value: object = {guarded.address: "cloud-login"} if field == "credHelpers" else "cloud-login"
    (tmp_path / "config.json").write_text(json.dumps({field: value}))
    world.create(job(guarded.push(field.lower())))
    assert "Successfully pulled image" in pulled(world)


def test_a_broken_helper_is_named(world: Lab, guarded: Guarded, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {guarded.address: "not-installed"}}))
    world.create(job(guarded.push("broken")))
    eventually(lambda: "docker-credential-not-installed cannot be run" in world.told("web", "Failed"))


def test_what_the_pod_brought_is_collected_and_what_the_user_has_is_not(
    world: Lab, guarded: Guarded, runtime: DockerRuntime, tmp_path: Path
) -> None:
    auth = base64.b64encode(f"{LOGIN.username}:{LOGIN.password}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {guarded.address: {"auth": auth}}}))
    reference = own_image(runtime, guarded, "pods")
    theirs = own_image(runtime, guarded, "theirs")
    runtime.pull(theirs, LOGIN)
    assert world.agent is not None
    world.create(job(reference))
    world.create(pod("other", container(image=theirs, command=["true"]), restartPolicy="Never"))
    pulled(world)
    image = runtime.image(reference).id
    for each in ("web", "other"):
        eventually(lambda each=each: world.entry(each).get("state", {}).get("terminated"))
    world.agent.images.collector.collect()
    assert runtime.image(reference).id == image, "the ended container, kept for its log, still uses it"
    for each in ("web", "other"):
        world.client.delete(POD, each, "default", grace_seconds=0)
        eventually(lambda each=each: world.gone(each) and not world.containers(each))
    world.agent.images.collector.collect()
    with pytest.raises(NoSuchImage):
        runtime.image(reference)
    assert runtime.image(theirs), "a pod used it, but the user brought it"
    assert "FreeDiskSpaceFailed" in [reason for reason, _ in eventually(lambda: world.events(NODE))]


def own_image(runtime: DockerRuntime, guarded: Guarded, name: str) -> str:
    """A reference to an image of its own, that only the registry has."""
    reference = f"{guarded.address}/{name}:1"
    dockerfile = f"FROM {images.busybox(runtime)}\nLABEL test={uuid.uuid4().hex}\n"
    runtime.build(context(dockerfile), reference, {})
    runtime.push(reference, LOGIN)
    runtime.remove_image(reference)
    return reference


def context(dockerfile: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile.encode()))
    return buffer.getvalue()
