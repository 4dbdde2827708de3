"""Endpoints."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import names
from orchestrator.api.checks import PORTS, Errors, follows, indexed, named, obeys, one_of, within
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, required
from orchestrator.api.meta import Object, name
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created, or_none
from orchestrator.api.strategies.shortened import shortened

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_ADDRESSES = ("addresses", "notReadyAddresses")


class EndpointsStrategy(Strategy):
    columns = (NAME, Column("Endpoints"), AGE)
    has_status = False

    def default(self, obj: Object) -> None:
        for subset in obj.get("subsets") or []:
            for port in subset.get("ports") or []:
                fill(port, {"protocol": "TCP"})

    def validate(self, obj: Object) -> list[FieldError]:
        return [error for path, subset in indexed("subsets", obj.get("subsets")) for error in _subset(subset, path)]

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), or_none(shortened(_ready(obj))), created(obj, now))


def _subset(subset: Object, field: str) -> Errors:
    if not any(subset.get(kind) for kind in _ADDRESSES):
        yield required(field, "must specify `addresses` or `notReadyAddresses`")
    for kind in _ADDRESSES:
        for path, address in indexed(f"{field}.{kind}", subset.get(kind)):
            yield from obeys(f"{path}.ip", address.get("ip") or "", names.ip_address)
            yield from follows(f"{path}.hostname", address.get("hostname"), names.dns_label)
            yield from follows(f"{path}.nodeName", address.get("nodeName"), names.dns_subdomain)
    ports: list[Object] = subset.get("ports") or []
    for path, port in indexed(f"{field}.ports", ports):
        check = named if len(ports) > 1 else follows
        yield from check(f"{path}.name", port.get("name"), names.dns_label)
        yield from within(f"{path}.port", port.get("port") or 0, *PORTS)
        yield from one_of(f"{path}.protocol", port.get("protocol"), _PROTOCOLS)


def _ready(endpoints: Object) -> list[str]:
    """The ready addresses, with each of their ports; alone where there are no ports (headless services)."""
    found: list[str] = []
    for subset in endpoints.get("subsets") or []:
        addresses = [address.get("ip") or "" for address in subset.get("addresses") or []]
        ports = [f":{port.get('port')}" for port in subset.get("ports") or []] or [""]
        found += [f"{_bracketed(address) if port else address}{port}" for port in ports for address in addresses]
    return found


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
