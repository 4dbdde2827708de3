"""Lease."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.checks import not_negative
from orchestrator.api.errors import FieldError, invalid
from orchestrator.api.meta import Object, name, spec
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created


class LeaseStrategy(Strategy):
    columns = (NAME, Column("Holder"), AGE)
    has_status = False

    def validate(self, obj: Object) -> list[FieldError]:
        errors = []
        seconds = spec(obj).get("leaseDurationSeconds")
        if seconds is not None and seconds <= 0:
            errors.append(invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
        return errors + list(not_negative(spec(obj), "spec", "leaseTransitions"))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), spec(obj).get("holderIdentity") or "", created(obj, now))
