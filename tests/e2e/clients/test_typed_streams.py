"""Logs, exec, attach and copies by the official Python client."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, watch
from kubernetes.stream import stream

from tests.e2e.clients.objects import pod, ready, run
from tests.e2e.harness import eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


@pytest.fixture(scope="module")
def shell(core: client.CoreV1Api, busybox_image: str) -> Iterator[str]:
    """A pod in `default` that answers each line it is given."""
    answering = "while read -r line; do echo got $line; done"
    core.create_namespaced_pod("default", pod("shell", busybox_image, "sh", "-c", answering, stdin=True))
    eventually(lambda: ready(core, "default", "shell"))
    yield "shell"
    core.delete_namespaced_pod("shell", "default")


def test_logs(core: client.CoreV1Api, space: str, busybox_image: str) -> None:
    script = "for n in 1 2 3; do echo line $n; done; while ! test -e /tmp/go; do sleep 0.1; done; echo last"
    core.create_namespaced_pod(space, pod("talks", busybox_image, "sh", "-c", script))
    eventually(lambda: ready(core, space, "talks"))
    eventually(lambda: core.read_namespaced_pod_log("talks", space) == "line 1\nline 2\nline 3\n")
    assert core.read_namespaced_pod_log("talks", space, tail_lines=1) == "line 3\n"
    assert len(core.read_namespaced_pod_log("talks", space, timestamps=True, limit_bytes=30)) == 30
    following = watch.Watch().stream(core.read_namespaced_pod_log, name="talks", namespace=space)
    assert [next(following) for _ in range(3)] == ["line 1", "line 2", "line 3"]
    silent = core.read_namespaced_pod_log("talks", space, follow=True, tail_lines=0, _preload_content=False)
    run(core, space, "talks", "touch", "/tmp/go")
    assert list(following) == ["last"]
    assert b"".join(silent.stream()) == b"last\n"
    eventually(lambda: core.read_namespaced_pod_status("talks", space).status.phase == "Succeeded")
    with pytest.raises(client.ApiException, match="container other is not valid for pod talks"):
        core.read_namespaced_pod_log("talks", space, container="other")


def test_exec(core: client.CoreV1Api, shell: str) -> None:
    assert run(core, "default", shell, "echo", "a  b") == "a  b\n"
    failing = opened(core.connect_get_namespaced_pod_exec, shell, command=["sh", "-c", "exit 7"])
    failing.run_forever(timeout=10)
    assert failing.returncode == 7
    with pytest.raises(client.ApiException, match="404 Not Found"):
        run(core, "default", "nobody", "true")


def test_attach(core: client.CoreV1Api, shell: str) -> None:
    attached = opened(core.connect_get_namespaced_pod_attach, shell)
    attached.write_stdin("typed\n")
    assert attached.readline_stdout(timeout=10) == "got typed"
    attached.close()


def test_copies_both_ways(core: client.CoreV1Api, shell: str) -> None:
    content = bytes(range(256)) * 4000
    there = opened(core.connect_get_namespaced_pod_exec, shell, command=["tar", "xf", "-", "-C", "/tmp"], binary=True)
    there.write_stdin(archive("folder/file", content))
    eventually(lambda: run(core, "default", shell, "sh", "-c", "wc -c </tmp/folder/file || true").strip() == "1024000")
    there.close()
    back = opened(
        core.connect_get_namespaced_pod_exec, shell, command=["tar", "cf", "-", "-C", "/tmp", "folder"], binary=True
    )
    back.run_forever(timeout=20)
    with tarfile.open(fileobj=io.BytesIO(back.read_stdout())) as packed:
        came = packed.extractfile("folder/file")
        assert came is not None
        assert came.read() == content
    assert back.returncode == 0


def opened(method: Any, name: str, **more: Any) -> Any:
    """The streams of an exec or attach, to be written and read."""
    channels = {"stdin": True, "stdout": True, "stderr": True, "tty": False, "_preload_content": False}
    return stream(method, name, "default", **channels, **more)


def archive(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as packed:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        packed.addfile(entry, io.BytesIO(content))
    return file.getvalue()
