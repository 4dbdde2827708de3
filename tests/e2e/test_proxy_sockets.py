"""The proxy with real sockets between real clients and servers."""

from __future__ import annotations

import contextlib
import hashlib
import random
import selectors
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from agent.proxy.balance import Balancer
from agent.proxy.server import Proxy
from agent.proxy.table import Backend, Frontend, Route
from agent.proxy.udp import UdpListener
from orchestrator.api.meta import Key
from tests.fakes.running_loop import RunningLoop, eventually, running_loop
from tests.fakes.tcp_servers import echo, greet, receive_all, refusing, serving

WEB = Key("default/web")
TCP = Frontend("127.0.0.1", 0, "TCP")
UDP = Frontend("127.0.0.1", 0, "UDP")


class Service:
    """One proxied Service, on a port that the kernel chose."""

    def __init__(self, running: RunningLoop, frontend: Frontend) -> None:
        self.running = running
        self.frontend = frontend
        self.reports: list[str] = []
        self.proxy = Proxy(running.loop, lambda route, message: self.reports.append(message), retry=0.02)

    def route(self, *backends: Backend, affinity: float = 0) -> None:
        table = {self.frontend: Route(WEB, backends, affinity)}
        self.running.call(lambda: self.proxy.apply(table))

    def connect(self) -> socket.socket:
        address = self.running.call(lambda: self.proxy.listening[self.frontend])
        return socket.create_connection(address, timeout=10)

    @property
    def connections(self) -> int:
        return self.running.call(lambda: len(self.proxy.connections))


@pytest.fixture
def web() -> Iterator[Service]:
    with running_loop() as running:
        service = Service(running, TCP)
        yield service
        running.call(lambda: service.proxy.apply({}))
        running.call(service.proxy.connections.expire)
        assert service.connections == 0


def fetch(service: Service) -> bytes:
    with service.connect() as client:
        return receive_all(client)


def test_bytes_go_both_ways(web: Service) -> None:
    with serving(echo) as backend:
        web.route(backend)
        with web.connect() as client:
            for message in (b"one", b"two" * 1000):
                client.sendall(message)
                received = b""
                while len(received) < len(message):
                    received += client.recv(65536)
                assert received == message
        eventually(lambda: web.connections == 0)


def test_connections_go_round_the_backends(web: Service) -> None:
    with serving(greet(b"a")) as a, serving(greet(b"b")) as b, serving(greet(b"c")) as c:
        web.route(a, b, c)
        assert Counter(fetch(web) for _ in range(9)) == {b"a": 3, b"b": 3, b"c": 3}


def test_a_refused_connection_goes_to_another_endpoint(web: Service) -> None:
    with serving(greet(b"here")) as backend:
        web.route(refusing(), backend, refusing())
        assert [fetch(web) for _ in range(6)] == [b"here"] * 6


def test_without_an_endpoint_the_client_is_reset_at_once(web: Service) -> None:
    for backends in ((), (refusing(), refusing())):
        web.route(*backends)
        with pytest.raises(ConnectionError):
            fetch(web)


def test_half_close_by_the_client(web: Service) -> None:
    def count(connection: socket.socket) -> None:
        connection.sendall(b"%d" % len(receive_all(connection)))

    with serving(count) as backend:
        web.route(backend)
        with web.connect() as client:
            client.sendall(b"x" * 100_000)
            client.shutdown(socket.SHUT_WR)
            assert receive_all(client) == b"100000"
        eventually(lambda: web.connections == 0)


def test_half_close_by_the_backend(web: Service) -> None:
    heard = threading.Event()

    def last_word_first(connection: socket.socket) -> None:
        connection.sendall(b"that is all")
        connection.shutdown(socket.SHUT_WR)
        if receive_all(connection) == b"but I have more":
            heard.set()

    with serving(last_word_first) as backend:
        web.route(backend)
        with web.connect() as client:
            assert receive_all(client) == b"that is all"
            client.sendall(b"but I have more")
        assert heard.wait(10)
        eventually(lambda: web.connections == 0)


