"""The DNS server over real sockets, with resolvers that answer, are dead, or lie."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Network

import dnslib
import pytest

from agent.dns.server import DnsServer, Resolver
from agent.dns.tcp import TcpServer
from agent.dns.zone import Zone
from orchestrator.api.meta import key
from tests.fakes.running_loop import RunningLoop, running_loop
from tests.fakes.services import endpoint, endpoint_slice, service

Address = tuple[str, int]
#: Addresses of their own, so that a port that is free for UDP is free for TCP.
SERVER, UPSTREAM = "127.96.0.11", "127.96.0.12"
WEB = "web.default.svc.cluster.local"
MANY = "many.default.svc.cluster.local"


class Dns:
    """A server with one Service of each sort, and the resolvers a test gives it."""

    def __init__(self, running: RunningLoop) -> None:
        self.upstreams: Sequence[Address] = ()
        zone = Zone("cluster.local", "10.96.0.10", IPv4Network("10.96.0.0/16"))
        members = [endpoint(f"172.17.1.{number}") for number in range(200)]
        for one, slices in (
            (service(), []),
            (service("many", ip="None"), [endpoint_slice(*members, service="many")]),
            (service("far", ip="", type="ExternalName", externalName="example.org"), []),
        ):
            zone.update(key(one), one, slices)
        resolver = Resolver(running.loop, zone, lambda: self.upstreams, timeout=0.1)
        self.server = running.call(lambda: DnsServer(running.loop, resolver, SERVER, 0))
        self.address = self.server.address

    def udp(self, query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        with self.udp_socket() as sock:
            sock.send(query.pack())
            return dnslib.DNSRecord.parse(sock.recv(65535))

    def tcp(self, *queries: dnslib.DNSRecord) -> list[dnslib.DNSRecord]:
        with socket.create_connection(self.address, timeout=10) as sock, sock.makefile("rb") as stream:
            sock.sendall(b"".join(length_and(query.pack()) for query in queries))
            return [dnslib.DNSRecord.parse(read_message(stream.read)) for _ in queries]

    @contextlib.contextmanager
    def udp_socket(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(10)
            sock.connect(self.address)
            yield sock


def length_and(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


def read_message(read: Callable[[int], bytes]) -> bytes:
    return read(int.from_bytes(read(2), "big"))


def question(name: str, kind: str = "A") -> dnslib.DNSRecord:
    return dnslib.DNSRecord.question(name, kind)


def addresses(answer: dnslib.DNSRecord) -> list[str]:
    return [str(rr.rdata) for rr in answer.rr]


@pytest.fixture
def dns() -> Iterator[Dns]:
    with running_loop() as running:
        made = Dns(running)
        yield made
        running.call(made.server.close)


Answerer = Callable[[dnslib.DNSRecord], dnslib.DNSRecord | None]


@contextlib.contextmanager
def upstream(answer: Answerer, tcp_answer: Answerer | None = None) -> Iterator[Address]:
    """A resolver that answers each question as `answer` does; None: not at all."""
    with contextlib.ExitStack() as stack:
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind((UPSTREAM, 0))
        address: Address = udp.getsockname()
        tcp = stack.enter_context(socket.create_server(address))

        def serve_udp() -> None:
            while data := udp.recvfrom(65535):
                if not data[0]:
                    return
                made = answer(dnslib.DNSRecord.parse(data[0]))
                if made is not None:
                    udp.sendto(made.pack(), data[1])

        def serve_tcp() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = tcp.accept()
                    with connection, connection.makefile("rb") as stream:
                        made = (tcp_answer or answer)(dnslib.DNSRecord.parse(read_message(stream.read)))
                        assert made is not None
                        connection.sendall(length_and(made.pack()))

        threads = [threading.Thread(target=target) for target in (serve_udp, serve_tcp)]
        for thread in threads:
            thread.start()
        try:
            yield address
        finally:
            udp.sendto(b"", address)
            tcp.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(timeout=10)


def says(*ips: str) -> Answerer:
    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply()
        for ip in ips:
            reply.add_answer(dnslib.RR(query.q.qname, ttl=20, rdata=dnslib.A(ip)))
        return reply

    return answer


def silent(query: dnslib.DNSRecord) -> None:
    return None


def test_a_service_over_udp_and_tcp(dns: Dns) -> None:
    assert addresses(dns.udp(question(WEB))) == ["10.96.0.20"]
    assert [addresses(answer) for answer in dns.tcp(question(WEB), question(WEB))] == [["10.96.0.20"]] * 2


def test_a_long_answer_is_truncated_and_whole_over_tcp(dns: Dns) -> None:
    assert dns.udp(question(MANY)).header.tc == 1
    assert len(addresses(dns.tcp(question(MANY))[0])) == 200


def test_edns_takes_longer_answers(dns: Dns) -> None:
    query = question(WEB)
    query.add_ar(dnslib.EDNS0(udp_len=4096))
    answer = dns.udp(query)
    assert [rr.rtype for rr in answer.ar] == [dnslib.QTYPE.OPT]


def test_garbage_is_refused_or_ignored_and_the_server_goes_on(dns: Dns) -> None:
    with dns.udp_socket() as sock:
        sock.send(b"")
        sock.send(b"short")
        sock.send(b"\x12\x34\x01\x00\0\1\0\0\0\0\0\0\x3fno name ends here")
        assert dnslib.DNSRecord.parse(sock.recv(512)).header.rcode == 1
        sock.send(question(WEB).pack())
        assert addresses(dnslib.DNSRecord.parse(sock.recv(512))) == ["10.96.0.20"]


def test_a_tcp_message_in_pieces(dns: Dns) -> None:
    message = length_and(question(WEB).pack())
    with socket.create_connection(dns.address, timeout=10) as sock, sock.makefile("rb") as stream:
        for byte in message:
            sock.sendall(bytes([byte]))
        assert addresses(dnslib.DNSRecord.parse(read_message(stream.read))) == ["10.96.0.20"]


def test_a_silent_tcp_connection_is_closed() -> None:
    class Deaf:
        def handle(self, data: bytes, reply: object, *, tcp: bool) -> None:
            raise AssertionError("nothing was asked")

    with running_loop() as running:
        server = running.call(lambda: TcpServer(running.loop, Deaf(), SERVER, 0, idle=0.05))
        with socket.create_connection(server.address, timeout=10) as sock:
            assert sock.recv(1) == b""
        running.call(server.close)


def test_other_names_are_asked_for_and_remembered(dns: Dns) -> None:
    asked: list[str] = []

    def counting(query: dnslib.DNSRecord) -> dnslib.DNSRecord | None:
        asked.append(str(query.q.qname))
        return says("192.0.2.1")(query)

    with upstream(counting) as address:
        dns.upstreams = (address,)
        answers = [dns.udp(question("example.org")) for _ in range(3)]
        answers += dns.tcp(question("example.org"))
    assert [addresses(answer) for answer in answers] == [["192.0.2.1"]] * 4
    assert asked == ["example.org."]


def test_a_dead_resolver_delays_its_askers_only(dns: Dns) -> None:
    with upstream(silent) as dead, upstream(says("192.0.2.1")) as alive, dns.udp_socket() as waiting:
        dns.upstreams = (dead, alive)
        waiting.send(question("example.org").pack())
        assert addresses(dns.udp(question(WEB))) == ["10.96.0.20"]
        assert addresses(dnslib.DNSRecord.parse(waiting.recv(512))) == ["192.0.2.1"]


def test_a_resolver_that_refuses_is_passed_over(dns: Dns) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        nobody: Address = gone.getsockname()
    with upstream(says("192.0.2.1")) as alive:
        dns.upstreams = (nobody, alive)
        assert addresses(dns.udp(question("example.org"))) == ["192.0.2.1"]


@pytest.mark.parametrize("resolvers", ["none", "dead"])
def test_servfail_when_nobody_knows(dns: Dns, resolvers: str) -> None:
    with upstream(silent) as dead:
        dns.upstreams = (dead,) if resolvers == "dead" else ()
        assert dns.udp(question("example.org")).header.rcode == 2


def test_an_answer_to_another_question_is_not_believed(dns: Dns) -> None:
    def lie(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        forged = dnslib.DNSRecord.question("example.com")
        forged.header.id = query.header.id
        return says("198.51.100.66")(forged) or forged

    with upstream(lie) as liar, upstream(says("192.0.2.1")) as honest:
        dns.upstreams = (liar, honest)
        assert addresses(dns.udp(question("example.org"))) == ["192.0.2.1"]


def test_a_truncated_answer_is_asked_for_over_tcp(dns: Dns) -> None:
    def truncated(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply()
        reply.header.tc = 1
        return reply

    long = says(*(f"192.0.2.{number}" for number in range(60)))
    with upstream(truncated, long) as address:
        dns.upstreams = (address,)
        assert len(addresses(dns.tcp(question("example.org"))[0])) == 60
        assert dns.udp(question("example.org")).header.tc == 1, "it does not fit a datagram"


def test_an_external_name_comes_with_its_addresses(dns: Dns) -> None:
    with upstream(says("192.0.2.1")) as address:
        dns.upstreams = (address,)
        assert addresses(dns.udp(question("far.default.svc.cluster.local"))) == ["example.org.", "192.0.2.1"]
    dns.upstreams = ()
    assert dns.udp(question("far.default.svc.cluster.local", "AAAA")).header.rcode == 2
