"""EndpointSlice."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from orchestrator.api import names
from orchestrator.api.checks import (
    PORTS,
    Errors,
    follows,
    indexed,
    obeys,
    one_of,
    present,
    unchanged,
    within,
)
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, duplicate, invalid, too_many
from orchestrator.api.meta import Object, name
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created
from orchestrator.api.strategies.shortened import shortened

_TYPES = ("FQDN", "IPv4", "IPv6")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_MAX_ENDPOINTS = 1000
_MAX_PORTS = 20000
_MAX_ADDRESSES = 100


class EndpointSliceStrategy(Strategy):
    columns = (NAME, Column("AddressType"), Column("Ports"), Column("Endpoints"), AGE)
    has_status = False

    def default(self, obj: Object) -> None:
        for port in obj.get("ports") or []:
            fill(port, {"name": "", "protocol": "TCP"})

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_slice(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(unchanged("addressType", new.get("addressType"), old.get("addressType")))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        ports = [str(port["port"]) if port.get("port") is not None else "*" for port in obj.get("ports") or []]
        addresses = [address for endpoint in obj.get("endpoints") or [] for address in endpoint.get("addresses") or []]
        return (
            name(obj),
            obj.get("addressType"),
            shortened(ports) or "<unset>",
            shortened(addresses) or "<unset>",
            created(obj, now),
        )


def _slice(obj: Object) -> Errors:
    kind, endpoints, ports = obj.get("addressType") or "", obj.get("endpoints") or [], obj.get("ports") or []
    yield from one_of("addressType", kind, _TYPES)
    if len(endpoints) > _MAX_ENDPOINTS:
        yield too_many("endpoints", len(endpoints), _MAX_ENDPOINTS)
    for path, endpoint in indexed("endpoints", endpoints):
        yield from _endpoint(endpoint, kind, path)
    if len(ports) > _MAX_PORTS:
        yield too_many("ports", len(ports), _MAX_PORTS)
    seen: set[str] = set()
    for path, port in indexed("ports", ports):
        yield from follows(f"{path}.name", port.get("name"), names.dns_label)
        if (port_name := port.get("name") or "") in seen:
            yield duplicate(f"{path}.name", port_name)
        seen.add(port_name)
        yield from within(f"{path}.port", port.get("port"), *PORTS)
        yield from one_of(f"{path}.protocol", port.get("protocol"), _PROTOCOLS)


def _endpoint(endpoint: Object, kind: str, field: str) -> Errors:
    addresses: list[str] = endpoint.get("addresses") or []
    yield from present(f"{field}.addresses", addresses, "must contain at least 1 address")
    if len(addresses) > _MAX_ADDRESSES:
        yield too_many(f"{field}.addresses", len(addresses), _MAX_ADDRESSES)
    for path, address in indexed(f"{field}.addresses", addresses):
        if kind == "FQDN":
            yield from obeys(path, address, names.dns_subdomain)
        else:
            yield from _ip(address, kind, path)
    yield from follows(f"{field}.hostname", endpoint.get("hostname"), names.dns_label)
    yield from follows(f"{field}.nodeName", endpoint.get("nodeName"), names.dns_subdomain)


def _ip(address: str, kind: str, field: str) -> Errors:
    if names.ip_address(address):
        yield from obeys(field, address, names.ip_address)
    elif f"IPv{ipaddress.ip_address(address).version}" != kind:
        example = "10.9.8.7" if kind == "IPv4" else "2001:db8::ffff"
        yield invalid(field, address, f"must be a valid {kind} address, (e.g. {example})")
