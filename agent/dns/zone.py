"""The cluster's DNS zone: names in, records out (pure).

The schema is Kubernetes' (github.com/kubernetes/dns `docs/specification.md`, version 1.1.0), with CoreDNS' names for
endpoints that have no hostname (`10-1-2-3`) and for pods.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from agent.proxy.table import address_of, is_ipv4, is_ready
from orchestrator.api.meta import Key, Object, make_key, name, namespace, spec, split_key

#: Seconds. Short: endpoints come and go.
TTL = 5

_REVERSE = ".in-addr.arpa"
#: CNAMEs followed inside the zone: a longer chain is a loop.
_CHAIN = 8


class Srv(NamedTuple):
    """RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


class Record(NamedTuple):
    """`type` is A, CNAME, SRV, PTR, NS, TXT or SOA. Names have no dot at the end. A SOA's data is the zone's apex."""

    name: str
    type: str
    data: str | Srv


@dataclass(frozen=True, slots=True)
class Answer:
    """`exists` False is NXDOMAIN; true without records is NODATA. `chase` is a name outside the zone that the last
    CNAME leads to: its addresses belong into the answer too."""

    exists: bool
    records: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    chase: str = ""


@dataclass(slots=True)
class _Entry:
    """One Service's records: by name, and the names by address."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    reverse: dict[str, str] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        self.records.setdefault(record.name, []).append(record)


class Zone:
    """The names of all Services, and what follows from the zone alone."""

    def __init__(self, domain: str, dns_ip: str, service_network: ipaddress.IPv4Network) -> None:
        self.domain = domain.lower().strip(".")
        self._network = service_network
        self._services: dict[Key, _Entry] = {}
        self._namespaces: dict[str, int] = {}
        self._reverse: dict[str, dict[Key, str]] = {}
        server = f"ns.dns.{self.domain}"
        self._fixed: Mapping[str, Sequence[Record]] = {
            self.domain: (Record(self.domain, "NS", server), self.authority),
            server: (Record(server, "A", dns_ip),),
            f"dns.{self.domain}": (),
            f"svc.{self.domain}": (),
            f"pod.{self.domain}": (),
            f"dns-version.{self.domain}": (Record(f"dns-version.{self.domain}", "TXT", "1.1.0"),),
        }

    @property
    def authority(self) -> Record:
        """The SOA, which comes with every negative answer (RFC 2308)."""
        return Record(self.domain, "SOA", self.domain)

    def update(self, service_key: Key, service: Object | None, slices: Sequence[Object] = ()) -> None:
        """Put a Service's records in place of those it had; None takes them out."""
        self._remove(service_key)
        if service is None:
            return
        entry = self._services[service_key] = _entry(service, slices, self.domain)
        space, _ = split_key(service_key)
        self._namespaces[space] = self._namespaces.get(space, 0) + 1
        for ip, target in entry.reverse.items():
            self._reverse.setdefault(ip, {})[service_key] = target

    def resolve(self, question: str, kind: str, turn: int = 0) -> Answer | None:
        """The answer to a question for `kind` (A, AAAA, SRV, ..., ANY); None when the name is not ours to answer.

        `question` has no dot at the end. Records of one name are rotated by `turn`.
        """
        wanted = question.lower()
        if wanted.endswith(_REVERSE):
            return self._resolve_reverse(wanted, kind)
        if wanted != self.domain and not wanted.endswith("." + self.domain):
            return None
        found: list[Record] = []
        for _ in range(_CHAIN):
            records = self._find(wanted)
            if records is None:
                return Answer(bool(found), tuple(found))
            chosen = [record for record in records if record.type in (kind, "CNAME") or kind == "ANY"]
            found += _rotate(chosen, turn)
            if not chosen or chosen[0].type != "CNAME" or kind in ("CNAME", "ANY"):
                return Answer(True, tuple(found), self._targets(chosen))
            wanted = str(chosen[0].data).lower()
            if not wanted.endswith("." + self.domain):
                return Answer(True, tuple(found), chase=wanted)
        return Answer(True, tuple(found))

    def _find(self, wanted: str) -> Sequence[Record] | None:
        """The records of a name in the zone, empty when it exists only because there are names below it; None when it
        does not exist."""
        fixed = self._fixed.get(wanted)
        if fixed is not None:
            return fixed
        labels = wanted.removesuffix("." + self.domain).split(".")
        if labels[-1] == "pod":
            return self._find_pod(wanted, labels[:-1])
        if labels[-1] != "svc":
            return None
        if len(labels) == 2:
            return () if labels[0] in self._namespaces else None
        entry = self._services.get(make_key(labels[-2], labels[-3]))
        if entry is None:
            return None
        records = entry.records.get(wanted)
        if records is None and any(other.endswith("." + wanted) for other in entry.records):
            return ()
        return records

    def _find_pod(self, wanted: str, labels: Sequence[str]) -> Sequence[Record] | None:
        if len(labels) == 1:
            return ()
        ip = labels[0].replace("-", ".")
        if len(labels) != 2 or not is_ipv4(ip):
            return None
        return (Record(wanted, "A", ip),)

    def _resolve_reverse(self, wanted: str, kind: str) -> Answer | None:
        ip = ".".join(reversed(wanted.removesuffix(_REVERSE).split(".")))
        targets = self._reverse.get(ip)
        if targets:
            records = tuple(Record(wanted, "PTR", target) for target in sorted(targets.values()))
            return Answer(True, records if kind in ("PTR", "ANY") else ())
        if is_ipv4(ip) and ipaddress.IPv4Address(ip) in self._network:
            return Answer(exists=False)
        return None

    def _targets(self, records: Sequence[Record]) -> tuple[Record, ...]:
        """The addresses that SRV records point to."""
        targets = {record.data.target for record in records if isinstance(record.data, Srv)}
        return tuple(record for target in sorted(targets) for record in self._find(target) or () if record.type == "A")

    def _remove(self, service_key: Key) -> None:
        entry = self._services.pop(service_key, None)
        if entry is None:
            return
        space, _ = split_key(service_key)
        self._namespaces[space] -= 1
        if not self._namespaces[space]:
            del self._namespaces[space]
        for ip in entry.reverse:
            del self._reverse[ip][service_key]
            if not self._reverse[ip]:
                del self._reverse[ip]


