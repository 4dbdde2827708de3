"""The objects every cluster begins with. Run at each start: what is there already is left, what is stale is mended."""

from __future__ import annotations

import ipaddress
import socket

from orchestrator.api.builtin import ENDPOINT_SLICE, ENDPOINTS, NAMESPACE, SERVICE
from orchestrator.api.errors import NotFound
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name, namespace
from orchestrator.api.request import Request, User
from orchestrator.server.resources import Resources
from orchestrator.util.settings import Settings

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
#: Who the API server is when it writes on its own account.
APISERVER = User("system:apiserver", ("system:masters", "system:authenticated"))


def bootstrap(resources: Resources, settings: Settings) -> None:
    """The namespaces, and the Service `kubernetes` with this server behind it."""
    for each in NAMESPACES:
        _ensure(resources, NAMESPACE, {"metadata": {"name": each}})
    _ensure(resources, SERVICE, _service(settings))
    _replace(resources, ENDPOINTS, _endpoints(settings))
    _replace(resources, ENDPOINT_SLICE, _slice(settings))


def _ensure(resources: Resources, kind: Kind, obj: Object) -> bool:
    """Create the object; False when it was there."""
    try:
        resources.handle(Request("get", kind, namespace(obj), name(obj)), APISERVER)
        return False
    except NotFound:
        resources.handle(Request("create", kind, namespace(obj), body=obj), APISERVER)
        return True


def _replace(resources: Resources, kind: Kind, obj: Object) -> None:
    if not _ensure(resources, kind, obj):
        resources.handle(Request("update", kind, namespace(obj), name(obj), body=obj), APISERVER)


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
