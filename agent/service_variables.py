"""The environment variables that tell a pod of the services there are (pure).

`NAME_SERVICE_HOST` and `NAME_SERVICE_PORT[_PORTNAME]` are Kubernetes'; the `NAME_PORT...` ones those of Docker's links.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.api.meta import Object, name, spec

_HEADLESS = ("", "None")


def service_variables(services: Iterable[Object]) -> dict[str, str]:
    values: dict[str, str] = {}
    for service in services:
        address = spec(service).get("clusterIP") or ""
        ports = spec(service).get("ports") or []
        if address not in _HEADLESS and ports:
            prefix = _variable(name(service))
            values |= _kubernetes_style(prefix, address, ports) | _link_style(prefix, address, ports)
    return values


def _kubernetes_style(prefix: str, address: str, ports: list[Object]) -> dict[str, str]:
    values = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    named = {
        f"{prefix}_SERVICE_PORT_{_variable(port['name'])}": str(port["port"]) for port in ports if port.get("name")
    }
    return values | named


def _link_style(prefix: str, address: str, ports: list[Object]) -> dict[str, str]:
    values = {f"{prefix}_PORT": _url(address, ports[0])}
    for port in ports:
        protocol = _protocol(port)
        start = f"{prefix}_PORT_{port['port']}_{protocol.upper()}"
        values |= {
            start: _url(address, port),
            f"{start}_PROTO": protocol,
            f"{start}_PORT": str(port["port"]),
            f"{start}_ADDR": address,
        }
    return values


def _url(address: str, port: Object) -> str:
    return f"{_protocol(port)}://{address}:{port['port']}"


def _protocol(port: Object) -> str:
    return str(port.get("protocol") or "TCP").lower()


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")
