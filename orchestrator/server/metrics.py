"""/metrics, under the names that dashboards for Kubernetes know.

Requests are counted here in plain numbers; the Prometheus library, whose import is large, is for those who ask.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from orchestrator.util.histogram import Histogram

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Upper bounds in seconds.
_BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """`open_requests` and `revision` are asked when somebody looks."""

    def __init__(self, open_requests: Callable[[], int], revision: Callable[[], int]) -> None:
        self._open_requests = open_requests
        self._revision = revision
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, str, str]] = Counter()
        self._durations: dict[tuple[str, str], Histogram] = {}

    def observe(self, verb: str, resource: str, subresource: str, code: int, seconds: float | None) -> None:
        """One answer; `seconds` None for a request that stayed open."""
        with self._lock:
            self._requests[verb, resource, subresource, str(code)] += 1
            if seconds is not None:
                self._durations.setdefault((verb, resource), Histogram(_BUCKETS)).add(seconds)

    def text(self) -> bytes:
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """What the registry asks a collector for."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        with self._lock:
            requests = dict(self._requests)
            durations = {labels: (each.cumulated(), each.total) for labels, each in self._durations.items()}
        counted = CounterMetricFamily(
            "apiserver_request", "Requests answered.", labels=("verb", "resource", "subresource", "code")
        )
        for labels, count in requests.items():
            counted.add_metric(labels, count)
        yield counted
        timed = HistogramMetricFamily(
            "apiserver_request_duration_seconds",
            "Time to answer, without requests that stay open.",
            labels=("verb", "resource"),
        )
        for pair, (buckets, total) in durations.items():
            timed.add_metric(pair, buckets, total)
        yield timed
        yield GaugeMetricFamily(
            "apiserver_longrunning_requests", "Watches and log streams that are open.", self._open_requests()
        )
        yield GaugeMetricFamily("apiserver_storage_revision", "Revision of the last write.", self._revision())
