"""One cluster, and in it a few pods that have every field of a pod spec between them.

Each container says what it sees in lines of `name=value`, so that a test is a look into what was said already.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from agent.runtime.docker import DockerRuntime
from orchestrator.util import pki
from tests.e2e.fields import images, manifests
from tests.e2e.harness import RealCluster, eventually, free_port

Object = dict[str, Any]
WAIT = 60.0


@dataclass
class Pods:
    """The pods of `manifests`, running."""

    cluster: RealCluster
    image: str
    groups_image: str
    #: Of the node, where `life` serves its files.
    host_port: int

    def get(self, pod: str) -> Object:
        found: Object = self.cluster.get("pod", pod)
        return found

    def run(self, pod: str, script: str, container: str = "main") -> str:
        return self.cluster.kubectl("exec", pod, "-c", container, "--", "sh", "-c", script).stdout.strip()

    def said(self, pod: str, container: str = "main") -> dict[str, str]:
        """What the container said, until it said `done`."""

        def lines() -> list[str]:
            text = self.cluster.kubectl("logs", pod, "-c", container, check=False).stdout
            return text.splitlines() if "done=" in text else []

        return dict(line.split("=", 1) for line in eventually(lines, WAIT) if "=" in line)

    def apply(self, *objects: Object) -> None:
        self.cluster.kubectl(
            "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        )

    def refused(self, spec: Object) -> str:
        """What the API server says to a pod with that spec."""
        done = self.cluster.kubectl(
            "create", "-f", "-", stdin=json.dumps(manifests.pod("refused", self.image, **spec)), check=False
        )
        assert done.returncode, "the pod was taken"
        return done.stderr

    def event(self, pod: str, reason: str) -> str:
        """The message of the pod's first event with that reason, when there is one."""

        def message() -> str:
            events = self.cluster.get("events", f"--field-selector=involvedObject.name={pod}")["items"]
            return next((str(each["message"]) for each in events if each["reason"] == reason), "")

        return str(eventually(message, WAIT))

    def rejected(self, pod: str) -> tuple[str, str]:
        """(reason, message) of a pod that its node did not take."""
        status = eventually(lambda: self._failed(pod), WAIT)
        return status["reason"], status["message"]

    def _failed(self, pod: str) -> Object:
        status: Object = self.get(pod)["status"]
        return status if status["phase"] == "Failed" else {}


@dataclass
class Shared:
    """A folder on a mount that is shared, as bidirectional propagation needs it."""

    path: Path

    @cached_property
    def below(self) -> Path:
        (self.path / "below").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(self.path / "below")], check=True)
        return self.path / "below"


@pytest.fixture(scope="package")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("shared")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=True)
    subprocess.run(["mount", "--make-shared", str(folder)], check=True)
    yield Shared(folder)
    subprocess.run(["umount", "-R", str(folder)], check=True)


@pytest.fixture(scope="package")
def pods(
    engine: str,
    kubectl: Path,
    tmp_path_factory: pytest.TempPathFactory,
    busybox_image: str,
    nginx_image: str,
    shared_folder: Shared,
) -> Iterator[Pods]:
    cluster = RealCluster(tmp_path_factory.mktemp("podlab"), "fields", kubectl)
    runtime = DockerRuntime(engine)
    found = Pods(cluster, busybox_image, images.with_groups(runtime, busybox_image), free_port())
    try:
        cluster.podlab("up", *cluster.settings())
        manifests.prepare_machine(cluster.home, shared_folder.path)
        node = cluster.get("nodes")["items"][0]["metadata"]["name"]
        pki.ensure(cluster.home / "pki", "probed", "probed", [], ["127.0.0.1"])
        keys = [f"--{part}={cluster.home}/pki/probed.{end}" for part, end in (("cert", "crt"), ("key", "key"))]
        cluster.kubectl("create", "secret", "tls", "tls", *keys)
        groups, port = found.groups_image, found.host_port
        found.apply(*manifests.objects(node, shared_folder.path, found.image, groups, nginx_image, port))
        cluster.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod", *manifests.RUNNING)
        yield found
    finally:
        cluster.podlab("down", "--purge", check=False)
        images.remove(found.groups_image)
