"""Claims, volumes and the pods that use them, with real containers and kubectl."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

_CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}}}
spec:
  accessModes: [{mode}]
  resources: {{requests: {{storage: 64Mi}}}}
---
"""
_POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  volumes: [{{name: data, {volume}}}]
  containers:
  - name: main
    image: {image}
    command: [sh, -c, "{script}"]
    volumeMounts: [{{name: data, mountPath: /data}}]
---
"""


class Lab:
    def __init__(self, cluster: RealCluster, image: str) -> None:
        self.cluster, self.image = cluster, image

    def apply(self, *manifests: str) -> None:
        self.cluster.kubectl("apply", "-f", "-", stdin="".join(manifests))

    def pod(self, name: str, script: str, claim: str = "", *, volume: str = "") -> str:
        volume = volume or f"persistentVolumeClaim: {{claimName: {claim}}}"
        return _POD.format(name=name, script=script, volume=volume, image=self.image)

    def run(self, name: str, script: str, claim: str) -> str:
        """The output of a pod that has come to its end and is gone."""
        self.apply(self.pod(name, script, claim))
        eventually(lambda: self.phase("pod", name) == "Succeeded", 20)
        output = self.cluster.kubectl("logs", name).stdout
        self.cluster.kubectl("delete", "pod", name, "--timeout=20s")
        return output

    def phase(self, kind: str, name: str) -> str:
        return str(self.get(kind, name)["status"].get("phase"))

    def get(self, kind: str, name: str) -> Any:
        return self.cluster.get(kind, name)

    def volume_of(self, claim: str) -> Any:
        return self.get("pv", self.get("pvc", claim)["spec"]["volumeName"])

    def delete(self, *what: str) -> None:
        self.cluster.kubectl("delete", *what, "--timeout=20s")

    def exists(self, kind: str, name: str) -> bool:
        return self.cluster.kubectl("get", kind, name, check=False).returncode == 0


@pytest.fixture(scope="module")
def lab(cluster: RealCluster, busybox_image: str) -> Lab:
    return Lab(cluster, busybox_image)


def claim(name: str, mode: str = "ReadWriteOnce") -> str:
    return _CLAIM.format(name=name, mode=mode)


def test_the_default_class_is_there(lab: Lab) -> None:
    lines = lab.cluster.kubectl("get", "sc").stdout.splitlines()
    assert re.match(r"standard \(default\) +podlab.io/local +Delete +WaitForFirstConsumer +true ", lines[1]), lines


def test_a_volume_outlives_its_pods_and_goes_with_its_claim(lab: Lab) -> None:
    lab.apply(claim("data"))
    eventually(lambda: "WaitForFirstConsumer" in lab.cluster.kubectl("describe", "pvc", "data").stdout)
    assert lab.phase("pvc", "data") == "Pending"
    lab.run("writer", "echo kept > /data/file", "data")
    volume = lab.volume_of("data")
    name, folder = volume["metadata"]["name"], Path(volume["spec"]["local"]["path"])
    assert (folder / "file").read_text() == "kept\n"
    assert lab.run("reader", "cat /data/file", "data") == "kept\n"

    row = lab.cluster.kubectl("get", "pvc", "data").stdout.splitlines()[1].split()
    assert row[:6] == ["data", "Bound", name, "64Mi", "RWO", "standard"]
    row = lab.cluster.kubectl("get", "pv", name).stdout.splitlines()[1].split()
    assert row[:7] == [name, "64Mi", "RWO", "Delete", "Bound", "default/data", "standard"]
    told = lab.cluster.kubectl("describe", "pvc", "data").stdout
    for reason in ("WaitForFirstConsumer", "ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"):
        assert reason in told

    lab.delete("pvc", "data")
    eventually(lambda: not lab.exists("pv", name))
    assert not folder.exists()


def test_a_claim_in_use_stays_until_its_pod_is_gone(lab: Lab) -> None:
    lab.apply(claim("busy"), lab.pod("user", "sleep 3600", "busy"))
    eventually(lambda: lab.phase("pod", "user") == "Running", 20)
    lab.cluster.kubectl("delete", "pvc", "busy", "--wait=false")
    assert "Terminating" in lab.cluster.kubectl("get", "pvc", "busy").stdout
    assert re.search(r"Used By: +user", lab.cluster.kubectl("describe", "pvc", "busy").stdout)
    lab.delete("pod", "user")
    eventually(lambda: not lab.exists("pvc", "busy"))


def test_a_volume_made_by_hand(lab: Lab, tmp_path: Path) -> None:
    """hostPath, Retain: the data is kept, and the volume is nobody else's."""
    lab.apply(
        f"""
apiVersion: v1
kind: PersistentVolume
metadata: {{name: by-hand}}
spec:
  capacity: {{storage: 1Gi}}
  accessModes: [ReadWriteMany]
  storageClassName: manual
  hostPath: {{path: {tmp_path}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: manual}}
spec:
  accessModes: [ReadWriteMany]
  storageClassName: manual
  resources: {{requests: {{storage: 1Mi}}}}
---
"""
    )
    eventually(lambda: lab.phase("pvc", "manual") == "Bound")
    lab.run("by-hand-writer", "echo mine > /data/file", "manual")
    assert (tmp_path / "file").read_text() == "mine\n"
    lab.delete("pvc", "manual")
    eventually(lambda: lab.phase("pv", "by-hand") == "Released")
    lab.delete("pv", "by-hand")
    assert (tmp_path / "file").exists()


