"""Discovery: which groups, versions, kinds and verbs are served. In the legacy form and in the aggregated one.

Made from the kinds table alone. Functions that are asked for something that is not served return None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.api.kinds import Kind, Kinds
from orchestrator.api.meta import Object

_READ_WRITE = ("get", "patch", "update")
_PROXY = ("create", "delete", "get", "patch", "update")
_STREAM = ("create", "get")


@dataclass(frozen=True, slots=True)
class Subresource:
    """What a subresource speaks: its verbs, and its kind where that is not its resource's. `{}` in the kind stands
    for the resource's kind."""

    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""
    kind: str = ""


_SUBRESOURCES = {
    "status": Subresource(_READ_WRITE),
    "scale": Subresource(_READ_WRITE, "autoscaling", "v1", "Scale"),
    "finalize": Subresource(("update",)),
    "approval": Subresource(_READ_WRITE),
    "ephemeralcontainers": Subresource(_READ_WRITE),
    "resize": Subresource(_READ_WRITE),
    "log": Subresource(("get",)),
    "binding": Subresource(("create",), "", "v1", "Binding"),
    "eviction": Subresource(("create",), "policy", "v1", "Eviction"),
    "token": Subresource(("create",), "authentication.k8s.io", "v1", "TokenRequest"),
    "exec": Subresource(_STREAM, "", "v1", "PodExecOptions"),
    "attach": Subresource(_STREAM, "", "v1", "PodAttachOptions"),
    "portforward": Subresource(_STREAM, "", "v1", "PodPortForwardOptions"),
    "proxy": Subresource(_PROXY, "", "v1", "{}ProxyOptions"),
}


def subresource(kind: Kind, name: str) -> Subresource:
    """The subresource with the group, version and kind of what it speaks filled in. Raises KeyError."""
    entry = _SUBRESOURCES[name]
    if not entry.kind:
        return Subresource(entry.verbs, kind.group, kind.version, kind.kind)
    return Subresource(entry.verbs, entry.group, entry.version, entry.kind.format(kind.kind))


# --- the legacy form ----------------------------------------------------------------------------------------------


def api_versions(address: str) -> Object:
    """/api. `address` is the server's HOST:PORT."""
    client = {"clientCIDR": "0.0.0.0/0", "serverAddress": address}
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [client]}


def group_list(kinds: Kinds) -> Object:
    """/apis."""
    groups = [_group(name, versions) for name, versions in _groups(kinds).items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(kinds: Kinds, name: str) -> Object | None:
    """/apis/NAME."""
    versions = _groups(kinds).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if name and versions else None


def _group(name: str, versions: Iterable[str]) -> Object:
    served = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": served, "preferredVersion": served[0]}


def resource_list(kinds: Kinds, group: str, version: str) -> Object | None:
    """/api/VERSION (group "") and /apis/GROUP/VERSION."""
    served = in_version(kinds, group, version)
    if not served:
        return None
    resources = [entry for kind in served for entry in (_resource(kind), *_resource_subresources(kind))]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": served[0].api_version,
        "resources": resources,
    }


def _resource(kind: Kind) -> Object:
    resource: Object = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    return resource | _names(kind)


def _resource_subresources(kind: Kind) -> list[Object]:
    found = []
    for name in kind.subresources:
        speaks = subresource(kind, name)
        entry: Object = {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced}
        if (speaks.group, speaks.version) != (kind.group, kind.version):
            entry |= {"group": speaks.group, "version": speaks.version}
        found.append(entry | {"kind": speaks.kind, "verbs": list(speaks.verbs)})
    return found


# --- the aggregated form ------------------------------------------------------------------------------------------


def aggregated(kinds: Kinds, *, core: bool, version: str = "v2") -> Object:
    """/api (`core`) or /apis as one APIGroupDiscoveryList of `apidiscovery.k8s.io/VERSION` (v2, v2beta1)."""
    items = [_discovery(kinds, name, versions) for name, versions in _groups(kinds).items() if (not name) == core]
    api_version = f"apidiscovery.k8s.io/{version}"
    return {"kind": "APIGroupDiscoveryList", "apiVersion": api_version, "metadata": {}, "items": items}


def _discovery(kinds: Kinds, group: str, versions: Iterable[str]) -> Object:
    served = [
        {
            "version": version,
            "resources": [_resource_discovery(kind) for kind in in_version(kinds, group, version)],
            "freshness": "Current",
        }
        for version in versions
    ]
    return {"metadata": {"name": group} if group else {}, "versions": served}


def _resource_discovery(kind: Kind) -> Object:
    resource: Object = {
        "resource": kind.plural,
        "responseKind": _response_kind(kind.group, kind.version, kind.kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
        **_names(kind),
    }
    if kind.subresources:
        resource["subresources"] = [_subresource_discovery(kind, name) for name in kind.subresources]
    return resource


def _subresource_discovery(kind: Kind, name: str) -> Object:
    speaks = subresource(kind, name)
    response = _response_kind(speaks.group, speaks.version, speaks.kind)
    return {"subresource": name, "responseKind": response, "verbs": list(speaks.verbs)}


def _response_kind(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}


# --- both ---------------------------------------------------------------------------------------------------------


def _names(kind: Kind) -> Object:
    names = {"shortNames": list(kind.short_names), "categories": list(kind.categories)}
    return {key: value for key, value in names.items() if value}


def _groups(kinds: Kinds) -> dict[str, list[str]]:
    """Group -> its versions, the preferred one first; groups in the order of the table."""
    found: dict[str, set[str]] = {}
    for kind in kinds:
        found.setdefault(kind.group, set()).add(kind.version)
    return {name: sorted(versions, key=_priority) for name, versions in found.items()}


def _priority(version: str) -> tuple[int, int, int]:
    """Kubernetes' order of versions: v2, v1, v1beta2, v1beta1, v1alpha1."""
    match = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if match is None:
        return (3, 0, 0)
    major, stage, minor = match.groups()
    return ({None: 0, "beta": 1, "alpha": 2}[stage], -int(major), -int(minor or 0))


def in_version(kinds: Kinds, group: str, version: str) -> list[Kind]:
    """The kinds of one group-version, by plural."""
    served = [kind for kind in kinds if (kind.group, kind.version) == (group, version)]
    return sorted(served, key=lambda kind: kind.plural)
