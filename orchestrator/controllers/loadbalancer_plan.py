"""Which address a Service of type LoadBalancer gets. Pure."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network

from orchestrator.api.meta import Object, is_deleting, spec, status


def wants_address(service: Object) -> bool:
    """Services of another load balancer's class are that one's."""
    is_ours = spec(service).get("type") == "LoadBalancer" and not spec(service).get("loadBalancerClass")
    return is_ours and not is_deleting(service)


def address(service: Object) -> str:
    """The address that its status says it has, or ""."""
    ingress: list[Object] = (status(service).get("loadBalancer") or {}).get("ingress") or []
    return str(ingress[0].get("ip") or "") if ingress else ""


def choose(service: Object, pool: IPv4Network, taken: Collection[str]) -> str:
    """The asked-for address (`spec.loadBalancerIP`), else the one it has, else the first free one; "" when there is
    none. `taken` are the others' addresses."""
    asked = str(spec(service).get("loadBalancerIP") or "")
    if asked:
        return asked if _is_in(asked, pool) and asked not in taken else ""
    current = address(service)
    if _is_in(current, pool) and current not in taken:
        return current
    return next((str(ip) for ip in pool.hosts() if str(ip) not in taken), "")


def _is_in(ip: str, pool: IPv4Network) -> bool:
    try:
        return IPv4Address(ip) in pool
    except ValueError:
        return False


def next_status(service: Object, ip: str) -> Object:
    """`ipMode` VIP: packets arrive with the address as their destination."""
    ingress = [{"ip": ip, "ipMode": "VIP"}] if ip else []
    return {**status(service), "loadBalancer": {"ingress": ingress} if ingress else {}}
