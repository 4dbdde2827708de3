"""Environment variables, and the fields that they and downward API volumes may show."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestrator.api import names, quantity
from orchestrator.api.checks import Errors, follows, indexed, named
from orchestrator.api.errors import invalid, not_supported, required
from orchestrator.api.meta import Object

_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
_SUBSCRIPT = re.compile(r"(metadata\.(?:labels|annotations))\['([^']*)'\]")
_SIZES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_ONE_SOURCE = "may not have more than one field specified at a time"
_SOURCES = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"


def variables(env: Sequence[Object] | None, field: str) -> Errors:
    for path, variable in indexed(field, env):
        yield from named(f"{path}.name", variable.get("name"), names.env_name)
        if "valueFrom" in variable:
            yield from _source(variable["valueFrom"], variable.get("value") or "", f"{path}.valueFrom")


def sources(env_from: Sequence[Object] | None, field: str) -> Errors:
    """The rules of `envFrom`."""
    for path, source in indexed(field, env_from):
        yield from follows(f"{path}.prefix", source.get("prefix"), names.env_name)
        given = [kind for kind in ("configMapRef", "secretRef") if kind in source]
        for kind in given:
            yield from named(f"{path}.{kind}.name", source[kind].get("name"), names.dns_subdomain)
        if len(given) != 1:
            yield invalid(field, "", _ONE_SOURCE if given else "must specify one of: `configMapRef` or `secretRef`")


def field_ref(reference: Object, field: str, supported: Sequence[str] = _FIELDS) -> Errors:
    """The rules of an ObjectFieldSelector; `supported` are the paths that may be shown there."""
    path, version = reference.get("fieldPath") or "", reference.get("apiVersion") or "v1"
    if version != "v1":
        yield invalid(f"{field}.fieldPath", path, f"error converting fieldPath: unsupported pod version: {version}")
    elif not path:
        yield required(f"{field}.fieldPath")
    elif subscript := _SUBSCRIPT.fullmatch(path):
        of, key = subscript.groups()
        name = key.lower() if of == "metadata.annotations" else key
        yield from (invalid(field, key, problem) for problem in names.qualified_name(name))
    elif path not in supported:
        yield not_supported(f"{field}.fieldPath", path, supported)


def resource_ref(reference: Object, field: str, *, container_needed: bool = False) -> Errors:
    """The rules of a ResourceFieldSelector; in a volume it must name its container."""
    resource = reference.get("resource") or ""
    if container_needed and not reference.get("containerName"):
        yield required(f"{field}.containerName")
    elif not resource:
        yield required(f"{field}.resource")
    elif resource not in _RESOURCES and not resource.startswith(("limits.hugepages-", "requests.hugepages-")):
        yield not_supported(f"{field}.resource", resource, _RESOURCES)
    yield from _divisor(resource, reference.get("divisor") or "0", f"{field}.divisor")


def _divisor(resource: str, divisor: str, field: str) -> Errors:
    name = resource.partition(".")[2]
    allowed = ("1m", "1") if name == "cpu" else _SIZES
    if quantity.parse(divisor) != 0 and divisor not in allowed:
        why = "1m and 1" if name == "cpu" else ", ".join(allowed)
        yield invalid(field, divisor, f"only divisor's values {why} are supported with the {name} resource")


def _source(source: Object, value: str, field: str) -> Errors:
    given = 0
    if "fieldRef" in source:
        given += 1
        yield from field_ref(source["fieldRef"], f"{field}.fieldRef")
    if "resourceFieldRef" in source:
        given += 1
        yield from resource_ref(source["resourceFieldRef"], f"{field}.resourceFieldRef")
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if kind in source:
            given += 1
            yield from _key_ref(source[kind], f"{field}.{kind}")
    if not given:
        yield invalid(field, "", _SOURCES)
    elif value:
        yield invalid(field, "", "may not be specified when `value` is not empty")
    elif given > 1:
        yield invalid(field, "", _ONE_SOURCE)


def _key_ref(reference: Object, field: str) -> Errors:
    yield from named(f"{field}.name", reference.get("name"), names.dns_subdomain)
    yield from named(f"{field}.key", reference.get("key"), names.config_key)
