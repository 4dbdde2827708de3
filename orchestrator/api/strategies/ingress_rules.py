"""The rules of an IngressSpec.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/networking/validation`.
"""

from __future__ import annotations

from orchestrator.api import names
from orchestrator.api.checks import PORTS, Errors, follows, indexed, named, obeys, present, within
from orchestrator.api.errors import invalid, not_supported, required
from orchestrator.api.meta import Object

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_PARTS = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDS = ("/..", "/.")


def ingress(ingress: Object, field: str) -> Errors:
    rules, backend = ingress.get("rules") or [], ingress.get("defaultBackend")
    if not rules and backend is None:
        yield invalid(field, rules, "either `defaultBackend` or `rules` must be specified")
    if backend is not None:
        yield from _backend(backend, f"{field}.defaultBackend")
    for path, rule in indexed(f"{field}.rules", rules):
        yield from _host(rule.get("host") or "", f"{path}.host")
        if "http" in rule:
            yield from _http(rule["http"], f"{path}.http")
    for path, tls in indexed(f"{field}.tls", ingress.get("tls")):
        for host_path, host in indexed(f"{path}.hosts", tls.get("hosts")):
            yield from _dns_name(host, host_path)
        yield from follows(f"{path}.secretName", tls.get("secretName"), names.dns_subdomain)
    yield from follows(f"{field}.ingressClassName", ingress.get("ingressClassName"), names.dns_subdomain)


def reference(target: Object, field: str) -> Errors:
    """Another object: its group, its kind and its name."""
    yield from follows(f"{field}.apiGroup", target.get("apiGroup"), names.dns_subdomain)
    yield from named(f"{field}.kind", target.get("kind"), names.path_segment)
    yield from named(f"{field}.name", target.get("name"), names.path_segment)


def _host(host: str, field: str) -> Errors:
    if not host:
        return
    if not names.ip_address(host):
        yield invalid(field, host, "must be a DNS name, not an IP address")
    yield from _dns_name(host, field)


def _dns_name(host: str, field: str) -> Errors:
    yield from obeys(field, host, names.wildcard_subdomain if "*" in host else names.dns_subdomain)


def _http(rule: Object, field: str) -> Errors:
    paths = rule.get("paths") or []
    yield from present(f"{field}.paths", paths)
    for path, entry in indexed(f"{field}.paths", paths):
        yield from _path(entry, path)


def _path(entry: Object, field: str) -> Errors:
    kind, path = entry.get("pathType"), entry.get("path") or ""
    if kind is None:
        yield required(f"{field}.pathType", "pathType must be specified")
        return
    if kind not in _PATH_TYPES:
        yield not_supported(f"{field}.pathType", kind, _PATH_TYPES)
    elif not path.startswith("/") and (path or kind != "ImplementationSpecific"):
        yield invalid(f"{field}.path", path, "must be an absolute path")
    if kind in ("Exact", "Prefix"):
        yield from (invalid(f"{field}.path", path, f"must not contain '{part}'") for part in _BAD_PARTS if part in path)
        yield from (
            invalid(f"{field}.path", path, f"cannot end with '{end}'") for end in _BAD_ENDS if path.endswith(end)
        )
    yield from _backend(entry.get("backend") or {}, f"{field}.backend")


def _backend(backend: Object, field: str) -> Errors:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        yield invalid(field, "", "cannot set both resource and service backends")
    elif resource is not None:
        yield from reference(resource, f"{field}.resource")
    elif service is not None:
        yield from named(f"{field}.service.name", service.get("name"), names.dns_1035_label)
        yield from _port(service.get("port") or {}, field)
    else:
        yield invalid(field, "", "resource or service backend is required")


def _port(port: Object, field: str) -> Errors:
    name, number = port.get("name"), port.get("number")
    if name and number:
        yield invalid(field, "", "cannot set both port name & port number")
    elif name:
        yield from obeys(f"{field}.service.port.name", name, names.port_name)
    elif number:
        yield from within(f"{field}.service.port.number", number, *PORTS)
    else:
        yield required(field, "port name or number is required")
