"""podlab's own verbs with real containers: rollouts, logs, exec in pipes and terminals, port-forward."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.e2e.harness import ROOT, RealCluster
from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

_MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {{name: shell, labels: {{app: shell}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {{name: main, image: {busybox}, command: [sh, -c, "echo first; echo second; sleep 3600"]}}
  - {{name: side, image: {busybox}, command: [sh, -c, "echo beside; sleep 3600"]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{{name: main, image: {nginx}, ports: [{{containerPort: 80, name: http}}]}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 8000, targetPort: http}}]}}
"""


@pytest.fixture(scope="module")
def applied(
    cluster: RealCluster, busybox_image: str, nginx_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealCluster]:
    file = tmp_path_factory.mktemp("manifest") / "all.yaml"
    file.write_text(_MANIFEST.format(busybox=busybox_image, nginx=nginx_image))
    said = cluster.podlab("apply", "-f", str(file)).stdout
    assert said == "pod/shell created\ndeployment.apps/web created\nservice/web created\n"
    cluster.podlab("rollout", "status", "deploy/web", "--timeout=60s")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/shell", "--timeout=60s")
    yield cluster
    cluster.podlab("delete", "-f", str(file), "--timeout=60s")
    assert "No resources found" in cluster.podlab("get", "pods", "-l", "app in (web,shell)").stderr


def test_rollouts(applied: RealCluster) -> None:
    assert applied.podlab("rollout", "restart", "deploy/web").stdout == "deployment.apps/web restarted\n"
    said = applied.podlab("rollout", "status", "deploy/web", "--timeout=60s").stdout.splitlines()
    assert said[-1] == 'deployment "web" successfully rolled out'
    assert applied.podlab("rollout", "undo", "deploy/web").stdout == "deployment.apps/web rolled back\n"
    applied.podlab("rollout", "status", "deploy/web", "--timeout=60s")
    history = applied.podlab("rollout", "history", "deploy/web").stdout
    assert re.findall(r"^\d+", history, re.M) == ["2", "3"]
    assert "restartedAt" not in applied.podlab("get", "deploy/web", "-o", "yaml").stdout
    skipped = applied.podlab("rollout", "undo", "deploy/web", "--to-revision=3").stdout
    assert "skipped rollback (current template already matches revision 3)" in skipped


def test_logs(applied: RealCluster) -> None:
    assert applied.podlab("logs", "shell").stdout == "first\nsecond\n"
    assert applied.podlab("logs", "shell", "--tail=1", "-c", "main").stdout == "second\n"
    every = applied.podlab("logs", "-l", "app=shell", "--all-containers", "--prefix").stdout.splitlines()
    assert sorted(every) == ["[pod/shell/main] first", "[pod/shell/main] second", "[pod/shell/side] beside"]
    assert re.match(r"\d{4}-\d\d-\d\dT\S+Z first\n", applied.podlab("logs", "shell", "--timestamps").stdout)
    assert "Found 2 pods, using pod/web-" in applied.podlab("logs", "deploy/web").stderr
    with running(applied, "logs", "-f", "-l", "app=shell", "--all-containers") as (process, lines):
        assert {next(lines), next(lines), next(lines)} == {"first\n", "second\n", "beside\n"}
        interrupt(process)


def test_exec(applied: RealCluster) -> None:
    done = applied.podlab("exec", "shell", "--", "sh", "-c", "echo out; echo err >&2; exit 3", check=False)
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert done.stderr.endswith("err\ncommand terminated with exit code 3\n")
    assert applied.podlab("exec", "deploy/web", "--", "printf", "%s|", "a  b", "").stdout == "a  b||"
    refused = applied.podlab("exec", "shell", "-c", "none", "--", "true", check=False)
    assert (refused.returncode, refused.stderr) == (1, "podlab: container none is not valid for pod shell\n")


