"""/metrics, under the names that dashboards for Kubernetes know."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """One registry a server, so that tests may have many."""

    def __init__(self, open_requests: Callable[[], int], revision: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "apiserver_request",
            "Requests answered.",
            ("verb", "resource", "subresource", "code"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "apiserver_request_duration_seconds",
            "Time to answer, without requests that stay open.",
            ("verb", "resource"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        running = Gauge(
            "apiserver_longrunning_requests", "Watches and log streams that are open.", registry=self._registry
        )
        running.set_function(open_requests)
        newest = Gauge("apiserver_storage_revision", "Revision of the last write.", registry=self._registry)
        newest.set_function(revision)

    def observe(self, verb: str, resource: str, subresource: str, code: int, seconds: float | None) -> None:
        """One answer; `seconds` None for a request that stayed open."""
        self._requests.labels(verb, resource, subresource, str(code)).inc()
        if seconds is not None:
            self._seconds.labels(verb, resource).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)
