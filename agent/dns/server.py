"""The DNS server: the zone's names are answered here, all others by the machine's resolvers."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Sequence

import dnslib

from agent.dns import messages
from agent.dns.cache import Cache
from agent.dns.messages import Query
from agent.dns.tcp import TcpServer
from agent.dns.upstream import TIMEOUT, Lookup
from agent.dns.zone import Answer, Zone
from agent.proxy.listen import bind
from agent.proxy.loop import READ, Loop
from agent.proxy.table import Frontend

log = logging.getLogger(__name__)

#: Questions on their way to a resolver at once; more are refused, so that a dead resolver costs no more memory.
_MOST_LOOKUPS = 512
#: Datagrams before other descriptors have their turn.
_TURN = 32
_SIZE = 4096

Reply = Callable[[bytes], None]
#: The resolvers to ask now.
Upstreams = Callable[[], Sequence[tuple[str, int]]]


class Resolver:
    """Answers messages; knows no sockets of clients."""

    def __init__(self, loop: Loop, zone: Zone, upstreams: Upstreams, timeout: float = TIMEOUT) -> None:
        self.zone = zone
        self._loop = loop
        self._upstreams = upstreams
        self._timeout = timeout
        self._cache = Cache()
        self._lookups = 0
        self._turns = itertools.count()

    def handle(self, data: bytes, reply: Reply, *, tcp: bool) -> None:
        """Answer the message `data` by `reply`, now or later; what is no question gets none."""
        query = messages.parse(data)
        if isinstance(query, messages.Refusal):
            if query.data is not None:
                reply(query.data)
            return
        limit = query.limit(tcp=tcp)
        found = self.zone.resolve(query.name, query.type, next(self._turns))
        if found is None:
            self._forward(data, lambda message: reply(self._fitted(query, message, limit)))
        elif found.chase:
            self._chase(query, found, limit, reply)
        else:
            reply(messages.answer(query, found, self.zone.authority, limit))

    def _chase(self, query: Query, found: Answer, limit: int, reply: Reply) -> None:
        """An ExternalName: ask for what it stands for, and answer with both."""

        def finish(message: bytes | None) -> None:
            if message is None:
                reply(messages.fail(query.data, messages.SERVFAIL))
            else:
                extra = messages.records(message)
                reply(messages.answer(query, found, self.zone.authority, limit, extra))

        self._forward(bytes(dnslib.DNSRecord.question(found.chase, query.type).pack()), finish)

    def _forward(self, data: bytes, done: Callable[[bytes | None], None]) -> None:
        cached = self._cache.get(data, time.monotonic())
        if cached is not None:
            done(cached)
            return
        servers = self._upstreams()
        if not servers or self._lookups >= _MOST_LOOKUPS:
            done(None)
            return

        def finish(message: bytes | None) -> None:
            self._lookups -= 1
            if message is not None:
                self._cache.put(data, message, time.monotonic())
            done(message)

        self._lookups += 1
        Lookup(self._loop, data, servers, finish, self._timeout)

    def _fitted(self, query: Query, message: bytes | None, limit: int) -> bytes:
        if message is None:
            return messages.fail(query.data, messages.SERVFAIL)
        return messages.fit(message, limit)


class DnsServer:
    """Listens on one address, UDP and TCP."""

    def __init__(self, loop: Loop, resolver: Resolver, ip: str, port: int = 53) -> None:
        """Raises OSError when the address cannot be bound."""
        self._loop = loop
        self._resolver = resolver
        self._sock = bind(Frontend(ip, port, "UDP"))
        try:
            self._tcp = TcpServer(loop, resolver, ip, self.address[1])
        except OSError:
            self._sock.close()
            raise
        loop.add(self._sock.fileno(), READ, self._ready)

    @property
    def address(self) -> tuple[str, int]:
        ip, port = self._sock.getsockname()
        return ip, port

    def close(self) -> None:
        self._loop.dispose(self._sock)
        self._tcp.close()

    def _ready(self, events: int) -> None:
        for _ in range(_TURN):
            try:
                data, client = self._sock.recvfrom(_SIZE)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP error about an earlier answer
                log.debug("DNS: %s", error)
                continue
            self._resolver.handle(data, self._replier(client), tcp=False)

    def _replier(self, client: tuple[str, int]) -> Reply:
        def reply(message: bytes) -> None:
            try:
                self._sock.sendto(message, client)
            except OSError as error:
                log.debug("a DNS answer to %s is lost: %s", client, error)

        return reply
