"""Services and EndpointSlices in, routing table out (pure).

A `Table` says for every address the proxy answers on (`Frontend`) where its connections may go (`Route`). The rules
are kube-proxy's: k8s.io/kubernetes `pkg/proxy/topology.go` and `pkg/proxy/serviceport.go`, in words at
https://kubernetes.io/docs/reference/networking/virtual-ips/.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.api.meta import Key, Object, key, labels, make_key, namespace, spec, status

#: The label by which an EndpointSlice names its Service.
SERVICE_NAME = "kubernetes.io/service-name"
#: Where NodePorts are bound: every address of the machine.
ANY = "0.0.0.0"
#: `sessionAffinityConfig.clientIP.timeoutSeconds` when it is not set.
AFFINITY_SECONDS = 10800

_NOBODY = ipaddress.IPv4Network("0.0.0.0/32")

PROTOCOLS = frozenset({"TCP", "UDP"})


class Frontend(NamedTuple):
    """An address that the proxy answers on. `protocol` is TCP or UDP."""

    ip: str
    port: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        return f"{self.ip}:{self.port}/{self.protocol}"


class Backend(NamedTuple):
    """An endpoint's address: what `socket.connect` takes."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a frontend's connections go.

    `affinity` is how long a client stays with its backend in seconds, 0 for no affinity. `sources` are the only
    networks let in (loadBalancerSourceRanges); empty lets everybody in.
    """

    service: Key
    backends: tuple[Backend, ...] = ()
    affinity: float = 0
    sources: tuple[ipaddress.IPv4Network, ...] = ()

    def admits(self, client: str) -> bool:
        return not self.sources or any(ipaddress.IPv4Address(client) in network for network in self.sources)


Table = Mapping[Frontend, Route]


@dataclass(frozen=True, slots=True)
class Diff:
    """What changes between two tables; `gone` are the backends that no frontend has any more."""

    closed: frozenset[Frontend]
    changed: Mapping[Frontend, Route]
    opened: Mapping[Frontend, Route]
    gone: frozenset[Backend]


def diff(old: Table, new: Table) -> Diff:
    return Diff(
        closed=frozenset(old.keys() - new.keys()),
        changed={front: route for front, route in new.items() if front in old and old[front] != route},
        opened={front: route for front, route in new.items() if front not in old},
        gone=_backends(old) - _backends(new),
    )


def _backends(table: Table) -> frozenset[Backend]:
    return frozenset(backend for route in table.values() for backend in route.backends)


def service_of(endpoint_slice: Object) -> Key:
    """The key of the Service that the slice belongs to."""
    return make_key(namespace(endpoint_slice), labels(endpoint_slice).get(SERVICE_NAME, ""))


def merge(parts: Iterable[Mapping[Frontend, Route]]) -> dict[Frontend, Route]:
    """One table of many Services'. Where two claim an address (externalIPs), the first by key has it."""
    table: dict[Frontend, Route] = {}
    for front, route in (item for part in parts for item in part.items()):
        holder = table.get(front)
        if holder is None or route.service < holder.service:
            table[front] = route
    return table


def routes(service: Object, slices: Iterable[Object], node: str) -> dict[Frontend, Route]:
    """One Service's part of the table on `node`. Headless and ExternalName Services have none."""
    table: dict[Frontend, Route] = {}
    endpoints = list(slices)
    for port in spec(service).get("ports") or []:
        if port.get("protocol", "TCP") in PROTOCOLS:
            table.update(_port_routes(service, port, endpoints, node))
    return table


def _port_routes(service: Object, port: Object, slices: list[Object], node: str) -> Iterator[tuple[Frontend, Route]]:
    protocol = port.get("protocol", "TCP")
    policies = {
        field: usable(slices, port, node if spec(service).get(field) == "Local" else None)
        for field in ("internalTrafficPolicy", "externalTrafficPolicy")
    }
    for address in _addresses(service, port):
        backends = policies[address.policy]
        if not backends and spec(service).get(address.policy) == "Local":
            # Nothing listens here, so that the kernel picks another node's proxy on the same machine, or refuses.
            continue
        sources = _source_ranges(service) if address.guarded else ()
        yield (
            Frontend(address.ip, address.port, protocol),
            Route(key(service), backends, _affinity(service), sources),
        )


