"""Scale, as `kubectl get --subresource=scale` shows it."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created


class ScaleStrategy(Strategy):
    columns = (NAME, Column("Desired", "integer"), Column("Available", "integer"), AGE)

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), spec(obj)["replicas"], status(obj)["replicas"], created(obj, now))
