"""CustomResourceDefinition."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.custom import rules
from orchestrator.api.custom.definition import FINALIZER, storage_version
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object, metadata, name, status
from orchestrator.api.strategies.base import NAME, Cell, Column, Strategy

_UNNAMED = {"plural": "", "kind": ""}


class CustomResourceDefinitionStrategy(Strategy):
    columns = (NAME, Column("Created At", "date"))
    has_generation = True

    def default(self, obj: Object) -> None:
        crd = obj.setdefault("spec", {})
        names = crd.setdefault("names", {})
        if kind := names.get("kind"):
            fill(names, {"singular": kind.lower(), "listKind": f"{kind}List"})
        if not crd.get("conversion"):
            crd["conversion"] = {"strategy": "None"}

    def prepare_create(self, obj: Object, now: float) -> None:
        stored = storage_version(obj)
        obj["status"] = {
            "conditions": [],
            "acceptedNames": dict(_UNNAMED),
            "storedVersions": [stored] if stored else [],
        }

    def prepare_update(self, new: Object, old: Object) -> None:
        """A version in which objects begin to be stored is remembered."""
        stored, known = storage_version(new), status(new).get("storedVersions") or []
        if stored and stored not in known:
            new["status"] = {**status(new), "storedVersions": [*known, stored]}

    def prepare_delete(self, obj: Object) -> None:
        """It stays until its objects are gone."""
        kept = metadata(obj).setdefault("finalizers", [])
        if FINALIZER not in kept and not metadata(obj).get("deletionTimestamp"):
            kept.append(FINALIZER)

    def validate(self, obj: Object) -> list[FieldError]:
        return list(rules.definition_problems(obj))

    def validate_create(self, obj: Object) -> list[FieldError]:
        return list(rules.creation_problems(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(rules.change_problems(new, old))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(rules.status_problems(new))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), str(metadata(obj).get("creationTimestamp")))
