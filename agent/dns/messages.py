"""DNS messages: bytes to questions, answers to bytes (pure; RFC 1035, EDNS(0) RFC 6891)."""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import dnslib
from dnslib.label import DNSLabelError

from agent.dns.zone import TTL, Answer, Record, Srv

log = logging.getLogger(__name__)

#: What dnslib raises for bytes, or names, that are no DNS.
_MALFORMED = (dnslib.DNSError, DNSLabelError, UnicodeError)

#: The largest UDP answer without EDNS, and the largest we send with it (the DNS flag day's advice).
PLAIN_SIZE, EDNS_SIZE = 512, 1232

_HEADER = struct.Struct("!6H")
HEADER_SIZE = _HEADER.size
_RESPONSE, _OPCODE, _TRUNCATED, _DESIRED = 0x8000, 0x7800, 0x0200, 0x0100
_AVAILABLE = 0x0080
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
_IN, _ANY = 1, 255


@dataclass(frozen=True, slots=True)
class Query:
    """One question. `name` has no dot at the end and is escaped as dnslib does; `edns` is the size of UDP answers that
    the client takes, 0 when it speaks no EDNS."""

    data: bytes
    record: dnslib.DNSRecord
    name: str
    type: str
    edns: int

    def limit(self, *, tcp: bool) -> int:
        """Bytes the answer may have."""
        if tcp:
            return 65535
        return min(max(self.edns, PLAIN_SIZE), EDNS_SIZE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer without records; None: the message is to be ignored."""

    data: bytes | None


def parse(data: bytes) -> Query | Refusal:
    """What a client asks."""
    if len(data) < HEADER_SIZE:
        return Refusal(None)
    _, flags, questions, *_ = _HEADER.unpack_from(data)
    if flags & _RESPONSE:
        return Refusal(None)
    if flags & _OPCODE:
        return Refusal(fail(data, NOTIMP))
    if questions != 1:
        return Refusal(fail(data, FORMERR))
    try:
        record = dnslib.DNSRecord.parse(data)
    except _MALFORMED:
        return Refusal(fail(data, FORMERR))
    if record.q.qclass not in (_IN, _ANY):
        return Refusal(fail(data, REFUSED))
    edns = next((rr.edns_len for rr in record.ar if rr.rtype == dnslib.QTYPE.OPT), 0)
    return Query(data, record, str(record.q.qname).rstrip("."), str(dnslib.QTYPE.get(record.q.qtype)), edns)


def fail(data: bytes, code: int) -> bytes:
    """The answer that says no more than `code`; with the question when it is that of a well-formed message."""
    identity, flags, *_ = _HEADER.unpack_from(data)
    question = b"" if code in (FORMERR, NOTIMP) else _question(data)
    flags = _RESPONSE | _AVAILABLE | flags & (_OPCODE | _DESIRED) | code
    return _HEADER.pack(identity, flags, 1 if question else 0, 0, 0, 0) + question


def answer(query: Query, found: Answer, authority: Record, limit: int, extra: Sequence[dnslib.RR] = ()) -> bytes:
    """The message for the zone's answer; `extra` are records from elsewhere that belong to it."""
    try:
        return fit(_pack(query, found, authority, extra), limit)
    except _MALFORMED as error:
        log.warning(
            "%s %s cannot be answered: the Service's names are no DNS names (%s)", query.type, query.name, error
        )
        return fail(query.data, SERVFAIL)


def _pack(query: Query, found: Answer, authority: Record, extra: Sequence[dnslib.RR]) -> bytes:
    reply = query.record.reply(ra=1, aa=1)
    if not found.exists:
        reply.header.rcode = NXDOMAIN
    for record in found.records:
        reply.add_answer(_resource(record, query))
    reply.add_answer(*extra)
    if not found.records:
        reply.add_auth(_resource(authority, query))
    for record in found.additional:
        reply.add_ar(_resource(record, query))
    if query.edns:
        reply.add_ar(dnslib.EDNS0(udp_len=EDNS_SIZE))
    return bytes(reply.pack())


def fit(message: bytes, limit: int) -> bytes:
    """The message, or its header and question marked as truncated: the client then asks over TCP."""
    if len(message) <= limit:
        return message
    identity, flags, *_ = _HEADER.unpack_from(message)
    return _HEADER.pack(identity, flags | _TRUNCATED, 1, 0, 0, 0) + _question(message)


def is_truncated(message: bytes) -> bool:
    return bool(_HEADER.unpack_from(message)[1] & _TRUNCATED)


def answers(message: bytes, query: bytes) -> bool:
    """Whether `message` is a response to `query`: same identifier and the very same question (RFC 5452)."""
    if len(message) < HEADER_SIZE or message[:2] != query[:2] or not message[2] & 0x80:
        return False
    return _question(message) == _question(query) or _is_error_without_question(message)


def with_identifier(message: bytes, identifier: bytes) -> bytes:
    return identifier + message[2:]


def records(message: bytes) -> list[dnslib.RR]:
    """The answer section of an upstream's message; empty when it cannot be read."""
    try:
        return list(dnslib.DNSRecord.parse(message).rr)
    except _MALFORMED:
        return []


def _is_error_without_question(message: bytes) -> bool:
    _, flags, questions, *_ = _HEADER.unpack_from(message)
    return bool(questions == 0 and flags & 0xF != NOERROR)


def _question(message: bytes) -> bytes:
    """The first question's bytes; empty when there is none or it runs out of the message."""
    end = skip_name(message, HEADER_SIZE)
    if end + 4 > len(message) or not _HEADER.unpack_from(message)[2]:
        return b""
    return message[HEADER_SIZE : end + 4]


def skip_name(message: bytes, offset: int) -> int:
    """The offset after the name at `offset`; beyond the message's end when the name runs out of it."""
    while offset < len(message):
        length = message[offset]
        if length == 0:
            return offset + 1
        if length >= 0xC0:  # a pointer ends the name
            return offset + 2
        offset += 1 + length
    return len(message) + 1


def _resource(record: Record, query: Query) -> dnslib.RR:
    # The owner as the client wrote it: some compare the case (draft-vixie-dnsext-dns0x20).
    owner = query.record.q.qname if record.name == query.name.lower() else record.name
    return dnslib.RR(owner, getattr(dnslib.QTYPE, record.type), ttl=TTL, rdata=_data(record))


def _data(record: Record) -> dnslib.RD:
    if isinstance(record.data, Srv):
        return dnslib.SRV(*record.data)
    if record.type == "SOA":
        domain = record.data
        # serial, refresh, retry, expire, and the TTL of negative answers; nobody transfers the zone.
        return dnslib.SOA(f"ns.dns.{domain}", f"hostmaster.{domain}", (1, 7200, 1800, 86400, TTL))
    makers = {"A": dnslib.A, "CNAME": dnslib.CNAME, "PTR": dnslib.PTR, "NS": dnslib.NS, "TXT": dnslib.TXT}
    return makers[record.type](record.data)