def _entry(service: Object, slices: Sequence[Object], domain: str) -> _Entry:
    base = f"{name(service)}.{namespace(service)}.svc.{domain}"
    entry = _Entry()
    if spec(service).get("type") == "ExternalName":
        entry.add(Record(base, "CNAME", str(spec(service).get("externalName", "")).rstrip(".")))
    elif spec(service).get("clusterIP") == "None":
        _add_headless(entry, base, slices)
    else:
        _add_cluster_ip(entry, base, service)
    return entry


def _add_cluster_ip(entry: _Entry, base: str, service: Object) -> None:
    specification = spec(service)
    entry.records[base] = []
    for ip in specification.get("clusterIPs") or [specification.get("clusterIP")]:
        if is_ipv4(ip):
            entry.add(Record(base, "A", ip))
            entry.reverse[ip] = base
    for port in specification.get("ports") or []:
        if port.get("name"):
            owner = _srv_name(port, base)
            entry.add(Record(owner, "SRV", Srv(0, 100, int(port["port"]), base)))


def _add_headless(entry: _Entry, base: str, slices: Sequence[Object]) -> None:
    entry.records[base] = []
    seen: set[tuple[str, str]] = set()
    for ip, host in _endpoints(slices):
        if (ip, host) in seen:
            continue
        seen.add((ip, host))
        entry.add(Record(f"{host}.{base}", "A", ip))
        if Record(base, "A", ip) not in entry.records[base]:
            entry.add(Record(base, "A", ip))
        entry.reverse[ip] = f"{host}.{base}"
    for endpoint_slice in slices:
        for port in endpoint_slice.get("ports") or []:
            if port.get("name") and port.get("port"):
                owner = _srv_name(port, base)
                hosts = dict.fromkeys(host for _, host in _endpoints([endpoint_slice]))
                for host in hosts:
                    entry.add(Record(owner, "SRV", Srv(0, 100, int(port["port"]), f"{host}.{base}")))


def _endpoints(slices: Sequence[Object]) -> Iterator[tuple[str, str]]:
    """(ip, host label) of every ready endpoint."""
    for endpoint_slice in slices:
        if endpoint_slice.get("addressType") in (None, "IPv4"):
            for endpoint in endpoint_slice.get("endpoints") or []:
                ip = address_of(endpoint)
                if ip is not None and is_ready(endpoint):
                    yield ip, str(endpoint.get("hostname") or ip.replace(".", "-")).lower()


def _srv_name(port: Object, base: str) -> str:
    return f"_{port['name']}._{port.get('protocol', 'TCP').lower()}.{base}".lower()


def _rotate(records: Sequence[Record], turn: int) -> list[Record]:
    if len(records) < 2:
        return list(records)
    start = turn % len(records)
    return [*records[start:], *records[:start]]
