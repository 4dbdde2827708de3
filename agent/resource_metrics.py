"""The node's figures as `/metrics/resource` of the kubelet, which metrics-server reads. Pure.

The names are those of `k8s.io/kubernetes/pkg/kubelet/metrics/collectors/resource_metrics.go`; the format is Prometheus'
text exposition 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agent.stats import NodeUsage, Usage
from orchestrator.api.meta import Object, name, namespace

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Sample(NamedTuple):
    """`at` in seconds since the epoch, None for now."""

    labels: str
    value: float
    at: float | None = None


def resource_metrics(usage: NodeUsage) -> str:
    return "".join(f"{line}\n" for line in _lines(usage))


def _lines(usage: NodeUsage) -> Iterator[str]:
    containers = [(_labels(pod.pod, found.name), found) for pod in usage.pods for found in pod.containers]
    yield from _used("node", [("", usage.machine)] if usage.machine else [])
    yield from _used("pod", [(_labels(pod.pod), pod.total) for pod in usage.pods])
    yield from _used("container", [(labels, found.usage) for labels, found in containers])
    starts = [_Sample(labels, found.started_at) for labels, found in containers]
    about = "Start time of the container since unix epoch in seconds"
    yield from _family("container_start_time_seconds", "gauge", about, starts)
    failed = _Sample("", float(usage.machine is None))
    about = "1 if there was an error while getting the figures, 0 otherwise"
    yield from _family("resource_scrape_error", "gauge", about, [failed])


def _used(who: str, usages: list[tuple[str, Usage]]) -> Iterator[str]:
    cpu = [_Sample(labels, use.sample.cpu_nanoseconds / 1e9, use.sample.at) for labels, use in usages]
    about = f"Cumulative cpu time consumed by the {who} in core-seconds"
    yield from _family(f"{who}_cpu_usage_seconds_total", "counter", about, cpu)
    memory = [_Sample(labels, use.sample.memory_working_set, use.sample.at) for labels, use in usages]
    about = f"Current working set of the {who} in bytes"
    yield from _family(f"{who}_memory_working_set_bytes", "gauge", about, memory)


def _family(metric: str, type: str, about: str, samples: Iterable[_Sample]) -> Iterator[str]:
    yield f"# HELP {metric} {about}"
    yield f"# TYPE {metric} {type}"
    for labels, value, at in samples:
        yield f"{metric}{labels} {value!r}" + ("" if at is None else f" {int(at * 1000)}")


def _labels(pod: Object, container: str = "") -> str:
    """Of names, which have nothing to escape."""
    own = f'container="{container}",' if container else ""
    return f'{{{own}namespace="{namespace(pod)}",pod="{name(pod)}"}}'
