"""PersistentVolumeClaim.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import defaults, names
from orchestrator.api.checks import Errors, follows, present
from orchestrator.api.errors import FieldError, forbidden, invalid, required
from orchestrator.api.meta import Object, is_deleting, name, spec, status
from orchestrator.api.quantity import parse
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created, wide
from orchestrator.api.strategies.storage import (
    UNSET,
    access_modes,
    class_and_mode,
    modes_text,
    positive,
    storage_class,
    storage_warnings,
)
from orchestrator.api.validation import validate_selector

_FIXED = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
_CLAIM = "PersistentVolumeClaim"


class PersistentVolumeClaimStrategy(Strategy):
    columns = (
        NAME,
        Column("Status"),
        Column("Volume"),
        Column("Capacity"),
        Column("Access Modes"),
        Column("StorageClass"),
        Column("VolumeAttributesClass"),
        AGE,
        wide("VolumeMode"),
    )
    returns_deleted = True

    def default(self, obj: Object) -> None:
        defaults.default_claim(obj)
        _mirror_source(obj["spec"])

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"phase": "Pending"}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(claim(spec(obj), "spec"))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(_changes(new, old))

    def warnings(self, obj: Object) -> list[str]:
        return storage_warnings(obj, requested(obj), "spec.resources.requests[storage]")

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        bound = bool(spec(obj).get("volumeName"))
        return (
            name(obj),
            "Terminating" if is_deleting(obj) else status(obj).get("phase") or "",
            spec(obj).get("volumeName") or "",
            (status(obj).get("capacity") or {}).get("storage") or "0" if bound else "",
            modes_text(status(obj).get("accessModes")) if bound else "",
            storage_class(obj),
            spec(obj).get("volumeAttributesClassName") or UNSET,
            created(obj, now),
            spec(obj).get("volumeMode") or UNSET,
        )


def requested(obj: Object) -> str | None:
    """The storage that a claim asks for."""
    return ((spec(obj).get("resources") or {}).get("requests") or {}).get("storage")


def claim(claim: Object, field: str) -> Errors:
    """The rules of a PersistentVolumeClaimSpec."""
    modes: list[str] = claim.get("accessModes") or []
    yield from present(f"{field}.accessModes", modes, "at least 1 access mode is required")
    yield from access_modes(modes, f"{field}.accessModes")
    yield from validate_selector(claim.get("selector"), f"{field}.selector")
    size = requested({"spec": claim})
    if size is None:
        yield required(f"{field}.resources[storage]")
    else:
        yield from positive(size, f"{field}.resources[storage]")
    yield from class_and_mode(claim, field)
    yield from _sources(claim, field)


def _sources(claim: Object, field: str) -> Errors:
    """What the volume is filled from. `dataSourceRef` is the newer form, and may name another namespace."""
    source, reference = claim.get("dataSource"), claim.get("dataSourceRef")
    if source is not None:
        yield from _source(source, f"{field}.dataSource")
    if reference is None:
        return
    yield from _source(reference, f"{field}.dataSourceRef")
    yield from follows(f"{field}.dataSourceRef.namespace", reference.get("namespace"), names.dns_label)
    if source is None:
        return
    if reference.get("namespace"):
        yield invalid(field, f"{field}.dataSource", "may not be specified when dataSourceRef.namespace is specified")
    elif _target(source) != _target(reference):
        yield invalid(field, f"{field}.dataSource", "must match dataSourceRef")


def _source(source: Object, field: str) -> Errors:
    yield from present(f"{field}.name", source.get("name"))
    yield from present(f"{field}.kind", source.get("kind"))
    if not source.get("apiGroup") and source.get("kind") != _CLAIM:
        why = f"must be '{_CLAIM}' when referencing the default apiGroup"
        yield invalid(field, source.get("kind") or "", why)
    yield from follows(f"{field}.apiGroup", source.get("apiGroup"), names.dns_subdomain)


def _target(source: Object) -> tuple[str, ...]:
    return tuple(source.get(field) or "" for field in ("apiGroup", "kind", "name"))


def _mirror_source(claim: Object) -> None:
    """Who reads the one form of the source finds it there, when the other was given."""
    source, reference = claim.get("dataSource"), claim.get("dataSourceRef")
    if source is not None and reference is None:
        claim["dataSourceRef"] = dict(source)
    elif reference is not None and source is None and not reference.get("namespace"):
        claim["dataSource"] = dict(reference)


def _changes(new: Object, old: Object) -> Errors:
    """A claim stays as it is; once it is bound it may ask for more."""
    bound = status(new).get("phase") == "Bound"
    if _fixed(new, old, bound=bound) != _fixed(old, old, bound=bound):
        yield forbidden("spec", _FIXED)
    was, size = requested(old), requested(new)
    has = (status(old).get("capacity") or {}).get("storage") or 0
    if was and size and parse(size) < parse(was) and parse(size) <= parse(has):
        yield forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
    if spec(old).get("volumeAttributesClassName") and not spec(new).get("volumeAttributesClassName"):
        yield forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")


def _fixed(claim: Object, old: Object, *, bound: bool) -> Object:
    """The part of the spec that must be as it was in `old`; a volume and a class may be given to it once."""
    fixed = {field: value for field, value in spec(claim).items() if field != "volumeAttributesClassName"}
    if not spec(old).get("volumeName"):
        fixed.pop("volumeName", None)
    # The class "" is one that was chosen: none.
    if spec(old).get("storageClassName") is None:
        fixed.pop("storageClassName", None)
    if bound and "resources" in fixed:
        fixed["resources"] = {field: value for field, value in fixed["resources"].items() if field != "requests"}
    return fixed
