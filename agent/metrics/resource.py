"""`/metrics/resource`, which metrics-server reads.

The names are those of `k8s.io/kubernetes/pkg/kubelet/metrics/collectors/resource_metrics.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agent.stats import NodeUsage, Usage
from orchestrator.api.meta import Object, name, namespace

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_POD = ("namespace", "pod")
_CONTAINER = ("container", *_POD)
Labelled = list[tuple[tuple[str, ...], Usage]]


def resource_metrics(usage: NodeUsage) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    containers = [((found.name, *_labels(pod.pod)), found) for pod in usage.pods for found in pod.containers]
    yield from _used("node", (), [((), usage.machine)] if usage.machine else [])
    yield from _used("pod", _POD, [(_labels(pod.pod), pod.total) for pod in usage.pods])
    yield from _used("container", _CONTAINER, [(labels, found.usage) for labels, found in containers])
    starts = GaugeMetricFamily(
        "container_start_time_seconds", "Start time of the container since unix epoch in seconds", labels=_CONTAINER
    )
    for labels, found in containers:
        starts.add_metric(labels, found.started_at)
    yield starts
    about = "1 if there was an error while getting the figures, 0 otherwise"
    yield GaugeMetricFamily("resource_scrape_error", about, float(usage.machine is None))


def _used(who: str, labels: tuple[str, ...], usages: Labelled) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    about = f"Cumulative cpu time consumed by the {who} in core-seconds"
    cpu = CounterMetricFamily(f"{who}_cpu_usage_seconds", about, labels=labels)
    memory = GaugeMetricFamily(
        f"{who}_memory_working_set_bytes", f"Current working set of the {who} in bytes", labels=labels
    )
    for values, use in usages:
        cpu.add_metric(values, use.sample.cpu_nanoseconds / 1e9, timestamp=use.sample.at)
        memory.add_metric(values, use.sample.memory_working_set, timestamp=use.sample.at)
    yield cpu
    yield memory


def _labels(pod: Object) -> tuple[str, str]:
    return namespace(pod), name(pod)
