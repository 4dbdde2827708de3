"""Requests a second of the API server over TLS, as ratios to its own /healthz, which does no work; and its start.

Where others use the machine too, the processor's time that a request takes says more.

python -m tests.bench.server [--seconds N]     needs wrk
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.api.errors import ServiceUnavailable
from orchestrator.api.groups.core import CONFIG_MAP, POD
from orchestrator.api.meta import Object
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.fakes.api import cluster_home

CONNECTIONS = 16
LISTED = 500
TOKEN = "bench"
#: Tells wrk to create ConfigMaps.
CREATE = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"metadata": {"generateName": "c-"}, "data": {"key": "value"}}'
"""


@contextmanager
def running(home: Path) -> Iterator[tuple[Settings, int, float]]:
    """The API server as a process: its settings, its id, and the seconds from its start until it was ready."""
    settings = cluster_home(home)
    (settings.pki / "tokens.csv").write_text(f"{TOKEN},bench,1,system:masters\n")
    command = [sys.executable, "-m", "orchestrator", "--home", str(home), "--components", "api"]
    begin = time.monotonic()
    with subprocess.Popen(command) as process:
        try:
            transport = HttpTransport(settings.server, pki.identity(settings.pki, "admin"))
            while not ready(transport):
                time.sleep(0.005)
            yield settings, process.pid, time.monotonic() - begin
        finally:
            process.terminate()


def ready(transport: HttpTransport) -> bool:
    try:
        return transport.raw("GET", "/readyz")[0] == 200
    except ServiceUnavailable:
        return False


def fill(settings: Settings) -> None:
    """A pod to get, and ConfigMaps as `CREATE` makes them to list."""
    client = Client(HttpTransport(settings.server, pki.identity(settings.pki, "admin")))
    container: Object = {"name": "nginx", "image": "nginx", "ports": [{"containerPort": 80}]}
    client.create(POD, {"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": [container]}})
    for index in range(LISTED):
        meta = {"name": f"c-{index}", "namespace": "kube-public"}
        client.create(CONFIG_MAP, {"metadata": meta, "data": {"key": "value"}})


def rate(url: str, seconds: int, script: Path | None = None) -> float:
    """Requests a second by wrk; exits when it was told of errors."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", f"Authorization: Bearer {TOKEN}"]
    output = subprocess.run(
        [*command, *(["-s", str(script)] if script else []), url], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in output:
        sys.exit(f"the server refused requests of {url}:\n{output}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    return float(found[1]) if found else 0.0


def resident(pid: int) -> float:
    """Resident memory in MB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=3)
    seconds = parser.parse_args().seconds
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "home") as (settings, pid, start):
        print(f"ready after {start:.2f} s, {resident(pid):.0f} MB")
        fill(settings)
        script = Path(folder) / "create.lua"
        script.write_text(CREATE)
        floor = 0.0
        for name, path, with_script in (
            ("/healthz", "/healthz", None),
            ("get a pod", "/api/v1/namespaces/default/pods/p", None),
            (f"list {LISTED} ConfigMaps", "/api/v1/namespaces/kube-public/configmaps", None),
            ("create a ConfigMap", "/api/v1/namespaces/default/configmaps", script),
        ):
            before = processor(pid)
            measured = rate(settings.server + path, seconds, with_script)
            floor = floor or measured
            each = (processor(pid) - before) / seconds / measured * 1e6
            print(f"{name:24} {measured:8.0f}/s   {measured / floor:.2f}   {each:8.0f} us of processor time")
        print(f"afterwards {resident(pid):.0f} MB")


if __name__ == "__main__":
    main()
