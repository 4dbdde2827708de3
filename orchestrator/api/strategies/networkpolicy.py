"""NetworkPolicy.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/networking/validation`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from orchestrator.api import names
from orchestrator.api.checks import PORTS, Errors, indexed, named, obeys, one_of, within
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, forbidden, invalid, not_supported, required
from orchestrator.api.meta import Object, name, spec
from orchestrator.api.selectors import selector_text
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created, or_none
from orchestrator.api.validation import validate_selector

_PROTOCOLS = ("TCP", "UDP", "SCTP")
_TYPES = ("Ingress", "Egress")
_NOT_ENFORCED = "NetworkPolicy is not enforced by podlab: traffic that these rules forbid is let through"


class NetworkPolicyStrategy(Strategy):
    columns = (NAME, Column("Pod-Selector"), AGE)
    has_status = False
    has_generation = True

    def default(self, obj: Object) -> None:
        policy = obj.setdefault("spec", {})
        if not policy.get("policyTypes"):
            policy["policyTypes"] = ["Ingress", "Egress"] if policy.get("egress") else ["Ingress"]
        for rule in [*(policy.get("ingress") or []), *(policy.get("egress") or [])]:
            for port in rule.get("ports") or []:
                fill(port, {"protocol": "TCP"}, unset=(None,))

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_policy(spec(obj), "spec"))

    def warnings(self, obj: Object) -> list[str]:
        return [_NOT_ENFORCED]

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), or_none(selector_text(spec(obj).get("podSelector") or {})), created(obj, now))


def _policy(policy: Object, field: str) -> Errors:
    yield from validate_selector(policy.get("podSelector"), f"{field}.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for path, rule in indexed(f"{field}.{direction}", policy.get(direction)):
            for port_path, port in indexed(f"{path}.ports", rule.get("ports")):
                yield from _port(port, port_path)
            for peer_path, peer in indexed(f"{path}.{peers}", rule.get(peers)):
                yield from _peer(peer, peer_path)
    types: list[str] = policy.get("policyTypes") or []
    if len(types) > len(_TYPES):
        yield invalid(f"{field}.policyTypes", types, "may not specify more than two policyTypes")
        return
    for path, kind in indexed(f"{field}.policyTypes", types):
        if kind not in _TYPES:
            yield not_supported(path, kind, sorted(_TYPES))


def _port(port: Object, field: str) -> Errors:
    yield from one_of(f"{field}.protocol", port.get("protocol"), sorted(_PROTOCOLS))
    number, end = port.get("port"), port.get("endPort")
    if isinstance(number, str):
        yield from obeys(f"{field}.port", number, names.port_name)
        if end is not None:
            yield invalid(f"{field}.endPort", end, "may not be specified when `port` is non-numeric")
        return
    yield from within(f"{field}.port", number, *PORTS)
    if end is None:
        return
    if number is None:
        yield invalid(f"{field}.endPort", end, "may not be specified when `port` is not specified")
        return
    if end < number:
        yield invalid(f"{field}.endPort", end, "must be greater than or equal to `port`")
    yield from within(f"{field}.endPort", end, *PORTS)


def _peer(peer: Object, field: str) -> Errors:
    for selector in ("podSelector", "namespaceSelector"):
        yield from validate_selector(peer.get(selector), f"{field}.{selector}")
    if not peer:
        yield required(field, "must specify a peer")
    elif "ipBlock" in peer:
        yield from _block(peer["ipBlock"], f"{field}.ipBlock")
        if len(peer) > 1:
            yield forbidden(field, "may not specify both ipBlock and another peer")


def _block(block: Object, field: str) -> Errors:
    cidr = block.get("cidr") or ""
    errors = list(named(f"{field}.cidr", cidr, names.cidr))
    yield from errors
    if errors:
        return
    whole = ipaddress.ip_interface(cidr).network
    for path, text in indexed(f"{field}.except", block.get("except")):
        errors = list(obeys(path, text, names.cidr))
        yield from errors
        if not errors and not _inside(text, whole):
            yield invalid(path, text, "must be a strict subset of `cidr`")


def _inside(cidr: str, whole: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    part = ipaddress.ip_interface(cidr)
    return part.ip in whole and part.network.prefixlen > whole.prefixlen