def test_exec_passes_its_input_on_to_the_end(applied: RealCluster) -> None:
    text = os.urandom(3 << 20)
    done = subprocess.run(
        command(applied, "exec", "-i", "shell", "-c", "main", "--", "cat"),
        env=applied.environment,
        cwd=ROOT,
        input=text,
        capture_output=True,
        timeout=60,
    )
    assert done.stdout == text


def test_exec_in_a_terminal(applied: RealCluster) -> None:
    screen, inside = pty.openpty()
    termios.tcsetwinsize(inside, (33, 99))
    before = termios.tcgetattr(inside)
    arguments = command(applied, "exec", "-it", "shell", "-c", "main", "--", "sh")
    process = subprocess.Popen(
        arguments, env=applied.environment, cwd=ROOT, stdin=inside, stdout=inside, stderr=inside, close_fds=True
    )
    killer = threading.Timer(60, process.kill)
    killer.start()
    try:
        typed = Terminal(process, screen)
        typed.type("until stty size 2>&1 | grep '^33 99'; do sleep 0.1; done\n")
        typed.expect(r"33 99\r\n")
        typed.resize(44, 88)
        process.send_signal(signal.SIGWINCH)  # the terminal is not its own, so that it would not be told
        typed.type("until stty size | grep '^44 88'; do sleep 0.1; done\n")
        typed.expect(r"44 88\r\n")
        typed.type("sh -c 'echo up; exec sleep 60'\n")
        typed.expect(r"\nup\r\n")
        typed.type("\x03")
        typed.type("echo code $?\n")
        typed.expect(r"code 130\r\n")
        typed.type("exit 5\n")
        assert process.wait(20) == 5
        assert termios.tcgetattr(inside) == before
    finally:
        killer.cancel()
        process.kill()
        process.wait()
        os.close(screen)
        os.close(inside)


@pytest.mark.parametrize("target", [("deploy/web", "http"), ("svc/web", "8000")])
def test_port_forward_carries_many_connections(applied: RealCluster, target: tuple[str, str]) -> None:
    with running(applied, "port-forward", target[0], f":{target[1]}") as (process, lines):
        port = re.fullmatch(r"Forwarding from 127.0.0.1:(\d+) -> 80\n", next(lines))
        assert port is not None
        url = f"http://127.0.0.1:{port[1]}/"
        with ThreadPoolExecutor(10) as pool:
            pages = list(pool.map(lambda _: fetch(url), range(30)))
        assert all(b"nginx" in page for page in pages)
        interrupt(process)


def test_port_forward_to_a_port_nobody_listens_on(applied: RealCluster) -> None:
    with running(applied, "port-forward", "deploy/web", ":81") as (process, lines):
        port = next(lines).split(":")[1].split()[0]
        with pytest.raises(OSError, match=r"closed|reset"):
            fetch(f"http://127.0.0.1:{port}/")
        assert "error forwarding port 81 to pod web-" in next(line for line in lines if "error" in line)
        interrupt(process)


def test_describe_shows_what_happened(applied: RealCluster) -> None:
    text = applied.podlab("describe", "pod/shell", "svc/web", "node/node-1", "node/node-2").stdout
    assert "Started container main" in text
    assert re.search(r"Endpoints: +172\S+:80\n +172\S+:80\n", text)
    assert re.search(r"default +shell +0", text)


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return bytes(answer.read())


def command(cluster: RealCluster, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "orchestrator.cli.main", "--name", cluster.name, *arguments]


def interrupt(process: subprocess.Popen[str]) -> None:
    """^C ends it, and it says nothing of it."""
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert "Abort" not in rest


@contextmanager
def running(cluster: RealCluster, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Iterator[str]]]:
    """A verb that does not end by itself, and the lines that it prints; it is ended after a minute at most."""
    with subprocess.Popen(
        command(cluster, *arguments),
        env=cluster.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        killer = threading.Timer(60, process.kill)
        killer.start()
        try:
            yield process, iter(process.stdout.readline, "")
        finally:
            killer.cancel()
            process.kill()
