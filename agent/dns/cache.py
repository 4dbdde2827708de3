"""Answers from upstream, kept as long as their TTLs allow (pure: the time is an argument)."""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import dataclass

from agent.dns.messages import HEADER_SIZE, NOERROR, NXDOMAIN, is_truncated, skip_name

#: Seconds an answer is kept at most, as CoreDNS' default `cache 30`.
LONGEST = 30.0
#: Answers kept at most.
_SIZE = 1024

_FIXED = struct.Struct("!HHIH")
_TTL = struct.Struct("!I")
_OPT = 41


@dataclass(frozen=True, slots=True)
class _Kept:
    message: bytes
    #: Where the TTLs are in it.
    offsets: tuple[int, ...]
    since: float
    until: float


class Cache:
    """By the query without its identifier: question, flags and EDNS options all shape the answer."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    def get(self, query: bytes, now: float) -> bytes | None:
        """The answer to `query`, its TTLs less the time it lay here."""
        kept = self._kept.get(query[2:])
        if kept is None or kept.until <= now:
            return None
        message = bytearray(query[:2] + kept.message[2:])
        age = int(now - kept.since)
        for offset in kept.offsets:
            (ttl,) = _TTL.unpack_from(message, offset)
            _TTL.pack_into(message, offset, max(0, ttl - age))
        return bytes(message)

    def put(self, query: bytes, message: bytes, now: float) -> None:
        """Keep `message` if it may be kept: whole, and an answer or a well-formed denial."""
        if message[3] & 0xF not in (NOERROR, NXDOMAIN) or is_truncated(message):
            return
        offsets = ttl_offsets(message)
        if not offsets:
            return
        ttl = min(LONGEST, *(_TTL.unpack_from(message, offset)[0] for offset in offsets))
        self._kept[query[2:]] = _Kept(message, offsets, now, now + ttl)
        self._kept.move_to_end(query[2:])
        while len(self._kept) > _SIZE:
            self._kept.popitem(last=False)


def ttl_offsets(message: bytes) -> tuple[int, ...]:
    """Where the records' TTLs are; empty when the message is not well-formed or has no records."""
    questions, *counts = struct.unpack_from("!4H", message, 4)
    offset = HEADER_SIZE
    found: list[int] = []
    for _ in range(questions):
        offset = skip_name(message, offset) + 4
    for _ in range(sum(counts)):
        offset = skip_name(message, offset)
        if offset + _FIXED.size > len(message):
            return ()
        kind, _, _, length = _FIXED.unpack_from(message, offset)
        if kind != _OPT:  # its TTL field holds flags
            found.append(offset + 4)
        offset += _FIXED.size + length
    return tuple(found) if offset <= len(message) else ()
