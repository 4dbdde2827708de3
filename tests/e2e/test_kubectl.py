"""The everyday kubectl verbs against real containers, on the manifests in examples/."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
import yaml

from tests.e2e.harness import ROOT, RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


@pytest.fixture(scope="module")
def hello(cluster: RealCluster, nginx_image: str) -> Iterator[RealCluster]:
    """examples/hello applied (with an image that is on this machine) and rolled out."""
    manifest = (ROOT / "examples/hello/hello.yaml").read_text().replace("nginx:alpine", nginx_image)
    created = cluster.kubectl("apply", "-f", "-", stdin=manifest).stdout.splitlines()
    assert created == ["configmap/hello-page created", "deployment.apps/hello created", "service/hello created"]
    done = cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=90s").stdout
    assert 'deployment "hello" successfully rolled out' in done
    again = cluster.kubectl("apply", "-f", "-", stdin=manifest).stdout
    assert again.count("unchanged") == 3
    yield cluster
    gone = cluster.kubectl("delete", "-f", "-", "--timeout=60s", stdin=manifest).stdout
    assert 'deployment.apps "hello" deleted' in gone
    eventually(lambda: not cluster.get("pods", "-l", "app=hello")["items"])


def test_get_wide(hello: RealCluster) -> None:
    header, *rows = hello.kubectl("get", "pods", "-l", "app=hello", "-o", "wide").stdout.splitlines()
    assert header.split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert len(rows) == 2
    assert {row.split()[6] for row in rows} == {"node-1", "node-2"}
    for row in rows:
        assert re.match(r"hello-[a-z0-9]+-[a-z0-9]{5} +1/1 +Running +0 ", row)


def test_get_yaml_and_jsonpath(hello: RealCluster) -> None:
    deployment = yaml.safe_load(hello.kubectl("get", "deploy", "hello", "-o", "yaml").stdout)
    assert deployment["status"]["availableReplicas"] == 2
    image = hello.kubectl("get", "deploy", "hello", "-o", "jsonpath={.spec.template.spec.containers[0].image}").stdout
    assert image == deployment["spec"]["template"]["spec"]["containers"][0]["image"]


def test_get_tables_of_the_other_kinds(hello: RealCluster) -> None:
    nodes = hello.kubectl("get", "nodes").stdout.splitlines()
    assert [line.split()[:2] for line in nodes[1:]] == [["node-1", "Ready"], ["node-2", "Ready"]]
    assert nodes[0].split() == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    everything = hello.kubectl("get", "all").stdout
    assert "deployment.apps/hello" in everything
    assert "service/kubernetes" in everything
    services = hello.kubectl("get", "svc", "hello").stdout
    assert re.search(rf"hello +ClusterIP +10\.{hello.second}\.\d+\.\d+ +<none> +80/TCP", services)


def test_watch_shows_a_scale(hello: RealCluster) -> None:
    with hello.streaming("get", "deploy", "hello", "-w") as lines:
        assert next(lines).split()[0] == "NAME"
        assert next(lines).split()[1] == "2/2"
        assert "scaled" in hello.kubectl("scale", "deploy/hello", "--replicas=3").stdout
        seen = [next(lines).split()[1]]
        while seen[-1] != "3/3":
            seen.append(next(lines).split()[1])
    assert "2/3" in seen
    hello.kubectl("scale", "deploy/hello", "--replicas=2")
    eventually(lambda: len(hello.get("pods", "-l", "app=hello")["items"]) == 2)


def test_describe_tells_the_story(hello: RealCluster) -> None:
    pod = hello.get("pods", "-l", "app=hello")["items"][0]["metadata"]["name"]
    text = hello.kubectl("describe", "pod", pod).stdout
    for word in ("Scheduled", "Pulled", "Created", "Started", "Successfully assigned default/", "QoS Class"):
        assert word in text
    deployment = hello.kubectl("describe", "deployment", "hello").stdout
    assert re.search(
        r"ScalingReplicaSet +\S+ +deployment-controller +Scaled up replica set hello-\S+ from 0 to 2", deployment
    )
    node = hello.kubectl("describe", "node", "node-1").stdout
    assert "Allocated resources" in node


def test_logs_follow(hello: RealCluster) -> None:
    pod = hello.get("pods", "-l", "app=hello")["items"][0]
    name, ip = pod["metadata"]["name"], pod["status"]["podIP"]
    _fetch(f"http://{ip}/?first")
    with hello.streaming("logs", "-f", name) as lines:
        assert any("?first" in line for line in lines)  # what was there before; the stream is open now
        _fetch(f"http://{ip}/?second")
        assert any("?second" in line for line in lines)
    assert "?second" in hello.kubectl("logs", name, "--tail=5").stdout
    assert "?second" not in hello.kubectl("logs", name, "--since-time=2100-01-01T00:00:00Z").stdout


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return bytes(answer.read())


def test_service_answers_from_both_pods(hello: RealCluster) -> None:
    service = hello.get("svc", "hello")
    page = _fetch(f"http://{service['spec']['clusterIP']}/")
    assert page == b"Hello from podlab\n"
    endpoints = hello.get("endpointslices", "-l", "kubernetes.io/service-name=hello")["items"][0]["endpoints"]
    assert sum(endpoint["conditions"]["ready"] for endpoint in endpoints) == 2


def test_set_image_rolls_and_undo_rolls_back(hello: RealCluster, nginx_image: str) -> None:
    subprocess.run(["docker", "tag", nginx_image, f"{hello.registry}/nginx:v2"], check=True)
    hello.podlab("push", f"{hello.registry}/nginx:v2")
    hello.kubectl("set", "image", "deployment/hello", f"nginx={hello.registry}/nginx:v2")
    done = hello.kubectl("rollout", "status", "deployment/hello", "--timeout=90s").stdout
    assert "successfully rolled out" in done
    images = {p["spec"]["containers"][0]["image"] for p in _running(hello)}
    assert images == {f"{hello.registry}/nginx:v2"}
    history = hello.kubectl("rollout", "history", "deployment/hello").stdout
    assert [line.split()[0] for line in history.splitlines() if line[:1].isdigit()] == ["1", "2"]
    hello.kubectl("rollout", "undo", "deployment/hello")
    hello.kubectl("rollout", "status", "deployment/hello", "--timeout=90s")
    assert {p["spec"]["containers"][0]["image"] for p in _running(hello)} == {nginx_image}
    subprocess.run(["docker", "rmi", f"{hello.registry}/nginx:v2"], check=True, capture_output=True)


def _running(cluster: RealCluster) -> list[dict[str, dict[str, list[dict[str, str]]]]]:
    pods = cluster.get("pods", "-l", "app=hello")["items"]
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def test_wait(hello: RealCluster) -> None:
    done = hello.kubectl("wait", "--for=condition=Available", "deployment/hello", "--timeout=30s").stdout
    assert done.strip() == "deployment.apps/hello condition met"


def test_dns_in_a_pod(hello: RealCluster, busybox_image: str) -> None:
    manifest = f"""
