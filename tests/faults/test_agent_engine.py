"""The same promises with real containers."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from agent.runtime.base import LABEL_CLUSTER, RuntimeFailure
from agent.runtime.docker import DockerRuntime
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import name, status
from orchestrator.util import pki
from tests.fakes import images
from tests.fakes.agent import Lab, eventually, lab
from tests.fakes.pods import container, pod

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def runtime(engine: str) -> DockerRuntime:
    return DockerRuntime(engine)


@pytest.fixture(scope="module")
def busybox(runtime: DockerRuntime) -> str:
    return images.busybox(runtime)


@pytest.fixture
def world(tmp_path: Path, runtime: DockerRuntime) -> Iterator[Lab]:
    with lab(tmp_path, runtime=runtime) as made:
        made.start()
        yield made
        for left in made.client.list(POD, "default").items:
            made.client.delete(POD, name(left), "default", grace_seconds=1)
        eventually(lambda: not made.client.list(POD, "default").items)
    for left in runtime.list({LABEL_CLUSTER: made.settings.cluster}):
        with suppress(RuntimeFailure):
            runtime.remove(left.id)


def sleeper(image: str, script: str = ":", **fields: object) -> dict[str, object]:
    return container("app", image, command=["sh", "-c", f"{script}; trap exit TERM; sleep 600 & wait"], **fields)


def logs(world: Lab, pod: str, query: str = "") -> bytes:
    apiserver = pki.ensure(world.settings.pki, "apiserver", "kube-apiserver")
    context = ssl.create_default_context(cafile=str(apiserver.ca))
    context.load_cert_chain(apiserver.certificate, apiserver.key)
    assert world.agent is not None
    connection = http.client.HTTPSConnection("127.0.0.1", world.agent.port, context=context, timeout=5)
    connection.request("GET", f"/containerLogs/default/{pod}/app{query}")
    answer = connection.getresponse().read()
    connection.close()
    return answer


def test_a_pod_from_its_creation_to_its_end(world: Lab, busybox: str) -> None:
    env = [
        {"name": "GREETING", "value": "hello"},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    ]
    world.create(pod("web", sleeper(busybox, "echo $GREETING $IP $(hostname)", env=env)))
    ready = eventually(lambda: world.ready("web"))
    ip = status(ready)["podIP"]
    eventually(lambda: logs(world, "web") == f"hello {ip} web\n".encode())
    world.client.delete(POD, "web", "default", grace_seconds=5)
    eventually(lambda: world.gone("web"))
    assert world.containers("web") == []


def test_of_much_output_the_end_is_kept_also_of_the_instance_before(world: Lab, busybox: str) -> None:
    world.stop()
    world.settings = replace(world.settings, container_log_max_size=8192, container_log_max_files=2)
    world.start()
    script = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; done; exit 1"
    world.create(pod("web", container("app", busybox, command=["sh", "-c", script])))
    eventually(lambda: world.entry("web").get("restartCount") == 1 and world.waiting("web") == "CrashLoopBackOff")
    for query in ("", "?previous=true"):
        kept = logs(world, "web", query).splitlines()
        numbers = [int(line.split()[1]) for line in kept]
        assert numbers == list(range(401 - len(kept), 401)), "the newest lines, without holes"
        assert 50 < len(kept) < 400
    assert logs(world, "web", "?tailLines=2").splitlines() == kept[-2:]


def test_adoption_restarts_nothing(world: Lab, busybox: str) -> None:
    world.create(pod("web", sleeper(busybox)))
    eventually(lambda: world.ready("web"))
    before = {c.id: c.started_at for c in world.containers("web")}
    world.stop()
    world.start()
    world.create(pod("other", sleeper(busybox)))
    eventually(lambda: world.ready("other"))
    assert {c.id: c.started_at for c in world.containers("web")} == before


def test_a_killed_sandbox_and_a_killed_container(world: Lab, runtime: DockerRuntime, busybox: str) -> None:
    world.create(pod("web", sleeper(busybox)))
    eventually(lambda: world.ready("web"))
    app = world.running("web")
    assert app is not None
    runtime.kill(app.id)
    eventually(lambda: world.entry("web").get("restartCount") == 1 and world.ready("web"))
    assert world.entry("web")["lastState"]["terminated"]["exitCode"] == 137
    sandbox = world.sandbox("web")
    assert sandbox is not None
    runtime.kill(sandbox.id)
    eventually(lambda: (found := world.sandbox("web")) and found.id != sandbox.id)
    # The second restart of the container waits for its back-off.
    eventually(lambda: world.waiting("web") == "CrashLoopBackOff")
    eventually(lambda: world.told("web", "SandboxChanged"))


def test_a_command_that_is_not_there(world: Lab, busybox: str) -> None:
    world.create(pod("job", container("app", busybox, command=["/no/such/command"]), restartPolicy="Never"))
    eventually(lambda: status(world.pod("job"))["phase"] == "Failed")
    end = world.entry("job")["state"]["terminated"]
    assert end["reason"] == "StartError"
    assert end["exitCode"] in (126, 127, 128)
    assert "/no/such/command" in end["message"]


def test_probes_of_a_real_container(world: Lab, busybox: str) -> None:
    probe = {"exec": {"command": ["test", "-e", "/tmp/up"]}, "periodSeconds": 1}
    world.create(pod("web", sleeper(busybox, "sleep 0.5; touch /tmp/up", readinessProbe=probe)))
    eventually(lambda: world.entry("web").get("started"))
    assert not world.ready("web")
    eventually(lambda: world.ready("web"))
    assert "Readiness probe failed" in eventually(lambda: world.told("web", "Unhealthy"))