def test_a_client_that_leaves_before_it_is_connected(web: Service) -> None:
    with serving(echo) as backend:
        web.route(backend)
        for _ in range(20):
            web.connect().close()
        eventually(lambda: web.connections == 0)


def test_100_mb_arrive_as_they_were_sent(web: Service) -> None:
    size = 100_000_000
    block = random.Random(1).randbytes(1_000_003)
    sent = hashlib.blake2b()

    def give(connection: socket.socket) -> None:
        left = size
        while left:
            part = block[:left]
            connection.sendall(part)
            sent.update(part)
            left -= len(part)

    with serving(give) as backend:
        web.route(backend)
        received, total = hashlib.blake2b(), 0
        with web.connect() as client:
            while data := client.recv(1 << 20):
                received.update(data)
                total += len(data)
        assert total == size
        assert received.digest() == sent.digest()


def test_bulk_in_both_directions_at_once(web: Service) -> None:
    data = random.Random(2).randbytes(20_000_000)
    with serving(echo) as backend:
        web.route(backend)
        with web.connect() as client:

            def give() -> None:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)

            writer = threading.Thread(target=give)
            writer.start()
            assert receive_all(client) == data
            writer.join(timeout=10)
        eventually(lambda: web.connections == 0)


def test_small_talk_after_bulk(web: Service) -> None:
    """A direction that was spliced is copied again, and nothing is lost between the two."""
    with serving(echo) as backend:
        web.route(backend)
        with web.connect() as client:
            for size in (5_000_000, 3, 5_000_000, 1, 2):
                data = random.Random(size).randbytes(size)
                writer = threading.Thread(target=client.sendall, args=(data,))
                writer.start()
                received = bytearray()
                while len(received) < size:
                    received += client.recv(1 << 20)
                writer.join(timeout=10)
                assert received == data


@pytest.mark.parametrize("block", [1000, 1_000_000], ids=["copied", "spliced"])
def test_a_slow_reader_stops_the_sender_and_loses_nothing(web: Service, block: int) -> None:
    """The sender is stopped once all sockets on the way are full, and has lost nothing when the reader goes on."""
    data = random.Random(3).randbytes(block)
    sent = hashlib.blake2b()
    stopped = threading.Event()

    def give(connection: socket.socket) -> None:
        connection.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            while True:
                sent.update(data[: connection.send(data)])
        stopped.set()

    with serving(give) as backend:
        web.route(backend)
        with web.connect() as client:
            assert stopped.wait(10), "the proxy takes in what nobody reads"
            assert hashlib.blake2b(receive_all(client)).digest() == sent.digest()


def test_500_connections_at_once(web: Service) -> None:
    with serving(echo) as backend:
        web.route(backend)
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            clients = [stack.enter_context(web.connect()) for _ in range(500)]
            eventually(lambda: web.connections == 500)
            for number, client in enumerate(clients):
                client.sendall(b"%03d" % number)
                selector.register(client, selectors.EVENT_READ, number)
            answers: dict[int, bytes] = {}
            while len(answers) < 500:
                for ready, _ in selector.select(timeout=10):
                    assert isinstance(ready.fileobj, socket.socket)
                    answers[ready.data] = ready.fileobj.recv(10)
                    selector.unregister(ready.fileobj)
            assert answers == {number: b"%03d" % number for number in range(500)}
        eventually(lambda: web.connections == 0)


