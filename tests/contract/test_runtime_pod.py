"""A pod's translation on a real engine: what its containers see is what the pod's spec says."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agent.environment import resolve
from agent.runtime.base import ContainerSpec, Runtime, RuntimeFailure
from agent.runtime.docker import DockerRuntime
from agent.runtime.node import NodeContext
from agent.runtime.translate import container_spec, sandbox_spec
from agent.volume_folders import VolumeFolders
from agent.volumes import VolumeManager
from orchestrator.api.meta import Object
from tests.fakes import images
from tests.fakes.lookup import FakeLookup

pytestmark = pytest.mark.engine

CONTAINERS: list[Object] = [
    {
        "name": "one",
        "command": ["sh", "-c", "sleep 600 & wait"],
        "env": [
            {"name": "GREETING", "value": "hello"},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        "workingDir": "/data",
        "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "32Mi", "cpu": "500m"}},
        "securityContext": {"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [
            {"name": "scratch", "mountPath": "/data"},
            {"name": "config", "mountPath": "/etc/app"},
            {"name": "config", "mountPath": "/etc/single.conf", "subPath": "app.conf"},
            {"name": "password", "mountPath": "/secret"},
        ],
    },
    {
        "name": "two",
        "command": ["sh", "-c", "sleep 600 & wait"],
        "volumeMounts": [{"name": "scratch", "mountPath": "/shared"}, {"name": "memory", "mountPath": "/memory"}],
    },
]


@dataclass
class RunningPod:
    runtime: Runtime
    sandbox: str
    containers: dict[str, str]

    def run(self, container: str, script: str) -> str:
        result = self.runtime.exec(self.containers[container], ["sh", "-c", script], 20)
        assert result.exit_code == 0, result.output
        return result.output.decode().rstrip("\n")


@pytest.fixture(scope="module")
def pod(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPod]:
    runtime = DockerRuntime(engine)
    image = images.busybox(runtime)
    uid = uuid.uuid4().hex
    node = NodeContext(f"test-{uid[:8]}", "node-1", "10.96.0.10", "cluster.local", allocatable={"memory": "8Gi"})
    lookup = FakeLookup()
    lookup.config_map("cfg", {"app.conf": "color=blue"})
    lookup.secret("pw", {"user": b"admin"})
    volumes = VolumeManager(VolumeFolders(tmp_path_factory.mktemp("node")), lookup, node)
    obj: Object = {
        "metadata": {"name": "web", "namespace": "shop", "uid": uid},
        "spec": {
            "containers": [{**container, "image": image} for container in CONTAINERS],
            "subdomain": "pages",
            "shareProcessNamespace": True,
            "hostAliases": [{"ip": "10.1.2.3", "hostnames": ["database"]}],
            "securityContext": {
                "runAsUser": 1234,
                "fsGroup": 4321,
                "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
            },
            "volumes": [
                {"name": "scratch", "emptyDir": {}},
                {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
                {"name": "config", "configMap": {"name": "cfg"}},
                {"name": "password", "secret": {"secretName": "pw", "defaultMode": 0o400}},
            ],
        },
    }
    made: list[str] = []
    try:
        sandbox = runtime.create(sandbox_spec(obj, node, runtime.ensure_pause_image()))
        made.append(sandbox)
        runtime.start(sandbox)
        prepared = volumes.prepare(obj)
        status = {"podIP": runtime.inspect(sandbox).ip}
        ids = {}
        for container in obj["spec"]["containers"]:
            spec = container_spec(
                obj,
                container,
                sandbox_id=sandbox,
                image=runtime.image(image),
                env=resolve(obj, container, lookup, node, status),
                mounts=volumes.mounts(obj, container, prepared),
                restarts=0,
                node=node,
            )
            ids[container["name"]] = runtime.create(spec)
            made.append(ids[container["name"]])
            runtime.start(ids[container["name"]])
        yield RunningPod(runtime, sandbox, ids)
    finally:
        for id in reversed(made):
            runtime.remove(id)
        volumes.teardown(uid)


def test_the_pods_name_is_its_hostname(pod: RunningPod) -> None:
    assert pod.run("one", "hostname; hostname -f; echo $HOSTNAME").split() == [
        "web",
        "web.pages.shop.svc.cluster.local",
        "web",
    ]
    assert pod.run("one", "grep database /etc/hosts").split() == ["10.1.2.3", "database"]


def test_a_container_can_have_no_other_hostname_than_its_sandbox(pod: RunningPod) -> None:
    """Why no sandbox is made ahead of its pod: see docs/adr/010. An engine that fails this test would let us."""
    image = pod.runtime.ensure_pause_image()
    own = ContainerSpec("podlab-test-hostname", image, {}, network=f"container:{pod.sandbox}", hostname="another")
    with pytest.raises(RuntimeFailure, match="hostname and the network mode"):
        pod.runtime.create(own)


def test_names_are_resolved_by_the_cluster(pod: RunningPod) -> None:
    for container in ("one", "two"):
        lines = pod.run(container, "cat /etc/resolv.conf").splitlines()
        assert "nameserver 10.96.0.10" in lines
        assert "search shop.svc.cluster.local svc.cluster.local cluster.local" in lines
        assert "options ndots:5" in lines


def test_containers_share_the_network(pod: RunningPod) -> None:
    assert pod.run("one", "cat /sys/class/net/eth0/address") == pod.run("two", "cat /sys/class/net/eth0/address")
    assert pod.run("two", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start") == "0"
    assert pod.run("one", "echo $IP") == pod.runtime.inspect(pod.sandbox).ip


def test_the_shared_process_namespace_is_the_sandboxs(pod: RunningPod) -> None:
    assert pod.run("two", "cat /proc/1/cmdline | tr -d '\\0'") == "/pause"


def test_orphans_are_reaped(pod: RunningPod) -> None:
    pod.run("one", "(sleep 0.01 &)")
    script = (
        "for i in 1 2 3 4 5 6 7 8 9 10; do cat /proc/[0-9]*/stat | grep -q ' Z ' || exit 0; sleep 0.1; done; exit 1"
    )
    pod.run("two", script)


def test_environment_and_working_directory(pod: RunningPod) -> None:
    assert pod.run("one", "echo $GREETING; pwd").split() == ["hello", "/data"]


def test_users_and_groups(pod: RunningPod) -> None:
    assert pod.run("one", "id -u") == "1234"
    assert "4321" in pod.run("one", "id -G").split()


def test_limits(pod: RunningPod) -> None:
    script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    assert pod.run("one", script) == str(32 << 20)
    # Burstable and best effort: of `two`'s kind are killed first.
    scores = [int(pod.run(name, "cat /proc/self/oom_score_adj")) for name in ("one", "two")]
    assert scores == [997, 999]


def test_security(pod: RunningPod) -> None:
    assert pod.run("one", "touch /x 2>/dev/null || echo refused") == "refused"
    assert pod.run("one", "grep CapBnd /proc/self/status").split() == ["CapBnd:", "0" * 16]


def test_volumes(pod: RunningPod) -> None:
    pod.run("one", "echo from-one > /data/file")
    assert pod.run("two", "cat /shared/file") == "from-one"
    assert pod.run("one", "cat /etc/app/app.conf") == "color=blue"
    assert pod.run("one", "cat /etc/single.conf") == "color=blue"
    assert pod.run("one", "touch /etc/app/x 2>/dev/null || echo refused") == "refused"
    assert pod.run("one", "cat /secret/user") == "admin"
    assert pod.run("two", "grep ' /memory ' /proc/mounts").split()[2] == "tmpfs"


def test_nothing_of_the_pod_is_left_to_the_engines_restart_policy(pod: RunningPod) -> None:
    """The agent alone restarts containers."""
    docker = ["docker", "inspect", "-f", "{{.HostConfig.RestartPolicy.Name}}", pod.sandbox]
    assert subprocess.run(docker, capture_output=True, text=True).stdout.strip() in ("", "no")
