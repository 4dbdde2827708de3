"""PersistentVolume."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import defaults
from orchestrator.api.checks import unchanged
from orchestrator.api.errors import FieldError, forbidden
from orchestrator.api.meta import Object, is_deleting, name, spec, status
from orchestrator.api.strategies import persistentvolume_rules as rules
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created, wide
from orchestrator.api.strategies.storage import UNSET, modes_text, storage_class, storage_warnings
from orchestrator.api.times import rfc3339

_RECYCLE = (
    "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. "
    "Instead, the recommended approach is to use dynamic provisioning."
)


class PersistentVolumeStrategy(Strategy):
    columns = (
        NAME,
        Column("Capacity"),
        Column("Access Modes"),
        Column("Reclaim Policy"),
        Column("Status"),
        Column("Claim"),
        Column("StorageClass"),
        Column("VolumeAttributesClass"),
        Column("Reason"),
        AGE,
        wide("VolumeMode"),
    )
    returns_deleted = True

    def default(self, obj: Object) -> None:
        volume = obj.setdefault("spec", {})
        defaults.fill(volume, {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"})
        defaults.default_source(volume)

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": rfc3339(now)}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(rules.volume(spec(obj), "spec"))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = list(unchanged("spec.volumeMode", spec(new).get("volumeMode"), spec(old).get("volumeMode")))
        if _source(new) != _source(old):
            why = "spec.persistentvolumesource is immutable after creation"
            errors.append(forbidden("spec.persistentvolumesource", why))
        if "nodeAffinity" in spec(old):
            affinity = spec(new).get("nodeAffinity")
            errors += unchanged("spec.nodeAffinity", affinity, spec(old)["nodeAffinity"])
        return errors

    def warnings(self, obj: Object) -> list[str]:
        size = (spec(obj).get("capacity") or {}).get("storage")
        said = storage_warnings(obj, size, "spec.capacity[storage]")
        return [*said, _RECYCLE] if spec(obj).get("persistentVolumeReclaimPolicy") == "Recycle" else said

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        volume, claim = spec(obj), spec(obj).get("claimRef")
        return (
            name(obj),
            (volume.get("capacity") or {}).get("storage") or "",
            modes_text(volume.get("accessModes")),
            volume.get("persistentVolumeReclaimPolicy"),
            "Terminating" if is_deleting(obj) else status(obj).get("phase") or "",
            f"{claim.get('namespace') or ''}/{claim.get('name') or ''}" if claim else "",
            storage_class(obj),
            volume.get("volumeAttributesClassName") or UNSET,
            status(obj).get("reason") or "",
            created(obj, now),
            volume.get("volumeMode") or UNSET,
        )


def _source(volume: Object) -> Object:
    """The volume's source. A CSI driver's secret for growing the volume may come later."""
    source = {field: value for field, value in spec(volume).items() if field in rules.SOURCES}
    if "csi" in source:
        source["csi"] = {field: value for field, value in source["csi"].items() if field != "controllerExpandSecretRef"}
    return source
