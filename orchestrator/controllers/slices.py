"""A set of EndpointSlices, changed as little as possible. Pure.

Every proxy watches all slices, so a change of one pod should change one small object: endpoints stay in the slice
where they are, newcomers go where something is being written anyway, and slices are never repacked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.api.meta import Object, labels
from orchestrator.controllers.endpoint import Port

#: Endpoints a slice holds at most.
CAPACITY = 100
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"

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


def reconcile(
    model: Object, wanted: Mapping[Ports, Sequence[Object]], slices: Sequence[Object], *, never_none: bool
) -> Plan:
    """Make `slices` hold exactly the `wanted` endpoints, by the ports they have in common.

    `model` is what all slices share: an EndpointSlice without ports and endpoints. With `never_none` one empty slice
    stands for no endpoints at all.
    """
    existing: dict[Ports, list[Object]] = {}
    for current in slices:
        existing.setdefault(_ports(current), []).append(current)
    result = Plan()
    for ports in [*wanted, *(ports for ports in existing if ports not in wanted)]:
        _reconcile_group(model, ports, wanted.get(ports, ()), existing.get(ports, ()), result)
    if never_none and not result.create and len(result.delete) == len(slices):
        result.create.append(_with_content(model, (), []))
    _recycle(result)
    return result


def _ports(current: Object) -> Ports:
    found = (
        Port(p.get("name") or "", int(p.get("port") or 0), p.get("protocol") or "TCP", p.get("appProtocol") or "")
        for p in current.get("ports") or []
    )
    return tuple(sorted(found))


def _reconcile_group(
    model: Object, ports: Ports, wanted: Iterable[Object], existing: Iterable[Object], result: Plan
) -> None:
    missing = {_identity(entry): entry for entry in wanted}
    group = [_kept(model, current, missing) for current in existing]
    _place(list(missing.values()), group)
    for part in group:
        if part.current is None:
            result.create.append(_with_content(model, ports, part.endpoints))
        elif not part.endpoints:
            result.delete.append(part.current)
        elif part.changed:
            result.update.append(_over(part.current, _with_content(model, ports, part.endpoints)))


def _identity(entry: Object) -> str:
    """The pod's uid; an address that is no pod's stands for itself."""
    return str((entry.get("targetRef") or {}).get("uid") or ",".join(entry.get("addresses") or []))


def _kept(model: Object, current: Object, missing: dict[str, Object]) -> _Slice:
    """What stays of a slice, each entry as it is now wanted; takes what it has out of `missing`."""
    before = current.get("endpoints") or []
    after = [missing.pop(identity) for entry in before if (identity := _identity(entry)) in missing]
    return _Slice(current, after, changed=after != before or labels(model) != labels(current))


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
        if not _same(fresh, gone):
            result.update.append(_over(gone, fresh))
    recycled = min(len(result.create), len(result.delete))
    del result.create[:recycled], result.delete[:recycled]


def _same(one: Object, other: Object) -> bool:
    lists = ("ports", "endpoints")
    return labels(one) == labels(other) and all((one.get(f) or []) == (other.get(f) or []) for f in lists)


def _with_content(model: Object, ports: Ports, entries: list[Object]) -> Object:
    return {**model, "ports": [port.as_object() for port in ports], "endpoints": entries}


def _over(current: Object, fresh: Object) -> Object:
    """`fresh`, to be written over `current`."""
    return {**current, **fresh, "metadata": {**current["metadata"], "labels": labels(fresh)}}
