"""RuntimeClass.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/node/validation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.checks import obeys, unchanged
from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object, name
from orchestrator.api.names import dns_label
from orchestrator.api.podspec.placement import tolerations
from orchestrator.api.podspec.resources import requirements
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created
from orchestrator.api.validation import validate_labels


class RuntimeClassStrategy(Strategy):
    columns = (NAME, Column("Handler"), AGE)
    has_status = False

    def validate(self, obj: Object) -> list[FieldError]:
        fixed = (obj.get("overhead") or {}).get("podFixed")
        scheduling: Object = obj.get("scheduling") or {}
        return [
            *obeys("handler", obj.get("handler") or "", dns_label),
            *requirements({"limits": fixed}, "overhead"),
            *validate_labels(scheduling.get("nodeSelector"), "scheduling.nodeSelector"),
            *tolerations(scheduling.get("tolerations"), "scheduling.tolerations"),
        ]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(unchanged("handler", new.get("handler"), old.get("handler")))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), obj.get("handler") or "", created(obj, now))
