"""A page of metrics in Prometheus' text format. Its library is imported when the first page is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Collector:
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        yield from self._collect()


def page(collect: Callable[[], Iterable[Metric]], *, process: bool = False) -> bytes:
    """`process` adds what this process itself uses (`process_cpu_seconds_total` ...)."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector(collect))
    if process:
        ProcessCollector(registry=registry)
    return generate_latest(registry)
