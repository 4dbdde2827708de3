"""The Dockerfile makes a working image: a whole cluster runs from it. Built offline, on a base made by debootstrap."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.e2e.harness import ROOT, RealCluster, eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl, pytest.mark.slow]

BASE = "podlab-test/python:bookworm"
IMAGE = "podlab-test/podlab:latest"


def docker(*arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True)
    assert done.returncode == 0, f"docker {arguments}: {(done.stdout + done.stderr).decode()[-3000:]}"
    return done.stdout.decode()


@pytest.fixture(scope="module")
def base(engine: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What python:3.x-slim is, from the distribution's packages; kept on the engine, it takes a minute to make."""
    if docker("images", "-q", BASE):
        return BASE
    if shutil.which("debootstrap") is None:
        missing("debootstrap")
    folder = tmp_path_factory.mktemp("base") / "root"
    command = ["debootstrap", "--variant=minbase", "--include=python3,python3-venv", "bookworm", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    with subprocess.Popen(["tar", "-C", str(folder), "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(["docker", "import", "-", BASE], stdin=tar.stdout, check=True, capture_output=True)
    shutil.rmtree(folder)
    return BASE


@pytest.fixture(scope="module")
def image(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    context = tmp_path_factory.mktemp("context")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in files.splitlines():
        target = context / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    download = [sys.executable, "-m", "pip", "download", "-qq", "-d", str(context / "wheels"), str(ROOT), "setuptools"]
    subprocess.run(download, check=True, cwd=context)
    docker("build", "--build-arg", f"BASE={base}", "--build-arg", "WHEELS=wheels", "-t", IMAGE, str(context))
    yield IMAGE
    docker("rmi", "-f", IMAGE)


@pytest.fixture
def containerised(image: str, kubectl: Path, tmp_path: Path) -> Iterator[RealCluster]:
    """All in one container, with its home on the host so that the test can read its kubeconfig."""
    cluster = RealCluster(tmp_path, "boxed", kubectl)
    box = ["--name=podlab-test-boxed", "--cap-add=NET_ADMIN", "--network=host"]
    volumes = ["-v=/var/run/docker.sock:/var/run/docker.sock", f"-v={tmp_path}:/var/lib/podlab"]
    docker("create", *box, *volumes, image, "--name=boxed", "run", *cluster.settings())
    try:
        docker("start", "podlab-test-boxed")
        yield cluster
    finally:
        docker("stop", "-t=30", "podlab-test-boxed")
        docker("rm", "-f", "podlab-test-boxed")
        cluster.podlab("down", "--purge", check=False)


def test_a_cluster_in_a_container(containerised: RealCluster, nginx_image: str) -> None:
    eventually(lambda: "podlab is up" in _logs(), timeout=60)
    cluster = containerised
    cluster.kubeconfig.write_text(cluster.podlab("kubeconfig").stdout)
    assert "Ready" in cluster.kubectl("get", "nodes").stdout
    manifest = f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: page}}
data: {{index.html: boxed}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  containers:
  - name: nginx
    image: {nginx_image}
    readinessProbe: {{httpGet: {{port: 80}}}}
    volumeMounts: [{{name: page, mountPath: /usr/share/nginx/html}}]
  volumes: [{{name: page, configMap: {{name: page}}}}]
"""
    cluster.kubectl("apply", "-f", "-", stdin=manifest)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    ip = cluster.get("pod", "web")["status"]["podIP"]
    page = subprocess.run(["curl", "-sf", f"http://{ip}/"], capture_output=True, text=True).stdout
    assert page == "boxed"


def _logs() -> str:
    done = subprocess.run(["docker", "logs", "podlab-test-boxed"], capture_output=True, text=True)
    return done.stdout + done.stderr