apiVersion: v1
kind: Pod
metadata: {{name: client}}
spec:
  restartPolicy: Never
  containers:
  - name: client
    image: {busybox_image}
    command: [wget, -qO-, http://hello]
"""
    hello.kubectl("apply", "-f", "-", stdin=manifest)
    hello.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/client", "--timeout=60s")
    assert hello.kubectl("logs", "client").stdout == "Hello from podlab\n"
    hello.kubectl("delete", "pod", "client", "--timeout=30s")


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dta: {}}", 'unknown field "dta"'),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: A_b}}", "RFC 1123"),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: nowhere}}",
            'namespaces "nowhere" not found',
        ),
        (
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: many}}",
            "unmarshal",
        ),
    ],
)
def test_bad_input_is_explained(cluster: RealCluster, manifest: str, sentence: str) -> None:
    done = cluster.kubectl("create", "-f", "-", stdin=manifest, check=False)
    assert done.returncode != 0
    assert sentence in done.stderr


def test_an_unknown_kind_is_explained(cluster: RealCluster) -> None:
    manifest = "{apiVersion: v1, kind: Nothing, metadata: {name: a}}"
    done = cluster.kubectl("create", "--validate=ignore", "-f", "-", stdin=manifest, check=False)
    assert 'no matches for kind "Nothing" in version "v1"' in done.stderr
    assert 'have a resource type "nothing"' in cluster.kubectl("get", "nothing", check=False).stderr


def test_an_image_that_does_not_exist_is_explained(cluster: RealCluster) -> None:
    cluster.kubectl("run", "lost", f"--image={cluster.registry}/no/such:v1")
    eventually(lambda: _waiting_reason(cluster, "lost") in ("ErrImagePull", "ImagePullBackOff"))
    events = eventually(lambda: cluster.kubectl("get", "events", "--field-selector=involvedObject.name=lost").stdout)
    assert "Failed to pull image" in eventually(
        lambda: "Failed to pull image" in (e := cluster.kubectl("describe", "pod", "lost").stdout) and e
    ), events
    cluster.kubectl("delete", "pod", "lost", "--timeout=30s")


def _waiting_reason(cluster: RealCluster, pod: str) -> str:
    statuses = cluster.get("pod", pod)["status"].get("containerStatuses") or [{}]
    return str(statuses[0].get("state", {}).get("waiting", {}).get("reason", ""))
