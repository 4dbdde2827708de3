"""NodeMetrics and PodMetrics: their tables are all there is to them, and as metrics-server shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from orchestrator.api.meta import Object, name
from orchestrator.api.quantity import format_binary, format_nano, integer, parse
from orchestrator.api.strategies.base import NAME, Cell, Column, Strategy


class NodeMetricsStrategy(Strategy):
    columns = (
        NAME,
        Column("cpu", format="quantity"),
        Column("memory", format="quantity"),
        Column("Window", format="duration"),
    )
    has_status = False

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), *_total([obj]), obj.get("window"))


class PodMetricsStrategy(NodeMetricsStrategy):
    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), *_total(obj.get("containers") or []), obj.get("window"))


def _total(measured: Iterable[Object]) -> tuple[str, str]:
    """CPU and memory of the `usage` of each together, as quantities."""
    cpu, memory = Fraction(0), 0
    for each in measured:
        usage = each.get("usage") or {}
        cpu += parse(usage.get("cpu") or 0)
        memory += integer(usage.get("memory") or 0)
    return format_nano(int(cpu * 10**9)), format_binary(memory)
