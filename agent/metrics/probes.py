"""`/metrics/probes`: how probes came out, by container, under the names of `pkg/kubelet/prober`."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.probes import Outcome
from orchestrator.api.meta import Object, name, namespace, uid
from orchestrator.util.histogram import Histogram

if TYPE_CHECKING:
    from prometheus_client.core import Metric

#: Upper bounds in seconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SUCCESSFUL, FAILED, UNKNOWN = "successful", "failed", "unknown"


@dataclass(slots=True)
class _Counts:
    pod: Object
    results: Counter[str] = field(default_factory=Counter)
    times: Histogram = field(default_factory=lambda: Histogram(_BUCKETS))


class ProbeFigures:
    """Of the pods that are probed now: what ended is forgotten, so that the page does not grow. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: By pod uid, then by container name and probe.
        self._counts: dict[str, dict[tuple[str, str], _Counts]] = {}

    def probed(self, pod: Object, container: str, probe: str, seconds: float, outcome: Outcome) -> None:
        result = UNKNOWN if outcome.errored else SUCCESSFUL if outcome.ok else FAILED
        with self._lock:
            counts = self._counts.setdefault(uid(pod), {}).setdefault((container, probe), _Counts(pod))
            counts.results[result] += 1
            counts.times.add(seconds)

    def forget(self, pod_uid: str) -> None:
        with self._lock:
            self._counts.pop(pod_uid, None)

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        where = ("probe_type", "container", "pod", "namespace")
        total = CounterMetricFamily(
            "prober_probe",
            "Probes by result.",
            labels=("probe_type", "result", "container", "pod", "namespace", "pod_uid"),
        )
        times = HistogramMetricFamily("prober_probe_duration_seconds", "What probes took.", labels=where)
        with self._lock:
            for counted in self._counts.values():
                for (container, probe), counts in counted.items():
                    pod = (name(counts.pod), namespace(counts.pod))
                    kind = probe.capitalize()
                    for result, count in counts.results.items():
                        total.add_metric((kind, result, container, *pod, uid(counts.pod)), count)
                    times.add_metric((kind, container, *pod), counts.times.cumulated(), counts.times.total)
        yield total
        yield times
