"""Node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.api.errors import FieldError, forbidden
from orchestrator.api.meta import Object, condition, labels, name, spec, status
from orchestrator.api.podspec.placement import taints
from orchestrator.api.podspec.resources import quantities
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created, or_none, wide

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE = "kubernetes.io/role"
#: What an agent says once.
_SET_ONCE = ("podCIDR", "providerID")
_AMOUNTS = ("capacity", "allocatable")


class NodeStrategy(Strategy):
    columns = (
        NAME,
        Column("Status"),
        Column("Roles"),
        AGE,
        Column("Version"),
        wide("Internal-IP"),
        wide("External-IP"),
        wide("OS-Image"),
        wide("Kernel-Version"),
        wide("Container-Runtime"),
    )
    selectable = frozenset({"spec.unschedulable"})

    def default(self, obj: Object) -> None:
        """What can be allocated is all there is, unless the agent says otherwise."""
        state = status(obj)
        if state.get("capacity") and not state.get("allocatable"):
            state["allocatable"] = dict(state["capacity"])

    def validate(self, obj: Object) -> list[FieldError]:
        return [
            *taints(spec(obj).get("taints"), "spec.taints"),
            *(error for field in _AMOUNTS for error in quantities(status(obj).get(field), f"status.{field}")),
        ]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        changed = [field for field in _SET_ONCE if spec(old).get(field) not in (None, "", spec(new).get(field))]
        why = 'node updates may not change {} except from "" to valid'
        return [forbidden(f"spec.{field}", why.format(field)) for field in changed]

    def fields(self, obj: Object) -> Mapping[str, str]:
        return {"spec.unschedulable": "true" if spec(obj).get("unschedulable") else "false"}

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        info = status(obj).get("nodeInfo") or {}
        return (
            name(obj),
            _state(obj),
            or_none(",".join(_roles(obj))),
            created(obj, now),
            info.get("kubeletVersion") or "",
            or_none(_address(obj, "InternalIP")),
            or_none(_address(obj, "ExternalIP")),
            info.get("osImage") or "<unknown>",
            info.get("kernelVersion") or "<unknown>",
            info.get("containerRuntimeVersion") or "<unknown>",
        )


def _state(node: Object) -> str:
    ready = condition(node, "Ready")
    state = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{state},SchedulingDisabled" if spec(node).get("unschedulable") else state


def _roles(node: Object) -> list[str]:
    """`node-role.kubernetes.io/worker` or `kubernetes.io/role: worker`."""
    prefixed = {key.removeprefix(_ROLE_PREFIX) for key in labels(node) if key.startswith(_ROLE_PREFIX)}
    return sorted((prefixed | {labels(node).get(_ROLE, "")}) - {""})


def _address(node: Object, kind: str) -> str:
    addresses = status(node).get("addresses") or []
    return next((str(address.get("address")) for address in addresses if address.get("type") == kind), "")