class _Address(NamedTuple):
    ip: str
    port: int
    policy: str
    #: loadBalancerSourceRanges holds for it.
    guarded: bool = False


def _addresses(service: Object, port: Object) -> Iterator[_Address]:
    specification = spec(service)
    kind = specification.get("type", "ClusterIP")
    cluster_ips = specification.get("clusterIPs") or [specification.get("clusterIP")]
    if kind == "ExternalName" or cluster_ips[0] in (None, "", "None"):
        return
    number = int(port["port"])
    yield from (_Address(ip, number, "internalTrafficPolicy") for ip in cluster_ips if is_ipv4(ip))
    external = "externalTrafficPolicy"
    yield from (_Address(ip, number, external) for ip in specification.get("externalIPs") or [] if is_ipv4(ip))
    if kind in ("NodePort", "LoadBalancer") and port.get("nodePort"):
        yield _Address(ANY, int(port["nodePort"]), external)
    if kind == "LoadBalancer":
        for ingress in status(service).get("loadBalancer", {}).get("ingress") or []:
            if is_ipv4(ingress.get("ip")) and ingress.get("ipMode", "VIP") == "VIP":
                yield _Address(ingress["ip"], number, external, guarded=True)


def usable(slices: Iterable[Object], port: Object, node: str | None = None) -> tuple[Backend, ...]:
    """The endpoints of a Service's port that get connections, sorted: the ready ones; when there is none, those that
    terminate but still serve. With `node`, only that node's."""
    ready: set[Backend] = set()
    terminating: set[Backend] = set()
    for ip, number, endpoint in _endpoints(slices, port):
        if node is not None and endpoint.get("nodeName") != node:
            continue
        conditions = endpoint.get("conditions") or {}
        if is_ready(endpoint):
            ready.add(Backend(ip, number))
        elif conditions.get("serving") and conditions.get("terminating"):
            terminating.add(Backend(ip, number))
    return tuple(sorted(ready or terminating))


def address_of(endpoint: Object) -> str | None:
    """The endpoint's IPv4 address; its others are the same endpoint, and consumers use the first (discovery/v1)."""
    return next((ip for ip in endpoint.get("addresses") or [] if is_ipv4(ip)), None)


def is_ready(endpoint: Object) -> bool:
    """An unset condition means ready (discovery/v1 EndpointConditions)."""
    return (endpoint.get("conditions") or {}).get("ready") is not False


def _endpoints(slices: Iterable[Object], port: Object) -> Iterator[tuple[str, int, Object]]:
    """(ip, port number, endpoint) of everything behind the Service's `port`; slices name ports as the Service does."""
    wanted = (port.get("name") or "", port.get("protocol") or "TCP")
    for endpoint_slice in slices:
        if endpoint_slice.get("addressType") not in (None, "IPv4"):
            continue
        for offered in endpoint_slice.get("ports") or []:
            if (offered.get("name") or "", offered.get("protocol") or "TCP") != wanted or not offered.get("port"):
                continue
            for endpoint in endpoint_slice.get("endpoints") or []:
                ip = address_of(endpoint)
                if ip is not None:
                    yield ip, int(offered["port"]), endpoint


def _affinity(service: Object) -> float:
    if spec(service).get("sessionAffinity") != "ClientIP":
        return 0
    config = (spec(service).get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return float(config.get("timeoutSeconds") or AFFINITY_SECONDS)


def _source_ranges(service: Object) -> tuple[ipaddress.IPv4Network, ...]:
    return tuple(_network(text) for text in spec(service).get("loadBalancerSourceRanges") or [])


def _network(text: str) -> ipaddress.IPv4Network:
    """What is no IPv4 network lets nobody in, rather than everybody."""
    try:
        return ipaddress.IPv4Network(text.strip(), strict=False)
    except ValueError:
        return _NOBODY


def is_ipv4(text: str | None) -> bool:
    try:
        ipaddress.IPv4Address(text or "")
    except ValueError:
        return False
    return True
