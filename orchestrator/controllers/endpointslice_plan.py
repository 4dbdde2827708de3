"""The EndpointSlices of a Service, changed as little as possible. Pure.

Every proxy watches all slices, so a change of one pod should change one small object: endpoints stay in the slice
where they are, newcomers go where something is being written anyway, and slices are never repacked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.api.meta import Object, labels, name, namespace, owner_reference
from orchestrator.controllers.endpoint import HEADLESS_LABEL, Endpoint, Port, is_headless

#: Endpoints a slice holds at most.
CAPACITY = 100
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"

Ports = tuple[Port, ...]


@dataclass(slots=True)
class Plan:
    create: list[Object] = field(default_factory=list)
    update: list[Object] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)


@dataclass(slots=True)
class _Slice:
    """`current` is the slice as it is, None for a new one; `endpoints` what it should hold."""

    current: Object | None
    endpoints: list[Object]
    changed: bool

    @property
    def room(self) -> int:
        return CAPACITY - len(self.endpoints)


def plan(service: Object, endpoints: Sequence[Endpoint], slices: Iterable[Object]) -> Plan:
    """`slices` are those this controller manages for the Service."""
    wanted: dict[Ports, dict[str, Object]] = {}
    for endpoint in endpoints:
        wanted.setdefault(tuple(sorted(endpoint.ports)), {})[endpoint.uid] = _entry(endpoint)
    existing: dict[Ports, list[Object]] = {}
    for current in slices:
        existing.setdefault(_ports_of(current), []).append(current)
    result = Plan()
    for ports in [*wanted, *(ports for ports in existing if ports not in wanted)]:
        _reconcile(service, ports, wanted.get(ports, {}), existing.get(ports, []), result)
    if not result.create and len(result.delete) == sum(map(len, existing.values())):
        # A Service always has a slice: so "no endpoints" can be told from "not looked yet".
        result.create.append(_new_slice(service, (), []))
    _recycle(result)
    return result


def _entry(endpoint: Endpoint) -> Object:
    conditions = {"ready": endpoint.ready, "serving": endpoint.serving, "terminating": endpoint.terminating}
    entry: Object = {"addresses": [endpoint.ip], "conditions": conditions}
    entry |= {"hostname": endpoint.hostname} if endpoint.hostname else {}
    entry |= {"nodeName": endpoint.node} if endpoint.node else {}
    return entry | {"targetRef": endpoint.target}


def _ports_of(current: Object) -> Ports:
    found = (
        Port(p.get("name") or "", int(p.get("port") or 0), p.get("protocol") or "TCP", p.get("appProtocol") or "")
        for p in current.get("ports") or []
    )
    return tuple(sorted(found))


def _reconcile(
    service: Object, ports: Ports, wanted: dict[str, Object], existing: Sequence[Object], result: Plan
) -> None:
    """Make the slices of one set of ports hold exactly `wanted` ({pod uid: entry})."""
    missing = dict(wanted)
    group = [_kept(service, current, missing) for current in existing]
    _place(list(missing.values()), group)
    for part in group:
        if part.current is None:
            result.create.append(_new_slice(service, ports, part.endpoints))
        elif not part.endpoints:
            result.delete.append(part.current)
        elif part.changed:
            result.update.append(_updated(service, part.current, part.endpoints))


def _kept(service: Object, current: Object, missing: dict[str, Object]) -> _Slice:
    """What stays of a slice, each entry as it is now wanted; takes what it has out of `missing`."""
    before = current.get("endpoints") or []
    after = [missing.pop(uid) for entry in before if (uid := _uid(entry)) in missing]
    return _Slice(current, after, changed=after != before or _labels(service) != labels(current))


def _uid(entry: Object) -> str:
    return str((entry.get("targetRef") or {}).get("uid") or "")


def _place(missing: list[Object], group: list[_Slice]) -> None:
    """First into slices that are written anyway, the fullest first; then, if all the rest fits into one other slice,
    into the fullest that has the room; else into new ones."""
    for part in sorted((part for part in group if part.changed), key=lambda part: part.room):
        taken, missing = missing[: part.room], missing[part.room :]
        part.endpoints += taken
    roomy = [part for part in group if not part.changed and part.room >= len(missing)]
    if missing and roomy:
        part = min(roomy, key=lambda part: part.room)
        part.endpoints += missing
        part.changed = True
        return
    starts = range(0, len(missing), CAPACITY)
    group += [_Slice(None, missing[start : start + CAPACITY], changed=True) for start in starts]


def _recycle(result: Plan) -> None:
    """One write for two: what would be created takes the place of what would be deleted."""
    for fresh, gone in zip(result.create, result.delete, strict=False):
        reused = {**gone, **fresh, "metadata": {**gone["metadata"], "labels": labels(fresh)}}
        if not _same(reused, gone):
            result.update.append(reused)
    recycled = min(len(result.create), len(result.delete))
    del result.create[:recycled], result.delete[:recycled]


def _same(one: Object, other: Object) -> bool:
    lists = ("ports", "endpoints")
    return labels(one) == labels(other) and all((one.get(f) or []) == (other.get(f) or []) for f in lists)


def _labels(service: Object) -> dict[str, str]:
    marks = {SERVICE_NAME: name(service), MANAGED_BY: MANAGER}
    own = {key: value for key, value in labels(service).items() if key != HEADLESS_LABEL}
    return own | marks | ({HEADLESS_LABEL: ""} if is_headless(service) else {})


def _new_slice(service: Object, ports: Ports, entries: list[Object]) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name(service)}-",
            "namespace": namespace(service),
            "labels": _labels(service),
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "ports": [port.as_object() for port in ports],
        "endpoints": entries,
    }


def _updated(service: Object, current: Object, entries: list[Object]) -> Object:
    return {**current, "metadata": {**current["metadata"], "labels": _labels(service)}, "endpoints": entries}
