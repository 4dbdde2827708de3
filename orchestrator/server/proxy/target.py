"""Where a proxied request goes: to a port of a pod, or of a node. Sentences as Kubernetes has them."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.api.errors import ApiError, BadRequest, NotFound, ServiceUnavailable
from orchestrator.api.groups.core import ENDPOINTS, NODE, POD, SERVICE
from orchestrator.api.meta import Object, name, namespace, spec, status
from orchestrator.api.request import Request
from orchestrator.server.agents import endpoint
from orchestrator.server.backend import Backend
from orchestrator.server.container_choice import check_assigned
from orchestrator.server.podlogs import node_of
from orchestrator.server.proxy.names import ProxyName, port_number, split

_DEFAULT_PORTS = {"": 80, "http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class PodPort:
    """A port of a pod, reached through the agent of its node."""

    node: Object
    namespace: str
    pod: str
    address: str
    port: int
    tls: bool

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class AgentServer:
    """The server of a node's agent."""

    node: Object

    @property
    def host(self) -> str:
        address, port = endpoint(self.node)
        return f"{address}:{port}"


@dataclass(frozen=True, slots=True)
class NodePort:
    """Another port of a node."""

    address: str
    port: int
    tls: bool

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"


Target = PodPort | AgentServer | NodePort


def find_target(backend: Backend, request: Request) -> Target:
    """Raises NotFound, BadRequest, ServiceUnavailable."""
    wanted = split(request.name)
    if wanted is None:
        raise BadRequest(f'invalid {request.kind.singular} request "{request.name}"')
    if request.kind is NODE:
        return _node(backend, wanted)
    if request.kind is SERVICE:
        return _service(backend, request, wanted)
    return _pod(backend, request, wanted)


def _pod(backend: Backend, request: Request, wanted: ProxyName) -> PodPort:
    pod = backend.entry(POD, request.namespace, wanted.name).object()
    port = port_number(wanted.port) if wanted.port else _first_port(pod) or _DEFAULT_PORTS[wanted.scheme]
    if port is None:
        raise BadRequest(f'invalid pod request "{request.name}"')
    return _pod_port(backend, pod, port, wanted.scheme)


def _pod_port(backend: Backend, pod: Object, port: int, scheme: str) -> PodPort:
    check_assigned(pod)
    address = str(status(pod).get("podIP") or "")
    _check_address(address)
    return PodPort(node_of(backend, pod), namespace(pod), name(pod), address, port, tls=scheme == "https")


def _first_port(pod: Object) -> int | None:
    ports = (port["containerPort"] for container in spec(pod)["containers"] for port in container.get("ports") or [])
    return next(ports, None)


def _service(backend: Backend, request: Request, wanted: ProxyName) -> PodPort:
    """A ready pod of the service, any of them. An endpoint that is no pod is no target: it may be anything."""
    service = backend.entry(SERVICE, request.namespace, wanted.name).object()
    port_name = _port_name(service, wanted.port)
    try:
        subsets = backend.entry(ENDPOINTS, request.namespace, wanted.name).object().get("subsets") or []
    except NotFound:
        subsets = []
    for pod_name, port in _shuffled(list(_ready_pods(subsets, request.namespace, port_name)), backend.rng):
        try:
            pod = backend.entry(POD, request.namespace, pod_name).object()
            return _pod_port(backend, pod, port, wanted.scheme)
        except ApiError:
            continue  # it went since the endpoints were written
    raise ServiceUnavailable(f'no endpoints available for service "{request.name if subsets else wanted.name}"')


def _port_name(service: Object, port: str) -> str:
    """The name of the service's port that is named by its number, or already by its name."""
    number = port_number(port)
    if number is None:
        return port
    for entry in spec(service).get("ports") or []:
        if entry["port"] == number:
            return str(entry.get("name") or "")
    raise ServiceUnavailable(f'no service port {number} found for service "{name(service)}"')


def _ready_pods(subsets: list[Object], namespace: str, port_name: str) -> Iterator[tuple[str, int]]:
    """Names of pods, each with the number of the port there."""
    for subset in subsets:
        for port in subset.get("ports") or []:
            if (port.get("name") or "") == port_name:
                for address in subset.get("addresses") or []:
                    pod = address.get("targetRef") or {}
                    if pod.get("kind") == POD.kind and pod.get("namespace", namespace) == namespace:
                        yield pod["name"], port["port"]


def _shuffled(found: list[tuple[str, int]], rng: random.Random) -> list[tuple[str, int]]:
    return rng.sample(found, len(found))


def _node(backend: Backend, wanted: ProxyName) -> AgentServer | NodePort:
    node = backend.entry(NODE, "", wanted.name).object()
    address, own_port = endpoint(node)
    if wanted.port in ("", str(own_port)):
        return AgentServer(node)
    port = port_number(wanted.port)
    if port is None:
        raise BadRequest(f'invalid node request "{wanted.name}:{wanted.port}"')
    _check_address(address)
    return NodePort(address, port, tls=wanted.scheme == "https")


def _check_address(address: str) -> None:
    """Raises BadRequest for an address at which the API server would find itself, or nobody."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise BadRequest("address not allowed") from None
    if parsed.is_loopback or parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified:
        raise BadRequest("address not allowed")
