"""The spec as a whole, in a pod and in a template."""

from __future__ import annotations

from orchestrator.api import names
from orchestrator.api.checks import MAX_INT32, Errors, follows, indexed, obeys, one_of, unique, within
from orchestrator.api.errors import forbidden, invalid, not_supported, required
from orchestrator.api.meta import Object
from orchestrator.api.podspec import placement, resources, security
from orchestrator.api.podspec.claims import claims
from orchestrator.api.podspec.containers import containers, images
from orchestrator.api.podspec.os import os
from orchestrator.api.podspec.volumes import volumes
from orchestrator.api.validation import validate_annotations, validate_labels

RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_PREEMPTION = ("PreemptLowerPriority", "Never")
_MAX_NAMESERVERS = 3
_MAX_SEARCHES = 32
_MAX_SEARCH_TEXT = 2048
_NO_POD_RESOURCES = "resources of the pod as a whole are not supported: set them on its containers"
#: Fields that are names, with the rule of each.
_NAMES = (
    ("serviceAccountName", names.dns_subdomain),
    ("nodeName", names.dns_subdomain),
    ("hostname", names.dns_label),
    ("subdomain", names.dns_label),
    ("priorityClassName", names.dns_subdomain),
    ("runtimeClassName", names.dns_subdomain),
)


def pod(spec: Object, field: str = "spec") -> Errors:
    """The rules of the spec of a pod."""
    yield from _spec(spec, field)
    yield from _host_network(spec, field, template=False)
    yield from images(spec, field)


def template(template: Object, field: str) -> Errors:
    """The rules of a PodTemplateSpec."""
    spec = template.get("spec") or {}
    yield from template_metadata(template, field)
    yield from _spec(spec, f"{field}.spec")
    yield from _host_network(spec, f"{field}.spec", template=True)
    if spec.get("ephemeralContainers"):
        yield forbidden(f"{field}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")


def template_metadata(template: Object, field: str) -> Errors:
    meta = template.get("metadata") or {}
    yield from validate_labels(meta.get("labels"), f"{field}.labels")
    yield from validate_annotations(meta.get("annotations"), f"{field}.annotations")


def runs_forever(template: Object, field: str, kind: str) -> Errors:
    """What a template may not say whose pods are kept running by an object of `kind`."""
    spec = template.get("spec") or {}
    if spec.get("restartPolicy") in RESTART_POLICIES[1:]:
        yield not_supported(f"{field}.spec.restartPolicy", spec["restartPolicy"], ("Always",))
    if "activeDeadlineSeconds" in spec:
        yield forbidden(f"{field}.spec.activeDeadlineSeconds", f"activeDeadlineSeconds in {kind} is not Supported")


def _spec(spec: Object, field: str) -> Errors:
    yield from volumes(spec.get("volumes"), f"{field}.volumes")
    yield from containers(spec, field)
    yield from one_of(f"{field}.restartPolicy", spec.get("restartPolicy"), RESTART_POLICIES)
    yield from one_of(f"{field}.dnsPolicy", spec.get("dnsPolicy"), _DNS_POLICIES)
    yield from validate_labels(spec.get("nodeSelector"), f"{field}.nodeSelector")
    yield from security.pod(spec.get("securityContext") or {}, spec, f"{field}.securityContext")
    yield from security.host_users(spec, field)
    yield from placement.affinity(spec.get("affinity") or {}, f"{field}.affinity")
    yield from _dns_config(spec, f"{field}.dnsConfig")
    yield from _gates(spec, field)
    yield from placement.spread(spec.get("topologySpreadConstraints"), f"{field}.topologySpreadConstraints")
    for name, rule in _NAMES:
        yield from follows(f"{field}.{name}", spec.get(name), rule)
    yield from within(f"{field}.activeDeadlineSeconds", spec.get("activeDeadlineSeconds"), 1, MAX_INT32)
    yield from placement.tolerations(spec.get("tolerations"), f"{field}.tolerations")
    yield from _host_aliases(spec, f"{field}.hostAliases")
    if "preemptionPolicy" in spec:
        yield from one_of(f"{field}.preemptionPolicy", spec["preemptionPolicy"], _PREEMPTION)
    yield from resources.quantities(spec.get("overhead"), f"{field}.overhead")
    yield from claims(spec, f"{field}.resourceClaims")
    yield from os(spec, field)
    if spec.get("resources"):
        yield forbidden(f"{field}.resources", _NO_POD_RESOURCES)


def _dns_config(spec: Object, field: str) -> Errors:
    config: Object = spec.get("dnsConfig") or {}
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if spec.get("dnsPolicy") == "None":
        if "dnsConfig" not in spec:
            yield required(field, "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not servers:
            why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            yield required(f"{field}.nameservers", why)
            return
    if len(servers) > _MAX_NAMESERVERS:
        yield invalid(f"{field}.nameservers", servers, f"must not have more than {_MAX_NAMESERVERS} nameservers")
    for path, server in indexed(f"{field}.nameservers", servers):
        yield from obeys(path, server, names.ip_address)
    yield from _searches(searches, f"{field}.searches")
    for path, option in indexed(f"{field}.options", config.get("options")):
        if not option.get("name"):
            yield required(path, "must not be empty")


def _searches(searches: list[str], field: str) -> Errors:
    if len(searches) > _MAX_SEARCHES:
        yield invalid(field, searches, f"must not have more than {_MAX_SEARCHES} search paths")
    if len(" ".join(searches)) > _MAX_SEARCH_TEXT:
        why = f"must not have more than {_MAX_SEARCH_TEXT} characters (including spaces) in the search list"
        yield invalid(field, searches, why)
    for path, search in indexed(field, searches):
        # A lone dot is the root; underscores are common in service names.
        plain = search.removesuffix(".").replace("_", "a")
        if search != ".":
            yield from (invalid(path, search, problem) for problem in names.dns_subdomain(plain))


def _gates(spec: Object, field: str) -> Errors:
    for path, gate in indexed(f"{field}.readinessGates", spec.get("readinessGates")):
        condition = gate.get("conditionType") or ""
        yield from obeys(f"{path}.conditionType", condition, names.qualified_name)
    for path, gate in indexed(f"{field}.schedulingGates", spec.get("schedulingGates")):
        yield from obeys(path, gate.get("name") or "", names.qualified_name)
    gates = indexed(f"{field}.schedulingGates", spec.get("schedulingGates"))
    yield from unique((path, gate.get("name")) for path, gate in gates)


def _host_aliases(spec: Object, field: str) -> Errors:
    for path, alias in indexed(field, spec.get("hostAliases")):
        ip = alias.get("ip") or ""
        yield from obeys(f"{path}.ip", ip, names.ip_address)
        for host_path, host in indexed(f"{path}.hostnames", alias.get("hostnames")):
            yield from obeys(host_path, host, names.dns_subdomain)


def _host_network(spec: Object, field: str, *, template: bool) -> Errors:
    """On the node's network a container's port is the node's. A template may leave the node's port out."""
    if not spec.get("hostNetwork"):
        return
    for path, container in indexed(f"{field}.containers", spec.get("containers")):
        for port_path, port in indexed(f"{path}.ports", container.get("ports")):
            host = port.get("hostPort") or 0
            if host != (port.get("containerPort") or 0) and not (template and host == 0):
                why = "must match `containerPort` when `hostNetwork` is true"
                yield invalid(f"{port_path}.hostPort", host, why)
