"""Answers are kept as long as their TTLs say."""

from __future__ import annotations

import dnslib
import pytest

from agent.dns.cache import LONGEST, Cache
from agent.dns.messages import SERVFAIL


def question(name: str = "example.org") -> dnslib.DNSRecord:
    return dnslib.DNSRecord.question(name)


def packed(record: dnslib.DNSRecord) -> bytes:
    return bytes(record.pack())


def answer(asked: dnslib.DNSRecord, *ttls: int) -> bytes:
    reply = asked.reply()
    for number, ttl in enumerate(ttls):
        reply.add_answer(dnslib.RR(asked.q.qname, ttl=ttl, rdata=dnslib.A(f"192.0.2.{number}")))
    reply.add_ar(dnslib.EDNS0(udp_len=1232, flags="do"))
    return bytes(reply.pack())


def test_an_answer_ages() -> None:
    cache, asked = Cache(), question()
    cache.put(packed(asked), answer(asked, 20, 9), now=100.0)
    again = question()
    kept = cache.get(packed(again), now=103.5)
    assert kept is not None
    parsed = dnslib.DNSRecord.parse(kept)
    assert parsed.header.id == again.header.id
    assert [rr.ttl for rr in parsed.rr] == [17, 6]
    assert parsed.ar[0].edns_do == 1, "the flags of EDNS are no TTL"
    assert cache.get(packed(again), now=109.0) is None


def test_nothing_is_kept_for_longer_than_the_limit() -> None:
    cache, asked = Cache(), question()
    cache.put(packed(asked), answer(asked, 86400), now=0.0)
    assert cache.get(packed(asked), now=LONGEST - 1) is not None
    assert cache.get(packed(asked), now=LONGEST) is None


def test_other_questions_have_other_answers() -> None:
    cache, asked = Cache(), question()
    cache.put(packed(asked), answer(asked, 20), now=0.0)
    assert cache.get(packed(question("example.com")), now=0.0) is None


def test_denials_are_kept() -> None:
    cache, asked = Cache(), question()
    reply = asked.reply()
    reply.header.rcode = 3
    reply.add_auth(dnslib.RR("org", dnslib.QTYPE.SOA, ttl=10, rdata=dnslib.SOA("a.org", "b.org", (1, 2, 3, 4, 5))))
    cache.put(packed(asked), bytes(reply.pack()), now=0.0)
    assert cache.get(packed(asked), now=9.0) is not None


@pytest.mark.parametrize("flaw", ["failed", "truncated", "broken", "ttl 0"])
def test_what_is_not_kept(flaw: str) -> None:
    cache, asked = Cache(), question()
    message = bytearray(answer(asked, 0 if flaw == "ttl 0" else 20))
    if flaw == "failed":
        message[3] |= SERVFAIL
    elif flaw == "truncated":
        message[2] |= 0x02
    elif flaw == "broken":
        message = message[:-8]
    cache.put(packed(asked), bytes(message), now=0.0)
    assert cache.get(packed(asked), now=0.0) is None
