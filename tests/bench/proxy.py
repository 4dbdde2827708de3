"""The service proxy against HAProxy (one thread, splice-auto) on loopback, as ratios in one run.

    python -m tests.bench.proxy [--seconds N]

Needs haproxy, nginx and wrk. Starts its own instances on free ports and ends them; nothing else is touched.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.proxy.catalog import catalog, encode
from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.fakes.services import endpoint, endpoint_slice, service

ROUNDS = 3
_ROOT = Path(__file__).parents[2]
_TOOLS = ("haproxy", "nginx", "wrk")
_SMALL, _BIG = 612, 512 << 20
_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


@dataclass(frozen=True, slots=True)
class Load:
    """`unit` is what wrk's `line` is counted in; `goal` is the least ratio to HAProxy."""

    name: str
    unit: str
    goal: float
    path: str
    line: str
    options: Sequence[str]


LOADS = (
    Load("keep-alive requests", "/s", 0.85, "small", "Requests/sec:", ("-c32",)),
    Load("new connections", "/s", 0.7, "small", "Requests/sec:", ("-c32", "-H", "Connection: close")),
    Load("bulk", " B/s", 1.5, "big", "Transfer/sec:", ("-c2", "--timeout", "30")),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement (%(default)s)")
    given = parser.parse_args()
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        print(f"needed and not there: {', '.join(missing)}; apt-get install haproxy nginx-light wrk", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="podlab-bench-") as folder, targets(Path(folder)) as (haproxy, podlab):
        for load in LOADS:
            report(load, [measure(load, haproxy, podlab, given.seconds) for _ in range(ROUNDS)])
    return 0


def report(load: Load, rounds: Sequence[tuple[float, float]]) -> None:
    theirs, ours = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(our / their for their, our in rounds)
    verdict = "ok" if ratio >= load.goal else "TOO LOW"
    print(
        f"{load.name:20} {ratio:5.2f} x HAProxy (goal {load.goal:.2f}, {verdict});"
        f" podlab {ours:,.0f}{load.unit}, HAProxy {theirs:,.0f}{load.unit}"
    )


def measure(load: Load, haproxy: str, podlab: str, seconds: float) -> tuple[float, float]:
    """One round: the rate through HAProxy, then through the proxy."""
    return run_wrk(load, haproxy, seconds), run_wrk(load, podlab, seconds)


def run_wrk(load: Load, address: str, seconds: float) -> float:
    command = ["wrk", "-t1", f"-d{seconds:g}s", *load.options, f"http://{address}/{load.path}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"{' '.join(command)} met errors:\n{output}")
    value = output.partition(load.line)[2].split()[0]
    number = value.rstrip("BKMG")
    return float(number) * _UNITS.get(value[len(number) :], 1)


@contextlib.contextmanager
def targets(folder: Path) -> Iterator[tuple[str, str]]:
    """The addresses of HAProxy and of the proxy, each in front of the same nginx."""
    with contextlib.ExitStack() as stack:
        origin = start_nginx(stack, folder)
        yield start_haproxy(stack, folder, origin), start_podlab(stack, folder, origin)


def start_nginx(stack: contextlib.ExitStack, folder: Path) -> int:
    port = free_port("127.0.0.1")
    pages = folder / "pages"
    pages.mkdir()
    folder.chmod(0o755)
    (pages / "small").write_bytes(b"x" * _SMALL)
    with (pages / "big").open("wb") as big:
        big.truncate(_BIG)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;"
        "events { worker_connections 4096; }"
        "http { access_log off; sendfile on; keepalive_requests 1000000000;"
        f" server {{ listen 127.0.0.1:{port} backlog=4096; root {pages}; }} }}"
    )
    start(stack, ["nginx", "-c", str(config), "-e", f"{folder}/nginx.log"], "127.0.0.1", port)
    return port


def start_haproxy(stack: contextlib.ExitStack, folder: Path, origin: int) -> str:
    port = free_port("127.0.0.1")
    config = folder / "haproxy.cfg"
    config.write_text(
        "global\n nbthread 1\n maxconn 4000\n"
        "defaults\n mode tcp\n option splice-auto\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"
        f"listen web\n bind 127.0.0.1:{port}\n server origin 127.0.0.1:{origin}\n"
    )
    start(stack, ["haproxy", "-q", "-f", str(config)], "127.0.0.1", port)
    return f"127.0.0.1:{port}"


def start_podlab(stack: contextlib.ExitStack, folder: Path, origin: int) -> str:
    """The proxy process as `podlab up` starts it, with a table from disk: its API server is down."""
    ip, dns_ip = "127.96.0.20", "127.96.0.10"
    port = free_port(ip)
    settings = Settings(
        home=folder,
        api_port=free_port("127.0.0.1"),
        service_cidr="127.96.0.0/16",
        load_balancer_cidr="127.97.0.0/24",
        dns_ip=dns_ip,
    )
    settings.save()
    pki.ensure(settings.pki, "proxy", "system:kube-proxy")
    web = service(ip=ip, ports=[{"name": "http", "port": port, "protocol": "TCP"}])
    table = settings.node_dir("bench") / "proxy-table.json"
    table.parent.mkdir(parents=True)
    table.write_bytes(encode(catalog([web], [endpoint_slice(endpoint("127.0.0.1"), port=origin)])))
    command = [sys.executable, "-m", "agent.proxy", "--home", str(folder), "--node", "bench"]
    start(stack, [*command, "--dns-port", str(free_port(dns_ip))], ip, port)
    return f"{ip}:{port}"


def start(stack: contextlib.ExitStack, command: Sequence[str], ip: str, port: int) -> None:
    """Run `command` until the stack is left; returns once it listens."""
    process = subprocess.Popen(
        command, cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"}
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((ip, port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{command[0]} does not listen on {ip}:{port}")
        time.sleep(0.02)


def free_port(ip: str) -> int:
    with socket.create_server((ip, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
