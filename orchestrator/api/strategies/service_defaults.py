"""The defaults of a Service. Addresses and node ports are admission's."""

from __future__ import annotations

from typing import Any

from orchestrator.api.defaults import fill
from orchestrator.api.meta import Object

HEADLESS = "None"
_AFFINITY_SECONDS = 10800


def default_service(service: Object) -> None:
    fill(service, {"type": "ClusterIP", "sessionAffinity": "None"})
    for port in service.get("ports") or []:
        fill(port, {"protocol": "TCP"})
        fill(port, {"targetPort": port.get("port") or 0}, unset=(None, 0, ""))
    if service["sessionAffinity"] == "ClientIP":
        config = service.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        fill(config, {"timeoutSeconds": _AFFINITY_SECONDS})
    if service["type"] != "ExternalName":
        fill(service, {"internalTrafficPolicy": "Cluster"})
        _default_addresses(service)
    if is_external(service):
        fill(service, {"externalTrafficPolicy": "Cluster"})
    if service["type"] == "LoadBalancer":
        fill(service, {"allocateLoadBalancerNodePorts": True})


def is_external(service: Object) -> bool:
    """The service can be reached from outside of the cluster."""
    return service.get("type") in ("NodePort", "LoadBalancer") or bool(service.get("externalIPs"))


def has_node_ports(service: Object) -> bool:
    return service.get("type") in ("NodePort", "LoadBalancer")


def _default_addresses(service: Object) -> None:
    """One family; and `clusterIP` is the first of `clusterIPs`, whichever is given."""
    defaults: dict[str, Any] = {"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}
    fill(service, defaults, unset=(None, "", []))
    if service.get("clusterIP"):
        fill(service, {"clusterIPs": [service["clusterIP"]]}, unset=(None, []))
    elif service.get("clusterIPs"):
        service["clusterIP"] = service["clusterIPs"][0]
