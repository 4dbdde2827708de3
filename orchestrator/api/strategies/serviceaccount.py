"""ServiceAccount."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.meta import Object, name
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created


class ServiceAccountStrategy(Strategy):
    columns = (NAME, Column("Secrets", "integer"), AGE)
    has_status = False
    returns_deleted = True

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), len(obj.get("secrets") or []), created(obj, now))
