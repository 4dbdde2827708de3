"""The endpoints of a Service: which of its pods, under which addresses and ports, in which state. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.api.meta import Object, is_deleting, labels, name, namespace, spec, status, uid
from orchestrator.api.pods import containers, init_containers, is_ready, is_sidecar, is_terminal

HEADLESS_LABEL = "service.kubernetes.io/headless"


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """A port that the pod listens on; `name` is the Service port's, "" for the only one."""

    name: str
    port: int
    protocol: str
    app_protocol: str = ""

    def as_object(self) -> Object:
        described: Object = {"name": self.name, "port": self.port, "protocol": self.protocol}
        return described | ({"appProtocol": self.app_protocol} if self.app_protocol else {})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One pod behind a Service. `ready` is what proxies ask: may it get new connections?"""

    ip: str
    ports: tuple[Port, ...]
    serving: bool
    terminating: bool
    ready: bool
    namespace: str
    pod: str
    uid: str
    node: str = ""
    hostname: str = ""

    @property
    def target(self) -> Object:
        return {"kind": "Pod", "namespace": self.namespace, "name": self.pod, "uid": self.uid}


def is_headless(service: Object) -> bool:
    return spec(service).get("clusterIP") == "None"


def has_endpoints(service: Object) -> bool:
    """False for Services that somebody else finds endpoints for: those without a selector, and ExternalName."""
    return bool(spec(service).get("selector")) and spec(service).get("type") != "ExternalName"


def selects(service: Object, pod: Object) -> bool:
    selector: dict[str, str] = spec(service).get("selector") or {}
    return has_endpoints(service) and selector.items() <= labels(pod).items()


def endpoints(service: Object, pods: Iterable[Object]) -> list[Endpoint]:
    """One for each of `pods` (all selected) that has an address and has not ended, in order of address."""
    found = [_endpoint(service, pod) for pod in pods if status(pod).get("podIP") and not is_terminal(pod)]
    return sorted(found, key=lambda endpoint: (endpoint.ip, endpoint.uid))


def _endpoint(service: Object, pod: Object) -> Endpoint:
    serving, terminating = is_ready(pod), is_deleting(pod)
    return Endpoint(
        ip=str(status(pod)["podIP"]),
        ports=ports(service, pod),
        serving=serving,
        terminating=terminating,
        ready=publishes_unready(service) or (serving and not terminating),
        namespace=namespace(pod),
        pod=name(pod),
        uid=uid(pod),
        node=str(spec(pod).get("nodeName") or ""),
        hostname=_hostname(service, pod),
    )


def publishes_unready(service: Object) -> bool:
    return bool(spec(service).get("publishNotReadyAddresses"))


def ports(service: Object, pod: Object) -> tuple[Port, ...]:
    """The Service's ports as this pod has them; a named target port that the pod lacks is left out."""
    found = ((port, _target(port, pod)) for port in spec(service).get("ports") or [])
    return tuple(
        Port(port.get("name") or "", number, port.get("protocol") or "TCP", port.get("appProtocol") or "")
        for port, number in found
        if number
    )


def _target(port: Object, pod: Object) -> int:
    """The number of the target port, 0 when the pod has none of that name."""
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    protocol = port.get("protocol") or "TCP"
    listening = [*containers(pod), *(c for c in init_containers(pod) if is_sidecar(c))]
    for container in listening:
        for declared in container.get("ports") or []:
            if declared.get("name") == target and (declared.get("protocol") or "TCP") == protocol:
                return int(declared["containerPort"])
    return 0


def _hostname(service: Object, pod: Object) -> str:
    """A pod that names the Service as its subdomain gets a DNS name of its own."""
    if spec(pod).get("subdomain") != name(service) or namespace(pod) != namespace(service):
        return ""
    return str(spec(pod).get("hostname") or "")


def facts(pod: Object) -> tuple[object, ...]:
    """What of a pod its endpoints depend on: a change of anything else needs no sync."""
    where = (status(pod).get("podIP"), spec(pod).get("nodeName"), spec(pod).get("hostname"), labels(pod))
    return (*where, is_ready(pod), is_deleting(pod), is_terminal(pod), uid(pod))