def test_a_backend_killed_mid_stream_resets_its_client_only(web: Service) -> None:
    go = threading.Event()

    def die(connection: socket.socket) -> None:
        connection.sendall(b"x")
        go.wait(10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with serving(die) as mortal, serving(echo) as other:
        web.route(mortal)
        with web.connect() as victim:
            assert victim.recv(1) == b"x"
            web.route(other)
            with web.connect() as witness:
                go.set()
                with pytest.raises(ConnectionResetError):
                    victim.recv(1)
                witness.sendall(b"alive")
                assert witness.recv(10) == b"alive"


def test_a_client_that_resets_resets_its_backend(web: Service) -> None:
    seen: list[type[BaseException]] = []
    begun = threading.Event()

    def watch(connection: socket.socket) -> None:
        begun.set()
        try:
            connection.recv(1)
        except OSError as error:
            seen.append(type(error))

    with serving(watch) as backend:
        web.route(backend)
        client = web.connect()
        assert begun.wait(10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        eventually(lambda: seen == [ConnectionResetError])


def test_an_early_answer_reaches_a_client_that_is_still_sending(web: Service) -> None:
    def answer_at_once(connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b"413 too large")
        connection.shutdown(socket.SHUT_WR)
        receive_all(connection)

    with serving(answer_at_once) as backend:
        web.route(backend)
        with web.connect() as client:
            client.sendall(b"x" * 1_000_000)
            assert receive_all(client) == b"413 too large"


def test_connections_to_a_removed_endpoint_go_on_and_new_ones_go_elsewhere(web: Service) -> None:
    with serving(echo) as old, serving(greet(b"new")) as new:
        web.route(old)
        with web.connect() as client:
            client.sendall(b"before")
            assert client.recv(10) == b"before"
            web.route(new)
            assert fetch(web) == b"new"
            client.sendall(b"after")
            assert client.recv(10) == b"after"


def test_connections_of_a_removed_service_go_on(web: Service) -> None:
    with serving(echo) as backend:
        web.route(backend)
        with web.connect() as client:
            client.sendall(b"before")
            assert client.recv(10) == b"before"
            address = web.running.call(lambda: web.proxy.listening[TCP])
            web.running.call(lambda: web.proxy.apply({}))
            eventually(lambda: refused(address))
            client.sendall(b"after")
            assert client.recv(10) == b"after"


def refused(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(address) != 0


def keepalive_timers(port: int) -> int:
    """How many connections to `port` the kernel probes: timer 2 in /proc/net/tcp (proc_net_tcp.txt)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for line in lines if line[2].endswith(f":{port:04X}") and line[5].startswith("02:"))


def test_a_removed_endpoints_connection_is_probed(web: Service) -> None:
    with serving(echo) as backend:
        web.route(backend)
        with web.connect() as client:
            client.sendall(b"x")
            client.recv(1)
            assert not keepalive_timers(backend.port)
            web.route()
            assert keepalive_timers(backend.port) == 1


def test_stop_waits_for_connections_then_resets_them() -> None:
    with running_loop() as running, serving(echo) as backend:
        web = Service(running, TCP)
        web.route(backend)
        with web.connect() as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            running.call(lambda: web.proxy.stop(0.05))
            with pytest.raises(ConnectionResetError):
                client.recv(1)


def test_stop_ends_with_the_last_connection() -> None:
    with running_loop() as running, serving(echo) as backend:
        web = Service(running, TCP)
        web.route(backend)
        with web.connect() as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            running.call(lambda: web.proxy.stop(3600))
        assert running.ended.wait(10)


def test_two_proxies_share_an_address() -> None:
    with running_loop() as one, running_loop() as two, serving(greet(b"hi")) as backend:
        first = Service(one, TCP)
        first.route(backend)
        _, port = one.call(lambda: first.proxy.listening[TCP])
        second = Service(two, Frontend("127.0.0.1", port, "TCP"))
        second.route(backend)
        assert {fetch(first) for _ in range(20)} == {b"hi"}
        one.call(lambda: first.proxy.apply({}))
        assert {fetch(second) for _ in range(20)} == {b"hi"}


def test_a_port_in_use_is_reported_once_and_served_when_it_is_free() -> None:
    with running_loop() as running, serving(greet(b"hi")) as backend:
        with socket.create_server(("127.0.0.1", 0)) as blocker:
            frontend = Frontend("127.0.0.1", blocker.getsockname()[1], "TCP")
            web = Service(running, frontend)
            web.route(backend)
            assert running.call(lambda: dict(web.proxy.listening)) == {}
            retried = threading.Event()
            running.call(lambda: running.loop.call_later(0.1, retried.set))
            assert retried.wait(10)
            (report,) = web.reports
            assert "another program" in report
            assert str(frontend) in report
        eventually(lambda: frontend in running.call(lambda: web.proxy.listening))
        assert fetch(web) == b"hi"


@contextlib.contextmanager
def udp_server(answer: bytes) -> Iterator[Backend]:
    """Answers each datagram with `answer`, a colon and the datagram, until it gets an empty one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, client = sock.recvfrom(65535)
                if not data:
                    return
                sock.sendto(answer + b":" + data, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Backend(*sock.getsockname())
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", sock.getsockname())
            thread.join(timeout=10)


@pytest.fixture
def dns() -> Iterator[Service]:
    with running_loop() as running:
        service = Service(running, UDP)
        yield service
        running.call(lambda: service.proxy.apply({}))


@contextlib.contextmanager
def udp_client(service: Service) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect(service.running.call(lambda: service.proxy.listening[UDP]))
        yield sock


def ask(sock: socket.socket, data: bytes) -> bytes:
    sock.send(data)
    return sock.recv(65535)


def test_a_udp_client_stays_with_its_backend_and_clients_are_spread(dns: Service) -> None:
    with udp_server(b"a") as a, udp_server(b"b") as b:
        dns.route(a, b)
        with udp_client(dns) as one, udp_client(dns) as two:
            names = [{ask(client, b"%d" % n).split(b":")[0] for n in range(5)} for client in (one, two)]
        assert sorted(names, key=sorted) == [{b"a"}, {b"b"}]


def test_udp_flows_leave_a_removed_endpoint_at_once(dns: Service) -> None:
    with udp_server(b"a") as a, udp_server(b"b") as b, contextlib.ExitStack() as stack:
        dns.route(a)
        client = stack.enter_context(udp_client(dns))
        assert ask(client, b"1") == b"a:1"
        dns.route(b)
        assert ask(client, b"2") == b"b:2"


def test_udp_goes_to_another_endpoint_when_one_refuses(dns: Service) -> None:
    with udp_server(b"a") as a, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        nobody = Backend(*gone.getsockname())
        gone.close()
        dns.route(nobody)
        with udp_client(dns) as client:
            client.send(b"lost")
            dns.route(nobody, a)
            client.settimeout(0.1)
            answers: list[bytes] = []
            while not answers:  # only a second datagram can meet the refusal of the first
                with contextlib.suppress(TimeoutError):
                    answers.append(ask(client, b"again"))
            assert answers == [b"a:again"]


def test_an_idle_udp_flow_is_forgotten() -> None:
    with running_loop() as running, udp_server(b"a") as a:
        balancer = Balancer(Route(WEB, (a,)), random.Random(1))
        listener = running.call(lambda: UdpListener(running.loop, UDP, balancer, idle=0.1))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.connect(listener.address)
            assert ask(client, b"1") == b"a:1"
            assert running.call(lambda: len(listener)) == 1
            eventually(lambda: running.call(lambda: len(listener)) == 0)
            assert ask(client, b"2") == b"a:2"
        running.call(listener.close)


def test_a_client_outside_the_source_ranges_is_let_go() -> None:
    with running_loop() as running, serving(greet(b"hi")) as backend:
        web = Service(running, TCP)
        table = {TCP: Route(WEB, (backend,), sources=(IPv4Network("192.0.2.0/24"),))}
        running.call(lambda: web.proxy.apply(table))
        assert fetch(web) == b""
        running.call(lambda: web.proxy.apply({}))


def test_a_large_datagram(dns: Service) -> None:
    with udp_server(b"a") as a:
        dns.route(a)
        with udp_client(dns) as client:
            assert ask(client, b"x" * 60_000) == b"a:" + b"x" * 60_000
