"""A real cluster for a test: own home, ports and address ranges, so that it disturbs no other on the machine."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: Second octets of the clusters' service ranges; in another order in each run, as two may run side by side.
_RANGES = iter(random.sample(range(100, 250, 2), 75))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(check: Callable[[], Any], timeout: float = 30.0) -> Any:
    """The first true value of `check`; fails with the last value after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := check()):
        assert time.monotonic() < deadline, f"still {value!r} after {timeout} s"
        time.sleep(0.05)
    return value


@dataclass
class RealCluster:
    """A cluster under `folder`, driven as a user would: through `podlab` and kubectl."""

    folder: Path
    name: str
    kubectl_binary: Path
    second: int = field(default_factory=lambda: next(_RANGES))
    api_port: int = field(default_factory=free_port)
    registry_port: int = field(default_factory=free_port)

    @property
    def home(self) -> Path:
        return self.folder / self.name

    @property
    def label(self) -> str:
        """The engine's filter for the containers and volumes of this cluster."""
        settings = json.loads((self.home / "settings.json").read_text())
        return f"label=podlab.cluster={settings['cluster']}-{settings['id']}"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def registry(self) -> str:
        return f"localhost:{self.registry_port}"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PODLAB_HOME": str(self.folder), "KUBECONFIG": str(self.kubeconfig)}

    def settings(self) -> list[str]:
        return [
            "--api-port",
            str(self.api_port),
            "--registry-port",
            str(self.registry_port),
            "--set",
            f"service_cidr=10.{self.second}.0.0/16",
            "--set",
            f"dns_ip=10.{self.second}.0.10",
            "--set",
            f"load_balancer_cidr=10.{self.second + 1}.0.0/24",
        ]

    def podlab(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "orchestrator.cli.main", "--name", self.name, *arguments]
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, f"podlab {arguments}: {done.stderr}{done.stdout}{self.logs()}"
        return done

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(self.kubectl_binary), *arguments],
            env=self.environment,
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not check or done.returncode == 0, f"kubectl {arguments}: {done.stderr}{done.stdout}"
        return done

    @contextmanager
    def streaming(self, *arguments: str, timeout: float = 60.0, errors: bool = False) -> Iterator[Iterator[str]]:
        """The lines (with `errors`, also those) that a kubectl which does not end by itself prints.

        It is ended after `timeout` seconds at most.
        """
        command = [str(self.kubectl_binary), *arguments]
        stderr = subprocess.STDOUT if errors else None
        with subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as process:
            assert process.stdout is not None
            timer = threading.Timer(timeout, process.kill)
            timer.start()
            try:
                yield iter(process.stdout)
            finally:
                timer.cancel()
                process.kill()

    def get(self, *arguments: str) -> Any:
        """`kubectl get ... -o json`, decoded."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)

    def pid(self, component: str) -> int:
        return int((self.home / "run" / f"{component}.pid").read_text().split()[0])

    def logs(self) -> str:
        """The ends of all components' logs, for a failure's message."""
        files = sorted((self.home / "logs").glob("*.log")) if (self.home / "logs").is_dir() else []
        return "".join(f"\n--- {file.name}\n{file.read_text()[-3000:]}" for file in files)


@contextmanager
def two_nodes(folder: Path, name: str, kubectl: Path, *options: str) -> Iterator[RealCluster]:
    """A cluster that is up, and purged afterwards. `options` are for `podlab up`."""
    cluster = RealCluster(folder, name, kubectl)
    try:
        cluster.podlab("up", "--nodes", "2", *cluster.settings(), *options)
        yield cluster
    finally:
        cluster.podlab("down", "--purge", check=False)
