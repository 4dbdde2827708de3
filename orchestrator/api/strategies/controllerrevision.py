"""ControllerRevision: what a StatefulSet or DaemonSet was at one time, never changed."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.checks import NOT_NEGATIVE, unchanged
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.meta import Object, controller_of, group_of, name
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created, or_none


class ControllerRevisionStrategy(Strategy):
    columns = (NAME, Column("Controller"), Column("Revision"), AGE)
    has_status = False

    def validate(self, obj: Object) -> list[FieldError]:
        errors = [] if obj.get("data") is not None else [required("data", "data is mandatory")]
        if (obj.get("revision") or 0) < 0:
            errors.append(invalid("revision", obj["revision"], NOT_NEGATIVE))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(unchanged("data", new.get("data"), old.get("data")))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), or_none(_controller(obj)), str(obj.get("revision") or 0), created(obj, now))


def _controller(obj: Object) -> str:
    """`statefulset.apps/web`."""
    reference = controller_of(obj)
    if reference is None:
        return ""
    group = group_of(reference.get("apiVersion") or "")
    kind = str(reference.get("kind") or "").lower()
    return f"{kind}.{group}/{reference.get('name')}" if group else f"{kind}/{reference.get('name')}"
