"""StorageClass.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/storage/validation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import meta, names
from orchestrator.api.checks import Errors, indexed, named, obeys, one_of, present, unchanged, unique
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, duplicate, forbidden, invalid, too_long
from orchestrator.api.meta import Object, name
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created
from orchestrator.api.strategies.storage import UNSET

#: "true" on the class of claims that name none.
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_DEFAULTS = {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}
_RECLAIM_POLICIES = ("Delete", "Retain")
_BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
_MOST_PARAMETERS = 512
_LONGEST_PARAMETERS = 256 * 1024
_FIXED = ("parameters", "provisioner", "reclaimPolicy")


class StorageClassStrategy(Strategy):
    columns = (
        NAME,
        Column("Provisioner"),
        Column("ReclaimPolicy"),
        Column("VolumeBindingMode"),
        Column("AllowVolumeExpansion", "boolean"),
        AGE,
    )
    has_status = False
    returns_deleted = True

    def default(self, obj: Object) -> None:
        fill(obj, _DEFAULTS)

    def validate(self, obj: Object) -> list[FieldError]:
        provisioner = obj.get("provisioner")
        return [
            *named("provisioner", provisioner.lower() if provisioner else provisioner, names.qualified_name),
            *_parameters(obj.get("parameters") or {}),
            *one_of("reclaimPolicy", obj.get("reclaimPolicy"), _RECLAIM_POLICIES),
            *one_of("volumeBindingMode", obj.get("volumeBindingMode"), _BINDING_MODES),
            *_topologies(obj.get("allowedTopologies") or []),
        ]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        changed = [field for field in _FIXED if (new.get(field) or None) != (old.get(field) or None)]
        return [
            *(forbidden(field, f"updates to {field} are forbidden.") for field in changed),
            *unchanged("volumeBindingMode", new.get("volumeBindingMode"), old.get("volumeBindingMode")),
        ]

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        default = meta.annotations(obj).get(DEFAULT_CLASS) == "true"
        return (
            f"{name(obj)} (default)" if default else name(obj),
            obj.get("provisioner") or "",
            obj.get("reclaimPolicy") or "",
            obj.get("volumeBindingMode") or UNSET,
            bool(obj.get("allowVolumeExpansion")),
            created(obj, now),
        )


def _parameters(parameters: dict[str, str]) -> Errors:
    if len(parameters) > _MOST_PARAMETERS:
        yield too_long("parameters", _MOST_PARAMETERS)
        return
    if "" in parameters:
        yield invalid("parameters", "", "field can not be empty.")
    if sum(len(key.encode()) + len(value.encode()) for key, value in parameters.items()) > _LONGEST_PARAMETERS:
        yield too_long("parameters", _LONGEST_PARAMETERS)


def _topologies(terms: list[Object]) -> Errors:
    seen: list[Object] = []
    for path, term in indexed("allowedTopologies", terms):
        labels: Object = {}
        for label_path, label in indexed(f"{path}.matchLabelExpressions", term.get("matchLabelExpressions")):
            key, values = label.get("key") or "", label.get("values") or []
            yield from obeys(f"{label_path}.key", key, names.qualified_name)
            yield from present(f"{label_path}.values", values)
            yield from unique(indexed(f"{label_path}.values", values))
            if key in labels:
                yield duplicate(f"{label_path}.key", key)
            labels[key] = set(values)
        if labels in seen:
            yield duplicate(f"{path}.matchLabelExpressions", "")
        seen.append(labels)
