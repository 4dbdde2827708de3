"""The Docker Engine under the cluster: is one there, and if not, get one or say how."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.cli.failure import Failure

DEFAULT = "unix:///var/run/docker.sock"
LOG = Path("/var/log/podlab-dockerd.log")

Say = Callable[[str], None]


def address(configured: str = "") -> str:
    """The engine's address: the setting, DOCKER_HOST, or Docker's default socket."""
    return configured or os.environ.get("DOCKER_HOST", "") or DEFAULT


def problem(url: str) -> str:
    """Why no engine answers at `url`, or "" when one does. Engines behind ssh:// are taken on trust."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "unix":
            connection: http.client.HTTPConnection = _UnixConnection(parts.path)
        elif parts.scheme in ("tcp", "http"):
            connection = http.client.HTTPConnection(parts.hostname or "localhost", parts.port or 2375, timeout=5)
        else:
            return ""
        connection.request("GET", "/_ping")
        answer = connection.getresponse()
        return "" if answer.status == 200 else f"the engine at {url} answers {answer.status}"
    except PermissionError:
        return f"no permission to use {url}: add yourself to the docker group (sudo usermod -aG docker $USER)"
    except OSError as error:
        return f"no Docker Engine answers at {url} ({error.strerror or error})"


def ensure(configured: str, say: Say) -> None:
    """Return when an engine answers; install and start one when that is possible here. Raises Failure."""
    url = address(configured)
    why = problem(url)
    if not why:
        return
    if url != DEFAULT:
        raise Failure(f"{why}: start it, or unset DOCKER_HOST")
    if "permission" in why:
        raise Failure(why)
    if os.geteuid() != 0:
        raise Failure(
            f"{why}: start it (sudo systemctl start docker), or install it (sudo apt-get install docker.io iptables)"
        )
    if shutil.which("dockerd") is None:
        _install(say)
    _start(say)


def _install(say: Say) -> None:
    if shutil.which("apt-get") is None:
        raise Failure("no Docker Engine is installed: install one (https://docs.docker.com/engine/install)")
    say("Installing Docker Engine (docker.io, iptables)")
    apt_install(["docker.io", "iptables"])


def apt_install(packages: list[str]) -> None:
    """Install Debian packages (as root). Raises Failure with apt's last line."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise Failure(f"{' '.join(command)} failed: {last}")


def _start(say: Say) -> None:
    say("Starting Docker Engine")
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "start", "docker"], capture_output=True)
        started = None
    else:
        with LOG.open("ab") as log:
            started = subprocess.Popen(
                ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
    deadline = time.monotonic() + 60
    while why := problem(DEFAULT):
        if time.monotonic() > deadline or (started is not None and started.poll() is not None):
            where = f"see {LOG}" if started is not None else "see journalctl -u docker"
            raise Failure(f"Docker Engine does not start ({why}): {where}")
        time.sleep(0.1)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
