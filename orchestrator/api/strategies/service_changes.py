"""What becomes of a Service's addresses and ports when it is changed.

After `patchAllocatedValues` and `dropTypeDependentFields` in `k8s.io/kubernetes/pkg/registry/core/service`.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.api.checks import Errors
from orchestrator.api.errors import invalid
from orchestrator.api.meta import Object
from orchestrator.api.strategies.service_defaults import has_node_ports, is_external

_FIXED = "may not change once set"


def carry_over(new: Object, old: Object) -> None:
    """Keep what was allocated and is not named again; drop what the new type has no use for. In place."""
    _keep_addresses(new, old)
    if has_node_ports(new) and has_node_ports(old):
        _keep_node_ports(new, old)
    for needed, fields in _DEPENDENT:
        # Dropped only when it was not asked for anew: then validation will say that it does not fit.
        if needed(old) and not needed(new):
            for field in fields:
                if new.get(field) == old.get(field):
                    new.pop(field, None)
    if has_node_ports(old) and not has_node_ports(new) and _node_ports(new) == _node_ports(old):
        for port in new.get("ports") or []:
            port.pop("nodePort", None)


def changes(new: Object, old: Object, field: str) -> Errors:
    """The rules that a change breaks: an address stays for the life of the service, unless it becomes a name."""
    if _has_address(new) and _has_address(old):
        wanted, current = new.get("clusterIPs") or [], old.get("clusterIPs") or []
        if current and wanted[:1] != current[:1]:
            yield invalid(f"{field}.clusterIPs[0]", wanted, _FIXED)
    if old.get("loadBalancerClass") and new.get("type") == old.get("type") == "LoadBalancer":
        wanted_class = new.get("loadBalancerClass")
        if wanted_class != old["loadBalancerClass"]:
            yield invalid(f"{field}.loadBalancerClass", wanted_class, _FIXED)


def _keep_addresses(new: Object, old: Object) -> None:
    if not (_has_address(new) and _has_address(old)):
        return
    current = old.get("clusterIPs") or []
    if current and not new.get("clusterIP") and not new.get("clusterIPs"):
        new["clusterIP"], new["clusterIPs"] = current[0], current
    elif new.get("clusterIP") != old.get("clusterIP") and new.get("clusterIPs") == current:
        # The client changed one of the two that say the same.
        new["clusterIPs"] = [new["clusterIP"]] if new.get("clusterIP") else []


def _keep_node_ports(new: Object, old: Object) -> None:
    """Ports are the same by name; a number that the new service names elsewhere is not taken from there."""
    current = {port.get("name") or "": port.get("nodePort") for port in old.get("ports") or []}
    used = set(_node_ports(new))
    for port in new.get("ports") or []:
        number = current.get(port.get("name") or "")
        if not port.get("nodePort") and number and number not in used:
            port["nodePort"] = number


def _node_ports(service: Object) -> list[int]:
    return [port["nodePort"] for port in service.get("ports") or [] if port.get("nodePort")]


def _has_address(service: Object) -> bool:
    return service.get("type") != "ExternalName"


def _is_balancer(service: Object) -> bool:
    return service.get("type") == "LoadBalancer"


#: Which services need which fields.
_DEPENDENT: tuple[tuple[Callable[[Object], bool], tuple[str, ...]], ...] = (
    (_has_address, ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")),
    (is_external, ("externalTrafficPolicy",)),
    (_is_balancer, ("allocateLoadBalancerNodePorts", "loadBalancerClass")),
)
