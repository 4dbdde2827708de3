"""The images made from the distribution's packages do what those of Docker Hub do."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator

import pytest

from agent.runtime.base import ContainerSpec, NoSuchImage, Runtime, RuntimeFailure
from agent.runtime.docker import DockerRuntime
from agent.runtime.fake import FakeRuntime
from orchestrator.util.clock import FakeClock
from registry import offline, packages


class Started:
    def __init__(self, runtime: Runtime, id: str) -> None:
        self.runtime, self.id = runtime, id

    def get(self, path: str, port: int) -> str:
        """The answer to a request, when the program listens at last."""
        address = f"http://{self.runtime.inspect(self.id).ip}:{port}{path}"
        deadline = time.monotonic() + 15
        while True:
            try:
                return str(urllib.request.urlopen(address, timeout=5).read().decode())
            except urllib.error.URLError:
                assert time.monotonic() < deadline, b"".join(self.runtime.logs(self.id))
                time.sleep(0.05)


@pytest.fixture
def runtime(engine: str) -> DockerRuntime:
    return DockerRuntime(engine)


@pytest.fixture
def started(request: pytest.FixtureRequest, runtime: DockerRuntime) -> Iterator[Started]:
    image = offline.build(runtime, request.param)
    id = runtime.create(ContainerSpec(f"podlab-test-{uuid.uuid4().hex[:12]}", image, {}))
    try:
        runtime.start(id)
        yield Started(runtime, id)
    finally:
        runtime.remove(id)


@pytest.mark.engine
@pytest.mark.parametrize("started", ["nginx"], indirect=True)
def test_nginx_serves_logs_and_ends_in_peace(started: Started) -> None:
    assert "Welcome to nginx!" in started.get("/", 80)
    assert b'"GET / HTTP/1.1" 200' in b"".join(started.runtime.logs(started.id))
    inside = started.runtime.exec(started.id, ["sh", "-c", "wget -q -O- http://127.0.0.1/ && nginx -t"], 10)
    assert inside.exit_code == 0
    started.runtime.stop(started.id, 20)
    assert started.runtime.inspect(started.id).exit_code == 0
    assert b"SIGQUIT" in b"".join(started.runtime.logs(started.id))


@pytest.mark.engine
@pytest.mark.parametrize("started", ["registry"], indirect=True)
def test_the_registry_answers(started: Started) -> None:
    assert started.get("/v2/", 5000) == "{}"
    assert started.get("/v2/_catalog", 5000).strip() == '{"repositories":[]}'


@pytest.mark.engine
@pytest.mark.parametrize("name", offline.RECIPES)
def test_images_are_small_and_made_once(runtime: DockerRuntime, name: str) -> None:
    steps: list[str] = []
    reference = offline.build(runtime, name)
    assert runtime.image(reference).size < 60_000_000
    assert offline.build(runtime, name, steps.append) == reference
    assert steps == []


def test_without_packages_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    runtime = FakeRuntime(clock)
    with pytest.raises(RuntimeFailure, match="neither on Docker Hub nor in the packages: this machine has no apt-get"):
        offline.build(runtime, "nginx")
    with pytest.raises(NoSuchImage):
        runtime.image("podlab/nginx")
    assert runtime.images() == []


def test_another_recipe_is_another_image() -> None:
    fingerprints = {recipe.fingerprint for recipe in offline.RECIPES.values()}
    assert len(fingerprints) == len(offline.RECIPES)