def test_an_ephemeral_volume_goes_with_its_pod(lab: Lab) -> None:
    template = "{accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}"
    volume = f"ephemeral: {{volumeClaimTemplate: {{spec: {template}}}}}"
    lab.apply(lab.pod("scratch", "echo x > /data/x; sleep 3600", volume=volume))
    eventually(lambda: lab.phase("pod", "scratch") == "Running", 20)
    name = lab.volume_of("scratch-data")["metadata"]["name"]
    lab.delete("pod", "scratch")
    eventually(lambda: not lab.exists("pvc", "scratch-data"))
    eventually(lambda: not lab.exists("pv", name))


def test_why_a_pod_waits(lab: Lab) -> None:
    lab.apply(lab.pod("lost", "true", "nowhere"))
    why = '0/2 nodes are available: persistentvolumeclaim "nowhere" not found.'
    eventually(lambda: why in lab.cluster.kubectl("describe", "pod", "lost").stdout)
    lab.apply(claim("nowhere"))
    eventually(lambda: lab.phase("pod", "lost") == "Succeeded", 20)
    lab.delete("pod/lost", "pvc/nowhere")


@pytest.fixture
def killed_agent(lab: Lab) -> Iterator[str]:
    """The node of the claim `away`, whose agent is stopped; it runs again in the end."""
    lab.apply(claim("away"))
    lab.run("settler", "touch /data/file", "away")
    node = lab.volume_of("away")["metadata"]["annotations"]["volume.kubernetes.io/selected-node"]
    pid = lab.cluster.pid(f"agent-{node}")
    os.kill(pid, signal.SIGSTOP)
    yield node
    os.kill(pid, signal.SIGCONT)


def test_a_folder_goes_when_its_node_is_back(lab: Lab, killed_agent: str) -> None:
    volume = lab.volume_of("away")
    name, folder = volume["metadata"]["name"], Path(volume["spec"]["local"]["path"])
    pid = lab.cluster.pid(f"agent-{killed_agent}")
    lab.delete("pvc", "away")
    eventually(lambda: lab.get("pv", name)["metadata"].get("deletionTimestamp"))
    assert folder.exists()
    os.kill(pid, signal.SIGCONT)
    eventually(lambda: not lab.exists("pv", name))
    assert not folder.exists()
