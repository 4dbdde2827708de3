"""Programs in pods through the API server: `pods/proxy`, `services/proxy`, `nodes/proxy`, `kubectl proxy`."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
import websocket

from tests.e2e.harness import ROOT, RealCluster
from tests.e2e.test_in_cluster import BORROWED
from tests.fakes import web_program

pytestmark = [pytest.mark.engine, pytest.mark.kubectl, pytest.mark.usefixtures("pods")]

NAMESPACE = "/api/v1/namespaces/default"
MIB = 1 << 20


@pytest.fixture(scope="module")
def pods(cluster: RealCluster, busybox_image: str, nginx_image: str) -> Iterator[RealCluster]:
    """The pods `web` (nginx, also as a service) and `program` (`tests/fakes/web_program.py`)."""
    folders = sorted({*BORROWED, str(ROOT), str(cluster.home / "pki")})
    mounts = [{"name": f"part-{index}", "mountPath": path, "readOnly": True} for index, path in enumerate(folders)]
    volumes = [{"name": f"part-{index}", "hostPath": {"path": path}} for index, path in enumerate(folders)]
    key = [str(cluster.home / "pki" / f"apiserver.{end}") for end in ("crt", "key")]
    container = {
        "name": "main",
        "image": busybox_image,
        "command": [sys.executable, str(Path(web_program.__file__)), *key],
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "volumeMounts": mounts,
    }
    program = {"terminationGracePeriodSeconds": 0, "containers": [container], "volumes": volumes}
    objects = [
        {"kind": "Pod", "metadata": {"name": "program"}, "spec": program},
        {
            "kind": "Pod",
            "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [{"name": "main", "image": nginx_image}]},
        },
        {
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 8000, "targetPort": 80}]},
        },
    ]
    manifest = "\n---\n".join(json.dumps({"apiVersion": "v1", **each}) for each in objects)
    cluster.kubectl("apply", "-f", "-", stdin=manifest)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/program", "pod/web", "--timeout=60s")
    yield cluster
    cluster.kubectl("delete", "-f", "-", "--timeout=60s", stdin=manifest)


@pytest.fixture
def connection(pods: RealCluster) -> Iterator[http.client.HTTPSConnection]:
    """To the API server, as the admin."""
    context = ssl.create_default_context(cafile=str(pods.home / "pki/ca.crt"))
    context.load_cert_chain(pods.home / "pki/admin.crt", pods.home / "pki/admin.key")
    with closing(http.client.HTTPSConnection("127.0.0.1", pods.api_port, context=context, timeout=30)) as made:
        yield made


@contextmanager
def proxy(user: RealCluster, *arguments: str) -> Iterator[str]:
    """The URL of a `kubectl proxy`."""
    with user.streaming("proxy", "--port=0", *arguments) as lines:
        found = re.match(r"Starting to serve on (127\.0\.0\.1:\d+)", next(lines))
        assert found is not None
        yield f"http://{found[1]}"


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return bytes(answer.read())


def raw(user: RealCluster, path: str) -> str:
    return user.kubectl("get", "--raw", path).stdout


@pytest.mark.parametrize("name", ["pods/web", "pods/web:80", "services/web:http", "services/http:web:8000"])
def test_get_raw(user: RealCluster, name: str) -> None:
    direct = fetch(f"http://{user.get('pod', 'web')['status']['podIP']}/").decode()
    assert raw(user, f"{NAMESPACE}/{name}/proxy/") == direct


def test_programs_with_tls(user: RealCluster) -> None:
    assert json.loads(raw(user, f"{NAMESPACE}/pods/https:program:8443/proxy/x?y=z"))["path"] == "/x?y=z"


def test_kubectl_proxy(user: RealCluster, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("static")
    with proxy(user, f"--www={tmp_path}", "--www-prefix=/files/", "--api-prefix=/k8s/") as url:
        assert fetch(f"{url}/files/page.html") == b"static"
        assert json.loads(fetch(f"{url}/k8s{NAMESPACE}/pods/web"))["metadata"]["name"] == "web"
    with proxy(user) as url:
        page = f"{url}{NAMESPACE}/pods/program:8080/proxy/html"
        prefix = f"{NAMESPACE}/pods/program:8080/proxy"
        assert f'href="{prefix}/other?a=1'.encode() in fetch(page)
        assert b"nginx" in fetch(f"{url}{NAMESPACE}/services/web:http/proxy").lower()
        with urllib.request.urlopen(f"{url}{NAMESPACE}/pods?watch=true", timeout=20) as watch:
            assert json.loads(watch.readline())["type"] == "ADDED"
        socket_url = f"{url.replace('http', 'ws')}{NAMESPACE}/pods/program:8080/proxy/socket"
        opened = websocket.create_connection(socket_url, timeout=20)
        opened.send("hello")
        assert opened.recv() == "hello"
        opened.close()


def test_exec_through_kubectl_proxy(user: RealCluster) -> None:
    """kubectl proxy refuses exec unless it is told not to."""
    with proxy(user, "--reject-paths=^/nothing$") as url:
        through = ("--server", url, "--kubeconfig", os.devnull)
        done = user.kubectl(*through, "exec", "program", "--", "echo", "through")
        assert done.stdout == "through\n"


def test_large_bodies_pass_through(pods: RealCluster, connection: http.client.HTTPSConnection) -> None:
    """200 MiB down and 100 MiB up; the API server keeps none of it."""
    master = psutil.Process(pods.pid("master"))
    connection.request("GET", f"{NAMESPACE}/pods/program:8080/proxy/download?1")
    connection.getresponse().read()
    before = master.memory_info().rss
    connection.request("GET", f"{NAMESPACE}/pods/program:8080/proxy/download?200")
    answer, size, most = connection.getresponse(), 0, before
    while piece := answer.read(MIB):
        size += len(piece)
        most = max(most, master.memory_info().rss)
    assert size == 200 * MIB
    block, digest = os.urandom(MIB), hashlib.md5()

    def body() -> Iterator[bytes]:
        nonlocal most
        for _ in range(100):
            digest.update(block)
            most = max(most, master.memory_info().rss)
            yield block

    connection.request(
        "POST",
        f"{NAMESPACE}/pods/program:8080/proxy/",
        body(),
        encode_chunked=True,
        headers={"Transfer-Encoding": "chunked"},
    )
    assert connection.getresponse().read().decode() == digest.hexdigest()
    assert most - before < 8 * MIB


def test_nodes(user: RealCluster) -> None:
    node = user.get("pod", "web")["spec"]["nodeName"]
    assert raw(user, f"/api/v1/nodes/{node}/proxy/healthz") == "ok"
    assert "web" in {
        pod["metadata"]["name"] for pod in json.loads(raw(user, f"/api/v1/nodes/{node}/proxy/pods"))["items"]
    }


def test_cluster_info(user: RealCluster, tmp_path: Path) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "board", "namespace": "kube-system", "labels": {"kubernetes.io/cluster-service": "true"}},
        "spec": {"ports": [{"port": 80}]},
    }
    user.kubectl("apply", "-f", "-", stdin=json.dumps(service))
    said = re.sub(r"\x1b\[[0-9;]*m", "", user.kubectl("cluster-info").stdout)
    user.kubectl("delete", "-n", "kube-system", "service", "board")
    url = f"https://127.0.0.1:{user.api_port}"
    assert f"Kubernetes control plane is running at {url}\n" in said
    assert f"board is running at {url}/api/v1/namespaces/kube-system/services/board/proxy\n" in said


def test_port_forward_enters_the_pod(user: RealCluster) -> None:
    """The program answers on 127.0.0.1 alone."""
    with user.streaming("port-forward", "pod/program", ":8081") as lines:
        found = re.match(r"Forwarding from 127.0.0.1:(\d+) -> 8081", next(lines))
        assert found is not None
        assert json.loads(fetch(f"http://127.0.0.1:{found[1]}/inside"))["path"] == "/inside"
    address = user.get("pod", "program")["status"]["podIP"]
    refused = subprocess.run(
        [sys.executable, "-c", f"import socket; socket.create_connection(({address!r}, 8081), 5)"], capture_output=True
    )
    assert b"ConnectionRefusedError" in refused.stderr
