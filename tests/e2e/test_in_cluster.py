"""A program in a real pod that calls the API, as any operator does: with the official client and nothing configured."""

from __future__ import annotations

import json
import sys

import pytest

from orchestrator.api.meta import Object
from tests.e2e.harness import RealCluster

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

PROGRAM = """
import time
from kubernetes import client, config, watch
config.load_incluster_config()
core = client.CoreV1Api()
print(client.AuthenticationV1Api().create_self_subject_review({}).status.user_info.username)
print([pod.metadata.name for pod in core.list_namespaced_pod("default").items])
for event in watch.Watch().stream(core.list_namespaced_pod, "default", timeout_seconds=5):
    print(event["type"], event["object"].metadata.name)
    break
try:
    core.list_namespaced_secret("default")
except client.ApiException as error:
    print(error.status, error.body)
"""
#: The image has no Python: the pod borrows the one that runs the tests, with what it needs.
BORROWED = sorted({"/usr", "/lib", "/lib64", sys.base_prefix, sys.prefix})


def program(image: str) -> Object:
    mounts = [{"name": f"part-{index}", "mountPath": path, "readOnly": True} for index, path in enumerate(BORROWED)]
    volumes = [{"name": f"part-{index}", "hostPath": {"path": path}} for index, path in enumerate(BORROWED)]
    container = {"name": "main", "image": image, "command": [sys.executable, "-c", PROGRAM], "volumeMounts": mounts}
    spec = {"serviceAccountName": "reader", "restartPolicy": "Never", "containers": [container], "volumes": volumes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "program"}, "spec": spec}


def reader() -> list[Object]:
    """The account `reader`, which may list and watch pods."""
    rbac, meta = "rbac.authorization.k8s.io/v1", {"name": "reader"}
    rules = [{"verbs": ["list", "watch"], "apiGroups": [""], "resources": ["pods"]}]
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    subjects = [{"kind": "ServiceAccount", "name": "reader", "namespace": "default"}]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": rbac, "kind": "Role", "metadata": meta, "rules": rules},
        {"apiVersion": rbac, "kind": "RoleBinding", "metadata": meta, "roleRef": ref, "subjects": subjects},
    ]


def test_a_program_in_a_pod(cluster: RealCluster, busybox_image: str) -> None:
    """It finds the API by the service's address, believes its certificate, and may do what its account may."""
    manifest = "\n---\n".join(json.dumps(each) for each in (*reader(), program(busybox_image)))
    cluster.kubectl("create", "-f", "-", stdin=manifest)
    cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/program", "--timeout=60s")
    who, pods, event, refused = cluster.kubectl("logs", "program").stdout.splitlines()
    assert who == "system:serviceaccount:default:reader"
    assert "'program'" in pods
    assert event.startswith("ADDED ")
    assert refused.startswith("403 ")
    assert 'cannot list resource \\"secrets\\" in API group \\"\\" in the namespace \\"default\\"' in refused


def test_the_token_goes_with_the_pod(cluster: RealCluster, busybox_image: str) -> None:
    where = "/var/run/secrets/kubernetes.io/serviceaccount"
    cluster.kubectl(
        "run", "guest", f"--image={busybox_image}", "--restart=Never", "--command", "--", "cat", f"{where}/token"
    )
    cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/guest", "--timeout=60s")
    token = cluster.kubectl("logs", "guest").stdout.strip()
    known = (
        "--server",
        f"https://127.0.0.1:{cluster.api_port}",
        "--certificate-authority",
        str(cluster.home / "pki/ca.crt"),
    )
    asked = (*known, "--token", token, "--kubeconfig", "/dev/null", "get", "pods")
    assert 'User "system:serviceaccount:default:default" cannot list' in cluster.kubectl(*asked, check=False).stderr
    cluster.kubectl("delete", "pod", "guest", "--timeout=60s")
    assert "You must be logged in" in cluster.kubectl(*asked, check=False).stderr
