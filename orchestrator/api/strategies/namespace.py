"""Namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object, metadata, name, spec, status
from orchestrator.api.names import dns_label
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created
from orchestrator.api.validation import validate_finalizer

#: Holds a namespace until its content is deleted.
FINALIZER = "kubernetes"
_NAME_LABEL = "kubernetes.io/metadata.name"


class NamespaceStrategy(Strategy):
    columns = (NAME, Column("Status"), AGE)
    selectable = frozenset({"status.phase"})

    def name_problems(self, name: str) -> list[str]:
        return dns_label(name)

    def default(self, obj: Object) -> None:
        if name(obj):
            metadata(obj).setdefault("labels", {})[_NAME_LABEL] = name(obj)

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"phase": "Active"}
        finalizers: list[str] = obj.setdefault("spec", {}).setdefault("finalizers", [])
        if FINALIZER not in finalizers:
            finalizers.append(FINALIZER)

    def prepare_update(self, new: Object, old: Object) -> None:
        """`spec.finalizers` is the finalize subresource's."""
        new.setdefault("spec", {})["finalizers"] = spec(old).get("finalizers") or []

    def prepare_delete(self, obj: Object) -> None:
        obj["status"] = {**status(obj), "phase": "Terminating"}

    def validate(self, obj: Object) -> list[FieldError]:
        finalizers = spec(obj).get("finalizers") or []
        return [error for finalizer in finalizers for error in validate_finalizer(finalizer, "spec.finalizers")]

    def fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.phase": status(obj).get("phase") or ""}

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), status(obj).get("phase") or "", created(obj, now))
