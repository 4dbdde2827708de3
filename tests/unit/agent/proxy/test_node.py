"""From the API's objects to a working address and a name, on one node."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import orjson
import pytest

from agent.dns.zone import Zone
from agent.proxy.catalog import catalog
from agent.proxy.machine import Machine, status_file
from agent.proxy.node import ServiceNode
from agent.proxy.table import Backend, Frontend
from orchestrator.api.meta import Object
from orchestrator.util.settings import Settings
from tests.fakes.running_loop import RunningLoop, eventually, running_loop
from tests.fakes.services import endpoint, endpoint_slice, service
from tests.fakes.tcp_servers import greet, receive_all, serving

#: A frontend whose port the kernel chooses, on loopback, where no route is needed.
WEB = Frontend("127.96.0.20", 0)


class Node:
    def __init__(self, running: RunningLoop, home: Path) -> None:
        self.running = running
        self.settings = Settings(
            home, service_cidr="127.96.0.0/16", dns_ip="127.96.0.10", load_balancer_cidr="127.97.0.0/24"
        )
        self.warnings: list[tuple[str, str]] = []
        self.zone = Zone("cluster.local", "127.96.0.10", IPv4Network("127.96.0.0/16"))
        self.services = ServiceNode(running.loop, self.settings, "node-1", self.zone, self._warn)

    def _warn(self, service: Object, reason: str, message: str) -> None:
        self.warnings.append((reason, message))

    def fetch(self, frontend: Frontend = WEB) -> bytes:
        address = self.running.call(lambda: self.services.proxy.listening[frontend])
        with socket.create_connection(address, timeout=10) as client:
            return receive_all(client)

    def resolves(self, name: str = "web.default.svc.cluster.local") -> list[object]:
        answer = self.running.call(lambda: self.zone.resolve(name, "A"))
        return [record.data for record in answer.records] if answer else []


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with running_loop() as running:
        made = Node(running, tmp_path)
        yield made
        running.call(lambda: made.services.proxy.apply({}))


def web(port: int = 0) -> Object:
    return service(ip=WEB.ip, ports=[{"name": "http", "port": port, "protocol": "TCP"}])


def slice_of(*backends: Backend) -> Object:
    made = endpoint_slice(*(endpoint(backend.ip) for backend in backends), port=backends[0].port)
    return {**made, "metadata": {**made["metadata"], "name": "web-1"}}


def published(node: Node, *objects: tuple[Object, list[Object]]) -> None:
    entries = catalog([one for one, _ in objects], [part for _, parts in objects for part in parts])
    node.running.call(lambda: node.services.synced(entries))


def test_a_service_is_served_and_named_and_then_not(node: Node) -> None:
    with serving(greet(b"hi")) as backend:
        published(node, (web(), [slice_of(backend)]))
        assert node.fetch() == b"hi"
        assert node.resolves() == [WEB.ip]
        published(node)
        assert node.running.call(lambda: dict(node.services.proxy.listening)) == {}
        assert node.resolves() == []


def test_the_dns_servers_own_address_is_left_to_it(node: Node) -> None:
    dns = service("kube-dns", ip="127.96.0.10", ports=[{"name": "dns", "port": 53, "protocol": "UDP"}])
    published(node, (dns, []))
    assert node.running.call(lambda: dict(node.services.proxy.listening)) == {}
    assert node.resolves("kube-dns.default.svc.cluster.local") == ["127.96.0.10"]


def test_what_was_known_is_served_before_the_api_answers(node: Node) -> None:
    with serving(greet(b"hi")) as backend:
        published(node, (web(), [slice_of(backend)]))
        file = node.settings.node_dir("node-1") / "proxy-table.json"
        eventually(file.exists)
        with running_loop() as other:
            restarted = Node(other, node.settings.home)
            other.call(restarted.services.load)
            assert restarted.fetch() == b"hi"
            assert restarted.resolves() == [WEB.ip]
            other.call(lambda: restarted.services.proxy.apply({}))


def test_a_port_in_use_is_an_event_on_the_service(node: Node) -> None:
    with socket.create_server((WEB.ip, 0)) as blocker:
        published(node, (web(blocker.getsockname()[1]), []))
        ((reason, message),) = node.warnings
        assert reason == "FailedBinding"
        assert "another program" in message


def test_the_machines_state_is_written_for_the_agent(node: Node) -> None:
    def no_dns() -> object:
        raise PermissionError(13, "Permission denied")

    machine = Machine(node.running.loop, node.settings, "node-1", no_dns)  # type: ignore[arg-type]
    node.running.call(machine.prepare)
    state = orjson.loads(status_file(node.settings.home, "node-1").read_bytes())
    assert "CAP_NET_BIND_SERVICE" in state["message"]
