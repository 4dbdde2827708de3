"""Services and EndpointSlices as the API server gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.proxy.table import SERVICE_NAME
from orchestrator.api.meta import Object

HTTP: Object = {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}


def service(name: str = "web", ip: str = "10.96.0.20", ports: Sequence[Object] = (HTTP,), **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
        "spec": {"type": "ClusterIP", "clusterIP": ip, "ports": list(ports), **spec},
        "status": {},
    }


def endpoint(ip: str, *, ready: bool | None = True, node: str = "", hostname: str = "", **conditions: bool) -> Object:
    made: Object = {"addresses": [ip], "conditions": conditions}
    if ready is not None:
        made["conditions"] = {"ready": ready, **conditions}
    if node:
        made["nodeName"] = node
    if hostname:
        made["hostname"] = hostname
    return made


def endpoint_slice(
    *endpoints: Object, service: str = "web", port: int = 8080, name: str = "http", protocol: str = "TCP"
) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {"name": f"{service}-{port}", "namespace": "default", "labels": {SERVICE_NAME: service}},
        "ports": [{"name": name, "port": port, "protocol": protocol}],
        "endpoints": list(endpoints),
    }
