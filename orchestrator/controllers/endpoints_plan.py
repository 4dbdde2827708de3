"""The Endpoints object of a Service. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.api.meta import Object, labels, name, namespace
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.controllers.endpoint import HEADLESS_LABEL, Endpoint, Port, is_headless, publishes_unready

#: Endpoints hold no more addresses than this; the annotation then says so.
CAPACITY = 1000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MANAGED_BY = "endpoints.kubernetes.io/managed-by"


def wanted(service: Object, endpoints: Sequence[Endpoint], current: Object | None) -> Object:
    """The Endpoints as they should be; labels and annotations that others put on the current ones stay."""
    listed = [endpoint for endpoint in endpoints if not endpoint.terminating or publishes_unready(service)]
    kept = sorted(listed, key=lambda endpoint: not endpoint.ready)[:CAPACITY]
    marks = {MANAGED_BY: "endpoint-controller"} | ({HEADLESS_LABEL: ""} if is_headless(service) else {})
    obj: Object = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {**((current or {}).get("metadata") or {}), "name": name(service), "namespace": namespace(service)},
    }
    meta = obj["metadata"]
    meta["labels"] = {**labels(service), **marks}
    notes = {key: value for key, value in annotations_of(current or {}).items() if key != OVER_CAPACITY}
    if len(kept) < len(listed):
        notes[OVER_CAPACITY] = "truncated"
    meta.pop("annotations", None)
    if notes:
        meta["annotations"] = notes
    if subsets := _subsets(service, kept):
        obj["subsets"] = subsets
    return obj


def _subsets(service: Object, endpoints: Iterable[Endpoint]) -> list[Object]:
    """Addresses that have the same ports share a subset, and ports that have the same addresses do."""
    members: dict[Port | None, list[Endpoint]] = {}
    for endpoint in endpoints:
        # A headless Service may have no ports at all: then the addresses alone count.
        for port in endpoint.ports or ((None,) if is_headless(service) else ()):
            members.setdefault(port, []).append(endpoint)
    groups: dict[tuple[Endpoint, ...], list[Port]] = {}
    for port, having in members.items():
        group = groups.setdefault(tuple(sorted(having, key=lambda endpoint: (endpoint.ip, endpoint.uid))), [])
        group += [port] if port else []
    ordered = sorted(((sorted(ports), having) for having, ports in groups.items()), key=lambda group: group[0])
    return [_subset(having, ports) for ports, having in ordered]


def _subset(endpoints: Iterable[Endpoint], ports: Iterable[Port]) -> Object:
    fields: tuple[tuple[str, list[Object]], ...] = (
        ("addresses", [_address(endpoint) for endpoint in endpoints if endpoint.ready]),
        ("notReadyAddresses", [_address(endpoint) for endpoint in endpoints if not endpoint.ready]),
        ("ports", [_port(port) for port in ports]),
    )
    return {field: content for field, content in fields if content}


def _address(endpoint: Endpoint) -> Object:
    address: Object = {"ip": endpoint.ip}
    address |= {"hostname": endpoint.hostname} if endpoint.hostname else {}
    address |= {"nodeName": endpoint.node} if endpoint.node else {}
    return address | {"targetRef": endpoint.target}


def _port(port: Port) -> Object:
    described = port.as_object()
    if not port.name:
        del described["name"]
    return described


def is_current(wanted: Object, current: Object) -> bool:
    """True when writing would change nothing."""
    same = (wanted.get("subsets") or []) == (current.get("subsets") or [])
    return same and labels(wanted) == labels(current) and annotations_of(wanted) == annotations_of(current)
