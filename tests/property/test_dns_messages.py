"""Datagrams and streams at the DNS server: each gets an answer of its own or none, and the server goes on."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.dns import messages
from agent.dns.server import Resolver
from agent.dns.zone import Zone
from agent.proxy.loop import Loop

from .bounded import bounded, spoilt

_NAME = "kubernetes.default.svc.cluster.local"
_SOUND = bytes(dnslib.DNSRecord.question(_NAME, "A").pack())
_HEADER = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 1)
_LABELS = st.lists(
    st.sampled_from((b"\x01a", b"\x00", b"\xc0\x0c", b"\xc0\xff", b"\x3f", b"\xff", b"\x07cluster\x05local\x00"))
)
_messages = (
    st.binary(max_size=90)
    | spoilt(_SOUND)
    | st.binary(max_size=60).map(lambda rest: _HEADER + rest)
    | st.builds(lambda labels, rest: _HEADER + b"".join(labels) + rest, _LABELS, st.binary(max_size=30))
    # EDNS of any sort behind a sound question.
    | st.binary(max_size=20).map(lambda rest: _HEADER + _SOUND[12:] + b"\0\0\x29" + rest)
)


@pytest.fixture(scope="module")
def resolver() -> Iterator[Resolver]:
    """Without servers to ask for other names."""
    loop = Loop()
    service = {
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "protocol": "TCP"}]},
    }
    zone = Zone("cluster.local", "10.96.0.10", ipaddress.IPv4Network("10.96.0.0/16"))
    zone.update("default/kubernetes", service)
    yield Resolver(loop, zone, lambda: ())
    loop.close()


@bounded
@given(_messages, st.booleans())
def test_any_message(resolver: Resolver, message: bytes, tcp: bool) -> None:
    replies: list[bytes] = []
    resolver.handle(message, replies.append, tcp=tcp)
    assert len(replies) <= 1
    for reply in replies:
        assert reply[:2] == message[:2] and reply[2] & 0x80
        assert len(reply) <= (65535 if tcp else messages.EDNS_SIZE)
        dnslib.DNSRecord.parse(reply)
    replies.clear()
    resolver.handle(_SOUND, replies.append, tcp=tcp)
    assert str(dnslib.DNSRecord.parse(replies[0]).rr[0].rdata) == "10.96.0.1"


@bounded
@given(_messages)
def test_any_answer_of_a_resolver(answer: bytes) -> None:
    """What pretends to be an answer counts only for its own question."""
    messages.records(answer)
    if messages.answers(answer, _SOUND):
        assert answer[:2] == _SOUND[:2]
    if len(answer) >= messages.HEADER_SIZE:
        messages.is_truncated(answer)
        assert len(messages.fit(answer, 512)) <= 512
