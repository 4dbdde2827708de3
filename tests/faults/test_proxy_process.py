"""The proxy as a process: without an API server, killed, out of descriptors."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dnslib
import pytest

from agent.proxy.catalog import catalog, encode
from agent.proxy.table import Backend
from orchestrator.api.meta import Object
from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.fakes.running_loop import eventually
from tests.fakes.services import endpoint, endpoint_slice, service
from tests.fakes.tcp_servers import echo, greet, receive_all, serving

ROOT = Path(__file__).parents[2]
SERVICE_IP, DNS_IP = "127.96.0.20", "127.96.0.10"


class Cluster:
    """A home folder, on loopback addresses, whose API server is down."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(
            home=home,
            api_port=free_port("127.0.0.1"),
            service_cidr="127.96.0.0/16",
            load_balancer_cidr="127.97.0.0/24",
            dns_ip=DNS_IP,
        )
        self.settings.save()
        pki.ensure(self.settings.pki, "proxy", "system:kube-proxy")
        self.port = free_port(SERVICE_IP)
        self.dns_port = free_port(DNS_IP)

    def publish(self, *backends: Backend) -> None:
        """As if the proxy had saved this before it was stopped."""
        web: Object = service(ip=SERVICE_IP, ports=[{"name": "http", "port": self.port, "protocol": "TCP"}])
        slices = [endpoint_slice(endpoint(backend.ip), port=backend.port) for backend in backends]
        file = self.settings.node_dir("node-1") / "proxy-table.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode(catalog([web], slices)))

    @contextlib.contextmanager
    def proxy(self, descriptors: int = 0) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "agent.proxy", "--home", str(self.settings.home), "--node", "node-1"]

        def limit() -> None:
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        process = subprocess.Popen(
            [*command, "--dns-port", str(self.dns_port)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=limit,
        )
        with process:
            try:
                eventually(self.answers)
                yield process
            finally:
                process.kill()

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((SERVICE_IP, self.port)) == 0

    def connect(self) -> socket.socket:
        return socket.create_connection((SERVICE_IP, self.port), timeout=10)

    def fetch(self) -> bytes:
        with self.connect() as client:
            return receive_all(client)


def free_port(ip: str) -> int:
    with socket.create_server((ip, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def test_services_and_names_work_while_the_api_server_is_down(cluster: Cluster) -> None:
    with serving(greet(b"hi")) as backend:
        cluster.publish(backend)
        with cluster.proxy() as process:
            assert cluster.fetch() == b"hi"
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(10)
                sock.sendto(
                    dnslib.DNSRecord.question("web.default.svc.cluster.local").pack(), (DNS_IP, cluster.dns_port)
                )
                answer = dnslib.DNSRecord.parse(sock.recv(512))
            assert [str(rr.rdata) for rr in answer.rr] == [SERVICE_IP]
            state = json.loads((cluster.settings.home / "run" / "proxy-node-1.json").read_bytes())
            assert state["service_addresses"] is True
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def test_after_kill_9_a_new_proxy_goes_on(cluster: Cluster) -> None:
    with serving(greet(b"hi")) as backend:
        cluster.publish(backend)
        for _ in range(2):
            with cluster.proxy() as process:
                assert cluster.fetch() == b"hi"
                process.kill()


def test_sigterm_lets_a_connection_finish(cluster: Cluster) -> None:
    with serving(echo) as backend:
        cluster.publish(backend)
        with cluster.proxy() as process:
            with cluster.connect() as client:
                client.sendall(b"x")
                assert client.recv(1) == b"x"
                process.send_signal(signal.SIGTERM)
                eventually(lambda: not cluster.answers())
                client.sendall(b"last words")
                assert client.recv(20) == b"last words"
            assert process.wait(10) == 0


def test_without_descriptors_clients_wait_or_are_reset_and_it_recovers(cluster: Cluster) -> None:
    with serving(echo) as backend:
        cluster.publish(backend)
        with cluster.proxy(descriptors=64) as process:
            with contextlib.ExitStack() as stack:
                for _ in range(100):
                    stack.enter_context(cluster.connect())
                before = cpu_seconds(process.pid)
                with pytest.raises(TimeoutError):
                    waiting = stack.enter_context(cluster.connect())
                    waiting.settimeout(0.5)
                    waiting.recv(1)
                assert cpu_seconds(process.pid) - before < 0.25, "it must not spin while it cannot accept"
            with cluster.connect() as client:
                client.sendall(b"again")
                assert client.recv(10) == b"again"


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_it_costs_little(cluster: Cluster) -> None:
    """Resident memory of the idle process, and no work while there is nothing to do."""
    with serving(greet(b"hi")) as backend:
        cluster.publish(backend)
        with cluster.proxy() as process:
            assert cluster.fetch() == b"hi"
            status = Path(f"/proc/{process.pid}/status").read_text()
            resident = int(status.partition("VmRSS:")[2].split()[0]) / 1024
            assert resident < 40, f"{resident:.0f} MiB"


@pytest.mark.parametrize("missing", ["settings.json", "pki/proxy.crt"])
def test_what_is_missing_is_named(cluster: Cluster, missing: str) -> None:
    (cluster.settings.home / missing).unlink()
    command = [sys.executable, "-m", "agent.proxy", "--home", str(cluster.settings.home), "--node", "node-1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert "podlab up" in done.stderr
    assert "Traceback" not in done.stderr
