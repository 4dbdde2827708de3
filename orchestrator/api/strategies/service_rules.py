"""The rules of a Service.

Rules and sentences are those of `ValidateService` in `k8s.io/kubernetes/pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

import ipaddress

from orchestrator.api import names
from orchestrator.api.checks import PORTS, Errors, follows, indexed, named, obeys, one_of, present, unique, within
from orchestrator.api.errors import duplicate, forbidden, invalid, not_supported
from orchestrator.api.meta import Object
from orchestrator.api.podspec.handlers import port as port_or_name
from orchestrator.api.strategies.service_defaults import HEADLESS, has_node_ports, is_external
from orchestrator.api.validation import validate_labels

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_POLICIES = ("Cluster", "Local")
_FAMILIES = ("IPv4", "IPv6")
_FAMILY_POLICIES = ("SingleStack", "PreferDualStack", "RequireDualStack")
_LONGEST_AFFINITY = 86400
_BALANCER_ONLY = "may only be used when `type` is 'LoadBalancer'"


def service(service: Object, field: str) -> Errors:
    yield from one_of(f"{field}.type", service.get("type"), _TYPES)
    yield from _ports(service, field)
    yield from validate_labels(service.get("selector"), f"{field}.selector")
    yield from _affinity(service, field)
    if service.get("type") == "ExternalName":
        yield from _external_name(service, field)
    else:
        yield from _addresses(service, field)
    for path, address in indexed(f"{field}.externalIPs", service.get("externalIPs")):
        yield from _outside_address(path, address)
    yield from _traffic(service, field)
    yield from _balancer(service, field)


def _ports(service: Object, field: str) -> Errors:
    ports: list[Object] = service.get("ports") or []
    if service.get("type") != "ExternalName" and service.get("clusterIP") != HEADLESS:
        yield from present(f"{field}.ports", ports)
    for path, port in indexed(f"{field}.ports", ports):
        yield from _port(service, port, path, name_needed=len(ports) > 1)
    yield from unique((f"{path}.name", port.get("name")) for path, port in indexed(f"{field}.ports", ports))
    for what in ("port", "nodePort"):
        yield from _port_twice(ports, what, f"{field}.ports")


def _port(service: Object, port: Object, field: str, *, name_needed: bool) -> Errors:
    if name_needed:
        yield from named(f"{field}.name", port.get("name"), names.dns_label)
    else:
        yield from follows(f"{field}.name", port.get("name"), names.dns_label)
    yield from within(f"{field}.port", port.get("port") or 0, *PORTS)
    yield from one_of(f"{field}.protocol", port.get("protocol"), _PROTOCOLS)
    yield from port_or_name(port.get("targetPort"), f"{field}.targetPort")
    yield from follows(f"{field}.appProtocol", port.get("appProtocol"), names.qualified_name)
    if port.get("nodePort"):
        if not has_node_ports(service):
            yield forbidden(f"{field}.nodePort", f"may not be used when `type` is '{service.get('type')}'")
        yield from within(f"{field}.nodePort", port["nodePort"], *PORTS)


def _port_twice(ports: list[Object], what: str, field: str) -> Errors:
    """A port may come twice, but not with the same protocol."""
    seen: set[tuple[str, int]] = set()
    for path, port in indexed(field, ports):
        number, protocol = port.get(what) or 0, port.get("protocol") or ""
        if number and (protocol, number) in seen:
            if what == "port":
                yield duplicate(path, {"port": number, "protocol": protocol})
            else:
                yield duplicate(f"{path}.{what}", number)
        seen.add((protocol, number))


def _affinity(service: Object, field: str) -> Errors:
    affinity, config = service.get("sessionAffinity"), service.get("sessionAffinityConfig")
    yield from one_of(f"{field}.sessionAffinity", affinity, ("ClientIP", "None"))
    if affinity == "ClientIP":
        seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds") or 0
        if not 0 < seconds <= _LONGEST_AFFINITY:
            path = f"{field}.sessionAffinityConfig.clientIP.timeoutSeconds"
            yield invalid(path, seconds, f"must be greater than 0 and less than {_LONGEST_AFFINITY}")
    elif config is not None:
        why = f"must not be set when session affinity is {affinity}"
        yield forbidden(f"{field}.sessionAffinityConfig", why)


def _external_name(service: Object, field: str) -> Errors:
    for name in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if service.get(name):
            yield forbidden(f"{field}.{name}", "may not be set for ExternalName services")
    target = (service.get("externalName") or "").removesuffix(".")
    yield from named(f"{field}.externalName", target, names.dns_subdomain)


def _addresses(service: Object, field: str) -> Errors:
    addresses: list[str] = service.get("clusterIPs") or []
    if (service.get("clusterIP") or "") != (addresses[0] if addresses else ""):
        yield invalid(f"{field}.clusterIPs", addresses, "first value must match `clusterIP`")
    for path, address in indexed(f"{field}.clusterIPs", addresses):
        if address == HEADLESS:
            if len(addresses) > 1:
                yield invalid(path, addresses, "'None' must be the first and only value")
            if has_node_ports(service):
                why = f"may not be set to 'None' for {service.get('type')} services"
                yield invalid(path, address, why)
        else:
            yield from obeys(path, address, names.ip_address)
    for path, family in indexed(f"{field}.ipFamilies", service.get("ipFamilies")):
        if family not in _FAMILIES:
            yield not_supported(path, family, _FAMILIES)
    if service.get("ipFamilyPolicy"):
        yield from one_of(f"{field}.ipFamilyPolicy", service["ipFamilyPolicy"], _FAMILY_POLICIES)


def _outside_address(field: str, text: str) -> Errors:
    if names.ip_address(text):
        yield from obeys(field, text, names.ip_address)
        return
    address = ipaddress.ip_address(text)
    if address.is_unspecified:
        yield invalid(field, text, f"may not be unspecified ({address})")
    if address.is_loopback:
        yield invalid(field, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        yield invalid(field, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")


def _traffic(service: Object, field: str) -> Errors:
    external = service.get("externalTrafficPolicy")
    if is_external(service):
        yield from one_of(f"{field}.externalTrafficPolicy", external, _POLICIES)
    elif external:
        yield invalid(f"{field}.externalTrafficPolicy", external, "may only be set for externally-accessible services")
    if service.get("type") != "ExternalName":
        yield from one_of(f"{field}.internalTrafficPolicy", service.get("internalTrafficPolicy"), _POLICIES)


def _balancer(service: Object, field: str) -> Errors:
    """What only a load balancer may have."""
    if service.get("type") == "LoadBalancer":
        for path, network in indexed(f"{field}.loadBalancerSourceRanges", service.get("loadBalancerSourceRanges")):
            yield from obeys(path, network.strip(), names.cidr)
        yield from follows(f"{field}.loadBalancerClass", service.get("loadBalancerClass"), names.qualified_name)
        return
    for name in ("loadBalancerSourceRanges", "loadBalancerClass"):
        if service.get(name):
            yield forbidden(f"{field}.{name}", _BALANCER_ONLY)
    if service.get("allocateLoadBalancerNodePorts") is not None:
        yield forbidden(f"{field}.allocateLoadBalancerNodePorts", _BALANCER_ONLY)
