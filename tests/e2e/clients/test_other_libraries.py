"""The libraries of others that speak to a cluster: each creates a pod, sees it run, works in it, and deletes it."""

from __future__ import annotations

import urllib.request

import kr8s
import lightkube
import pytest
from kr8s.objects import Pod as Kr8sPod
from lightkube.models.core_v1 import Container, PodSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, Pod

from tests.e2e.harness import RealCluster

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


def test_kr8s(cluster: RealCluster, nginx_image: str) -> None:
    api = kr8s.api(kubeconfig=str(cluster.kubeconfig))
    spec = {"terminationGracePeriodSeconds": 0, "containers": [{"name": "main", "image": nginx_image}]}
    pod = Kr8sPod({"metadata": {"name": "by-kr8s", "namespace": "default"}, "spec": spec}, api=api)
    pod.create()
    pod.wait("condition=Ready", timeout=30)
    assert pod.exec(["echo", "said"]).stdout == b"said\n"
    assert pod.exec(["sh", "-c", "exit 4"], check=False).returncode == 4
    # It names no subprotocol, which few others dare.
    with pod.portforward(remote_port=80, local_port="auto") as port:
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
    assert b"nginx" in page
    pod.label(looked="yes")
    assert [each.name for each in api.get("pods", namespace="default", label_selector="looked=yes")] == ["by-kr8s"]
    pod.delete()
    pod.wait("delete", timeout=30)


def test_lightkube(cluster: RealCluster, nginx_image: str) -> None:
    """It decodes strictly: an object that lacks a required field, on any event, ends its watch."""
    api = lightkube.Client(lightkube.KubeConfig.from_file(cluster.kubeconfig), namespace="default", field_manager="lk")
    spec = PodSpec(containers=[Container(name="main", image=nginx_image)], terminationGracePeriodSeconds=0)
    api.create(Pod(metadata=ObjectMeta(name="by-lightkube"), spec=spec))
    for kind, pod in api.watch(Pod, fields={"metadata.name": "by-lightkube"}):
        if kind == "DELETED":
            break
        if pod.status.phase == "Running":
            assert pod.status.hostIPs[0].ip == pod.status.hostIP
            api.delete(Pod, "by-lightkube")
    meta = ObjectMeta(name="by-lightkube", namespace="default")
    applied = api.apply(ConfigMap(apiVersion="v1", kind="ConfigMap", metadata=meta, data={"a": "1"}))
    assert applied.metadata.managedFields[0].manager == "lk"
    api.delete(ConfigMap, "by-lightkube")
