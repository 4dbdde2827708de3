"""Messages in and out, whole and broken."""

from __future__ import annotations

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.dns import messages
from agent.dns.cache import ttl_offsets
from agent.dns.messages import Query, Refusal
from agent.dns.zone import Answer, Record, Srv

SOA = Record("cluster.local", "SOA", "cluster.local")
NAME = "web.default.svc.cluster.local"


def question(name: str = NAME, kind: str = "A", edns: int = 0) -> bytes:
    made = dnslib.DNSRecord.question(name, kind)
    if edns:
        made.add_ar(dnslib.EDNS0(udp_len=edns))
    return bytes(made.pack())


def query(name: str = NAME, kind: str = "A", edns: int = 0) -> Query:
    parsed = messages.parse(question(name, kind, edns))
    assert isinstance(parsed, Query)
    return parsed


def reply(found: Answer, asked: Query, limit: int = 1232) -> dnslib.DNSRecord:
    message = messages.answer(asked, found, SOA, limit)
    assert messages.answers(message, asked.data)
    return dnslib.DNSRecord.parse(message)


def test_a_question() -> None:
    asked = query(edns=4096)
    assert (asked.name, asked.type, asked.edns) == (NAME, "A", 4096)


@pytest.mark.parametrize(
    ("edns", "tcp", "limit"), [(0, False, 512), (100, False, 512), (4096, False, 1232), (0, True, 65535)]
)
def test_room_for_the_answer(edns: int, tcp: bool, limit: int) -> None:
    assert query(edns=edns).limit(tcp=tcp) == limit


def test_an_answer() -> None:
    answer = reply(Answer(True, (Record(NAME, "A", "10.96.0.20"),)), query(edns=1232))
    assert [(str(rr.rname), str(rr.rdata), rr.ttl) for rr in answer.rr] == [(f"{NAME}.", "10.96.0.20", 5)]
    assert (answer.header.rcode, answer.header.aa, answer.header.ra) == (0, 1, 1)
    assert [rr.rtype for rr in answer.ar] == [dnslib.QTYPE.OPT]
    assert not answer.auth


def test_no_edns_for_a_client_without() -> None:
    assert not reply(Answer(True, (Record(NAME, "A", "10.96.0.20"),)), query()).ar


@pytest.mark.parametrize(("found", "code"), [(Answer(True), 0), (Answer(False), messages.NXDOMAIN)])
def test_denials_carry_the_zone(found: Answer, code: int) -> None:
    answer = reply(found, query())
    assert answer.header.rcode == code
    assert [rr.rtype for rr in answer.auth] == [dnslib.QTYPE.SOA]
    assert answer.auth[0].rdata.times[-1] == answer.auth[0].ttl == 5


def test_every_kind_of_record() -> None:
    records = (
        Record(NAME, "CNAME", "example.org"),
        Record(NAME, "SRV", Srv(0, 100, 80, "a.example.org")),
        Record(NAME, "PTR", "example.org"),
        Record(NAME, "NS", "ns.dns.cluster.local"),
        Record(NAME, "TXT", "1.1.0"),
        SOA,
    )
    answer = reply(Answer(True, records), query(kind="ANY"))
    assert [dnslib.QTYPE[rr.rtype] for rr in answer.rr] == [record.type for record in records]
    assert str(answer.rr[1].rdata) == "0 100 80 a.example.org."


def test_the_owner_is_written_as_it_was_asked() -> None:
    mixed = "WeB.default.svc.cluster.local"
    answer = reply(Answer(True, (Record(NAME, "A", "10.96.0.20"),)), query(mixed))
    assert str(answer.rr[0].rname) == f"{mixed}."


def test_what_does_not_fit_is_truncated() -> None:
    many = Answer(True, tuple(Record(NAME, "A", f"172.17.0.{number}") for number in range(100)))
    short = reply(many, query(), 512)
    assert short.header.tc
    assert not short.rr
    assert len(reply(many, query(), 65535).rr) == 100


def test_a_name_that_is_none_is_a_failure_and_no_crash() -> None:
    answer = reply(Answer(True, (Record(NAME, "CNAME", "x" * 100 + ".example.org"),)), query())
    assert answer.header.rcode == messages.SERVFAIL


def refusal(data: bytes) -> int | None:
    parsed = messages.parse(data)
    assert isinstance(parsed, Refusal)
    return None if parsed.data is None else dnslib.DNSRecord.parse(parsed.data).header.rcode


def test_refusals() -> None:
    asked = bytearray(question())
    assert refusal(bytes(asked[:11])) is None, "no header: nobody to answer"
    assert refusal(bytes(asked[:20])) == messages.FORMERR
    response = bytes([*asked[:2], asked[2] | 0x80, *asked[3:]])
    assert refusal(response) is None, "answering an answer goes on for ever"
    assert refusal(bytes([*asked[:2], 0x28, *asked[3:]])) == messages.NOTIMP
    assert refusal(bytes([*asked[:4], 0, 2, *asked[6:]])) == messages.FORMERR
    assert refusal(bytes([*asked[:-1], 3])) == messages.REFUSED, "class CH"


@given(st.binary(max_size=600))
def test_no_bytes_raise(data: bytes) -> None:
    check(data)


@given(st.binary(max_size=40), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.binary(max_size=300))
def test_no_message_raises(name: bytes, answers: int, authority: int, additional: int, rest: bytes) -> None:
    counts = b"".join(number.to_bytes(2, "big") for number in (1, answers, authority, additional))
    check(b"\x12\x34\x01\x00" + counts + name + rest)


def check(data: bytes) -> None:
    """A message of whatever bytes is answered or not, and what is made of it is well-formed."""
    parsed = messages.parse(data)
    if isinstance(parsed, Query):
        found = Answer(True, (Record("a", "A", "10.0.0.1"),))
        dnslib.DNSRecord.parse(messages.answer(parsed, found, SOA, 65535))
        dnslib.DNSRecord.parse(messages.fail(data, messages.SERVFAIL))
    elif parsed.data is not None:
        assert parsed.data[:2] == data[:2]
        dnslib.DNSRecord.parse(parsed.data)
    messages.records(data)
    if len(data) >= messages.HEADER_SIZE:
        messages.fit(data, 100)
        assert all(offset + 4 <= len(data) for offset in ttl_offsets(data))


def test_only_the_answer_to_the_question_is_taken() -> None:
    asked = question()
    answer = bytes(dnslib.DNSRecord.parse(asked).reply().pack())
    assert messages.answers(answer, asked)
    assert not messages.answers(b"\0\0" + answer[2:], b"\1\1" + asked[2:]), "another identifier"
    assert not messages.answers(asked, asked), "a question"
    assert not messages.answers(bytes(dnslib.DNSRecord.question("evil.org").reply().pack()), asked)
    refused = messages.fail(asked, messages.FORMERR)
    assert messages.answers(refused, asked), "an error may come without the question"
