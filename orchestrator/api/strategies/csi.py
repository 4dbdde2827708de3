"""CSIDriver, CSINode, CSIStorageCapacity: what storage drivers say of themselves.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/storage/validation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import names
from orchestrator.api.checks import IMMUTABLE, Errors, indexed, named, not_negative, obeys, one_of, unchanged, unique
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, duplicate, invalid, required
from orchestrator.api.meta import Object, name, spec
from orchestrator.api.podspec.resources import amount
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created, or_none
from orchestrator.api.strategies.storage import UNSET
from orchestrator.api.validation import validate_selector

_DRIVER = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "storageCapacity": False,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "requiresRepublish": False,
    "seLinuxMount": False,
}
_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLES = ("Persistent", "Ephemeral")
_TOKEN_SECONDS = (600, 2**32)
_SHORTEST_UPDATE = 10
#: Characters of the name that a driver has for a node.
_LONGEST_NODE_ID = 256


class CSIDriverStrategy(Strategy):
    columns = (
        NAME,
        Column("AttachRequired", "boolean"),
        Column("PodInfoOnMount", "boolean"),
        Column("StorageCapacity", "boolean"),
        Column("TokenRequests"),
        Column("RequiresRepublish", "boolean"),
        Column("Modes"),
        AGE,
    )
    has_status = False
    returns_deleted = True

    def default(self, obj: Object) -> None:
        driver = obj.setdefault("spec", {})
        fill(driver, _DRIVER, unset=(None,))
        if not driver.get("volumeLifecycleModes"):
            driver["volumeLifecycleModes"] = ["Persistent"]

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_driver(spec(obj), "spec"))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return [
            error
            for field in ("attachRequired", "volumeLifecycleModes")
            for error in unchanged(f"spec.{field}", spec(new).get(field), spec(old).get(field))
        ]

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        tokens = spec(obj).get("tokenRequests")
        return (
            name(obj),
            spec(obj).get("attachRequired") is not False,
            bool(spec(obj).get("podInfoOnMount")),
            bool(spec(obj).get("storageCapacity")),
            UNSET if tokens is None else ",".join(token.get("audience") or "" for token in tokens),
            bool(spec(obj).get("requiresRepublish")),
            or_none(",".join(spec(obj).get("volumeLifecycleModes") or [])),
            created(obj, now),
        )


class CSINodeStrategy(Strategy):
    columns = (NAME, Column("Drivers", "integer"), AGE)
    has_status = False
    returns_deleted = True

    def validate(self, obj: Object) -> list[FieldError]:
        drivers = spec(obj).get("drivers") or []
        errors = [error for path, driver in indexed("spec.drivers", drivers) for error in _node_driver(driver, path)]
        names_at = ((f"{path}.name", driver.get("name")) for path, driver in indexed("spec.drivers", drivers))
        return [*errors, *unique(names_at)]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Drivers come and go; what a driver that stays said of itself does not change."""
        before = spec(old).get("drivers") or []
        names = {driver.get("name") for driver in before}
        changed = [d for d in spec(new).get("drivers") or [] if d.get("name") in names and d not in before]
        return [invalid("spec.drivers", driver, IMMUTABLE) for driver in changed]

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), len(spec(obj).get("drivers") or []), created(obj, now))


class CSIStorageCapacityStrategy(Strategy):
    columns = (NAME, Column("StorageClassName"), Column("Capacity"))
    has_status = False

    def validate(self, obj: Object) -> list[FieldError]:
        return [
            *validate_selector(obj.get("nodeTopology"), "nodeTopology"),
            *obeys("storageClassName", obj.get("storageClassName") or "", names.dns_subdomain),
            *(amount(obj["capacity"], "capacity") if "capacity" in obj else ()),
        ]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return [
            error
            for field in ("nodeTopology", "storageClassName")
            for error in unchanged(field, new.get(field), old.get(field))
        ]

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), obj.get("storageClassName") or "", obj.get("capacity") or UNSET)


def _driver(driver: Object, field: str) -> Errors:
    yield from one_of(f"{field}.fsGroupPolicy", driver.get("fsGroupPolicy"), _GROUP_POLICIES)
    for path, mode in indexed(f"{field}.volumeLifecycleModes", driver.get("volumeLifecycleModes")):
        yield from one_of(path, mode, _LIFECYCLES)
    audiences: set[str] = set()
    for path, token in indexed(f"{field}.tokenRequests", driver.get("tokenRequests")):
        audience = token.get("audience") or ""
        if audience in audiences:
            yield duplicate(f"{path}.audience", audience)
        audiences.add(audience)
        yield from _token(token.get("expirationSeconds"), f"{path}.expirationSeconds")
    period = driver.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < _SHORTEST_UPDATE:
        why = f"must be greater than or equal to {_SHORTEST_UPDATE} seconds"
        yield invalid(f"{field}.nodeAllocatableUpdatePeriodSeconds", period, why)


def _token(seconds: int | None, field: str) -> Errors:
    shortest, longest = _TOKEN_SECONDS
    if seconds is not None and seconds < shortest:
        yield invalid(field, seconds, "may not specify a duration less than 10 minutes")
    if seconds is not None and seconds > longest:
        yield invalid(field, seconds, "may not specify a duration larger than 2^32 seconds")


def _node_driver(driver: Object, field: str) -> Errors:
    yield from named(f"{field}.name", driver.get("name"), names.dns_subdomain)
    node = driver.get("nodeID") or ""
    if not node:
        yield required(f"{field}.nodeID")
    if len(node) > _LONGEST_NODE_ID:
        yield invalid(f"{field}.nodeID", node, f"must be {_LONGEST_NODE_ID} characters or less")
    yield from not_negative(driver.get("allocatable") or {}, f"{field}.allocatable", "count")
    for path, key in indexed(f"{field}.topologyKeys", driver.get("topologyKeys")):
        yield from named(path, key, names.qualified_name)
    yield from unique(indexed(f"{field}.topologyKeys", driver.get("topologyKeys")))
