"""The objects every cluster begins with. Run at each start: what is there already is left, what is stale is mended."""

from __future__ import annotations

import ipaddress
import socket
from typing import Literal

from orchestrator.api.access import AUTHENTICATED, MASTERS
from orchestrator.api.claims import LOCAL
from orchestrator.api.errors import NotFound
from orchestrator.api.groups.core import ENDPOINTS, NAMESPACE, SERVICE
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.api.groups.rbac import CLUSTER_ROLE, CLUSTER_ROLE_BINDING
from orchestrator.api.groups.scheduling import PRIORITY_CLASS
from orchestrator.api.groups.storage import STORAGE_CLASS
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name, namespace
from orchestrator.api.request import Request, User
from orchestrator.api.strategies.priorityclass import SYSTEM_CLASSES
from orchestrator.api.strategies.storageclass import DEFAULT_CLASS
from orchestrator.server.policy import cluster_role_bindings, cluster_roles
from orchestrator.server.policy_plan import reconciled_binding, reconciled_role
from orchestrator.server.resources import Resources
from orchestrator.server.results import Single
from orchestrator.util.settings import Settings

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
#: Who the API server is when it writes on its own account.
APISERVER = User("system:apiserver", (MASTERS, AUTHENTICATED))

#: The class of claims that name none: folders on the nodes.
_STANDARD: Object = {
    "metadata": {"name": "standard", "annotations": {DEFAULT_CLASS: "true"}},
    "provisioner": LOCAL,
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "WaitForFirstConsumer",
    "allowVolumeExpansion": True,
}


def bootstrap(resources: Resources, settings: Settings) -> None:
    """The namespaces, the roles, the system's priorities, the storage class, and the Service `kubernetes` with this
    server behind it."""
    for each in NAMESPACES:
        _ensure(resources, NAMESPACE, {"metadata": {"name": each}})
    _ensure_policy(resources)
    for priority in SYSTEM_CLASSES:
        _ensure(resources, PRIORITY_CLASS, priority)
    _ensure(resources, STORAGE_CLASS, _STANDARD)
    _ensure(resources, SERVICE, _service(settings))
    _replace(resources, ENDPOINTS, _endpoints(settings))
    _replace(resources, ENDPOINT_SLICE, _slice(settings))


def _ensure_policy(resources: Resources) -> None:
    for role in cluster_roles():
        there = _find(resources, CLUSTER_ROLE, role)
        if there is None:
            _write(resources, "create", CLUSTER_ROLE, role)
        elif new := reconciled_role(there, role):
            _write(resources, "update", CLUSTER_ROLE, new)
    for binding in cluster_role_bindings():
        there = _find(resources, CLUSTER_ROLE_BINDING, binding)
        step, new = reconciled_binding(there, binding) if there else ("create", binding)
        if step == "recreate":
            resources.handle(Request("delete", CLUSTER_ROLE_BINDING, "", name(new)), APISERVER)
        if step != "keep":
            _write(resources, "update" if step == "update" else "create", CLUSTER_ROLE_BINDING, new)


def _ensure(resources: Resources, kind: Kind, obj: Object) -> bool:
    """Create the object; False when it was there."""
    if _find(resources, kind, obj) is not None:
        return False
    _write(resources, "create", kind, obj)
    return True


def _replace(resources: Resources, kind: Kind, obj: Object) -> None:
    if not _ensure(resources, kind, obj):
        _write(resources, "update", kind, obj)


def _find(resources: Resources, kind: Kind, obj: Object) -> Object | None:
    """The object of that name, None when there is none."""
    try:
        found = resources.handle(Request("get", kind, namespace(obj), name(obj)), APISERVER)
    except NotFound:
        return None
    assert isinstance(found, Single)
    return found.object()


def _write(resources: Resources, verb: Literal["create", "update"], kind: Kind, obj: Object) -> None:
    where = name(obj) if verb == "update" else ""
    resources.handle(Request(verb, kind, namespace(obj), where, body=obj), APISERVER)


def _service(settings: Settings) -> Object:
    first = ipaddress.IPv4Network(settings.service_cidr).network_address + 1
    labels = {"component": "apiserver", "provider": "kubernetes"}
    port = {"name": "https", "protocol": "TCP", "port": 443, "targetPort": settings.api_port}
    return {
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "spec": {"type": "ClusterIP", "clusterIP": str(first), "ports": [port]},
    }


def advertised(host: str) -> str:
    """The address at which others reach a server that listens on `host`."""
    if not ipaddress.IPv4Address(host).is_unspecified:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: it only asks which of our addresses leads out (to TEST-NET-1, RFC 5737).
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"  # no network: all of the cluster is on this machine
        return str(probe.getsockname()[0])


def _endpoints(settings: Settings) -> Object:
    port = {"name": "https", "port": settings.api_port, "protocol": "TCP"}
    return {
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            # The slice below is made here; the mirroring controller must not make another.
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
        },
        "subsets": [{"addresses": [{"ip": advertised(settings.api_host)}], "ports": [port]}],
    }


def _slice(settings: Settings) -> Object:
    labels = {"kubernetes.io/service-name": "kubernetes"}
    return {
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [advertised(settings.api_host)], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": settings.api_port, "protocol": "TCP"}],
    }
