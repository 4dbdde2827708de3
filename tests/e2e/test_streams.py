"""exec, attach, cp and port-forward as users type them: with the newest kubectl (WebSocket), and an old one (SPDY)."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kubernetes
import pytest
from kubernetes.stream import portforward, stream

from tests.e2e.harness import RealCluster, eventually
from tests.e2e.terminal import terminal

pytestmark = [pytest.mark.engine, pytest.mark.kubectl, pytest.mark.usefixtures("pods")]

_PODS = """
apiVersion: v1
kind: Pod
metadata: {{name: shell, labels: {{app: shell}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {{name: main, image: {busybox}, command: [sleep, "3600"]}}
  - {{name: side, image: {busybox}, command: [sh, -c, "while read -r line; do echo got $line; done"], stdin: true}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web, labels: {{app: web}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {{name: main, image: {nginx}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec:
  selector: {{app: web}}
  ports: [{{port: 8000, targetPort: 80}}]
"""


@pytest.fixture(scope="module")
def pods(cluster: RealCluster, busybox_image: str, nginx_image: str) -> Iterator[RealCluster]:
    """A pod with two containers to type in, and one that serves pages, also as a service."""
    manifest = _PODS.format(busybox=busybox_image, nginx=nginx_image)
    cluster.kubectl("apply", "-f", "-", stdin=manifest)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/shell", "pod/web", "--timeout=60s")
    yield cluster
    cluster.kubectl("delete", "-f", "-", "--timeout=60s", stdin=manifest)


def test_exec_prints_both_outputs_and_gives_the_exit_code(user: RealCluster) -> None:
    done = user.kubectl("exec", "shell", "-c", "main", "--", "sh", "-c", "echo out; echo err >&2; exit 3", check=False)
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert done.stderr == "err\ncommand terminated with exit code 3\n"
    assert user.kubectl("exec", "shell", "-c", "side", "--", "echo", "a  b", "").stdout == "a  b \n"


def test_exec_ends_its_input(user: RealCluster) -> None:
    text = "".join(f"line {number}\n" for number in range(50_000))
    done = user.kubectl("exec", "-i", "shell", "-c", "main", "--", "md5sum", stdin=text)
    expected = subprocess.run(["md5sum"], input=text, capture_output=True, text=True, check=True).stdout
    assert done.stdout == expected
    assert user.kubectl("exec", "-i", "shell", "-c", "main", "--", "cat", stdin=text).stdout == text


def test_exec_refused(user: RealCluster) -> None:
    for arguments, sentence in [
        (["shell", "-c", "none", "--", "true"], "container none is not valid for pod shell"),
        (["nobody", "--", "true"], 'pods "nobody" not found'),
        (["shell", "-c", "main", "--", "no-such-command"], "no-such-command"),
    ]:
        done = user.kubectl("exec", *arguments, check=False)
        assert done.returncode != 0
        assert sentence in done.stdout + done.stderr


def test_exec_with_a_terminal(user: RealCluster) -> None:
    with terminal(user, "exec", "-it", "shell", "-c", "main", "--", "sh") as typed:
        # Sizes travel beside what is typed, so either may be there first.
        typed.type("until stty size 2>&1 | grep '^33 99'; do sleep 0.1; done\n")
        typed.expect(r"33 99\r\n")
        typed.resize(44, 88)
        typed.type("until stty size | grep '^44 88'; do sleep 0.1; done\n")
        typed.expect(r"44 88\r\n")
        typed.type("tty && exit 5\n")
        typed.expect(r"/dev/pts/\d+\r\n")
        assert typed.process.wait(20) == 5


def test_attach(user: RealCluster) -> None:
    with terminal(user, "attach", "-i", "shell", "-c", "side") as typed:
        typed.type("one\n")
        typed.expect(r"got one\r\n")


def test_run_interactively_and_remove(user: RealCluster, busybox_image: str) -> None:
    name = f"once-{user.kubectl_binary.name.replace('.', '-')}"
    command = ["run", name, "-i", "--rm", "--restart=Never", f"--image={busybox_image}", "--command", "--"]
    done = user.kubectl(*command, "sh", "-c", "cat; echo done", stdin="typed\n")
    assert "typed\ndone\n" in done.stdout
    assert f'pod "{name}" deleted' in done.stdout + done.stderr


def test_run_in_a_terminal_and_remove(user: RealCluster, busybox_image: str) -> None:
    name = f"typed-{user.kubectl_binary.name.replace('.', '-')}"
    command = ["run", name, "-it", "--rm", "--restart=Never", f"--image={busybox_image}", "--command", "--", "sh"]
    with terminal(user, *command) as typed:
        typed.expect(r"press(ing)? enter")
        typed.type("echo $((6 * 7))\n")
        typed.expect(r"42\r\n")
        typed.type("stty size\n")
        typed.expect(r"33 99\r\n")
        typed.type("exit\n")
        typed.expect(f'pod "{name}" deleted')
        assert typed.process.wait(20) == 0


def test_cp_both_ways(user: RealCluster, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    (there / "deep").mkdir(parents=True)
    (there / "deep" / "large").write_bytes(os.urandom(20 << 20))
    (there / "small").write_text("small\n")
    user.kubectl("cp", str(there), "shell:/tmp/there", "-c", "main")
    user.kubectl("cp", "shell:/tmp/there", str(back), "-c", "main")
    for file in ("deep/large", "small"):
        assert (back / file).read_bytes() == (there / file).read_bytes()
    user.kubectl("exec", "shell", "-c", "main", "--", "rm", "-r", "/tmp/there")


@pytest.mark.parametrize("target", [("pod/web", 80), ("service/web", 8000)])
def test_port_forward_carries_many_connections(user: RealCluster, target: tuple[str, int]) -> None:
    with user.streaming("port-forward", target[0], f":{target[1]}") as lines:
        port = re.match(r"Forwarding from 127.0.0.1:(\d+) -> 80", next(lines))
        assert port is not None
        url = f"http://127.0.0.1:{port[1]}/"
        with ThreadPoolExecutor(20) as pool:
            pages = list(pool.map(lambda _: fetch(url), range(100)))
    direct = fetch(f"http://{user.get('pod', 'web')['status']['podIP']}/")
    assert pages == [direct] * 100


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("exec", "shell", "-c", "main", "--", "true"), r"The subprotocol is v5\.channel\.k8s\.io"),
        (("port-forward", "pod/web", ":80"), r"tunneling_dialer.*negotiated protocol: portforward\.k8s\.io"),
    ],
)
def test_a_new_kubectl_gets_its_websocket(pods: RealCluster, arguments: tuple[str, ...], line: str) -> None:
    """It would fall back to SPDY, and nobody would notice."""
    with pods.streaming(arguments[0], "-v=9", *arguments[1:], errors=True, timeout=20) as lines:
        assert any(re.search(line, said) for said in lines)


def test_port_forward_to_a_port_nobody_listens_on(user: RealCluster) -> None:
    with user.streaming("port-forward", "pod/web", ":81", errors=True) as lines:
        port = int(next(lines).split(":")[1].split()[0])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            assert connection.recv(1) == b""
        assert "error forwarding port 81 to pod web" in next(line for line in lines if "error" in line)


@pytest.fixture(scope="module")
def core(pods: RealCluster) -> Iterator[kubernetes.client.CoreV1Api]:
    """The official Python client."""
    yield kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config(str(pods.kubeconfig)))


def test_python_exec(core: kubernetes.client.CoreV1Api) -> None:
    connection = stream(
        core.connect_get_namespaced_pod_exec,
        "shell",
        "default",
        container="main",
        command=["sh", "-c", "read line; echo $line; echo err >&2; exit 7"],
        stdin=True,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    connection.write_stdin("typed\n")
    connection.run_forever(timeout=20)
    assert (connection.read_stdout(), connection.read_stderr()) == ("typed\n", "err\n")
    assert connection.returncode == 7


def test_python_port_forward(core: kubernetes.client.CoreV1Api) -> None:
    forwarded = portforward(core.connect_get_namespaced_pod_portforward, "web", "default", ports="80")
    connection = forwarded.socket(80)
    connection.settimeout(20)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
    answer = b""
    while piece := connection.recv(1 << 16):
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert forwarded.error(80) is None


def test_streams_do_not_use_up_the_workers(pods: RealCluster) -> None:
    """More of them than the API server has workers, and it answers."""
    here = ("exec", "shell", "-c", "main", "--")
    waiting = (*here, "sh", "-c", "until test -e /tmp/end; do sleep 0.1; done")
    with ThreadPoolExecutor(12) as pool:
        open_ = [pool.submit(pods.kubectl, *waiting) for _ in range(12)]
        eventually(lambda: pods.kubectl(*here, "ps").stdout.count("until test") == 12)
        assert len(pods.get("nodes")["items"]) == 2
        pods.kubectl(*here, "touch", "/tmp/end")
        assert all(each.result().returncode == 0 for each in open_)


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return bytes(answer.read())
