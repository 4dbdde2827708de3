"""`/metrics/cadvisor`: what containers use, under cAdvisor's names and with the labels that the kubelet gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from agent.network_usage import Interface
from agent.node_figures import NodeFigures, PodFigures
from agent.podspec import all_containers, find_by_name
from agent.runtime.base import Stats, StatsDetails
from agent.runtime.limits import quota, shares
from agent.stats import ContainerUsage, NodeUsage
from orchestrator.api.meta import Object, name, namespace, uid
from orchestrator.api.quantity import integer, milli

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_LABELS = ("container", "id", "image", "name", "namespace", "pod")
_NETWORK_LABELS = ("interface", *_LABELS)
_PERIOD = 100_000


class _Sample(NamedTuple):
    """One container that was measured, and its spec."""

    pod: Object
    found: ContainerUsage
    spec: Object

    @property
    def labels(self) -> tuple[str, ...]:
        found = self.found
        id = f"/docker/{found.id}"
        return found.name, id, found.image, found.engine_name, namespace(self.pod), name(self.pod)

    @property
    def stats(self) -> Stats:
        return self.found.usage.sample

    @property
    def details(self) -> StatsDetails:
        return self.stats.details or StatsDetails(0, 0, 0, 0, 0)

    def resource(self, sort: str, resource: str) -> str:
        return str(((self.spec.get("resources") or {}).get(sort) or {}).get(resource, 0))


class _Family(NamedTuple):
    """`figure` is None for what is not known of a container: it is then left out."""

    metric: str
    counts: bool
    about: str
    figure: Callable[[_Sample], float | None]


_FAMILIES = (
    _Family("container_cpu_cfs_periods", True, "Enforcement periods.", lambda s: s.details.periods),
    _Family("container_cpu_cfs_throttled_periods", True, "Throttled ones.", lambda s: s.details.throttled_periods),
    _Family(
        "container_cpu_cfs_throttled_seconds",
        True,
        "Time throttled.",
        lambda s: _seconds(s.details.throttled_nanoseconds),
    ),
    _Family("container_memory_usage_bytes", False, "Memory, with all cache.", lambda s: s.details.memory_usage),
    _Family("container_memory_working_set_bytes", False, "Working set.", lambda s: s.stats.memory_working_set),
    _Family("container_memory_rss", False, "Resident memory.", lambda s: s.details.memory_rss),
    _Family("container_memory_cache", False, "Page cache.", lambda s: s.details.memory_cache),
    _Family("container_memory_swap", False, "Swap.", lambda s: s.details.swap),
    _Family("container_processes", False, "Processes and threads.", lambda s: s.details.processes),
    _Family("container_last_seen", False, "When it was measured.", lambda s: s.stats.at),
    _Family("container_start_time_seconds", False, "When it started.", lambda s: s.found.started_at),
    _Family("container_spec_cpu_period", False, "Period of the quota in us.", lambda s: _PERIOD if _quota(s) else None),
    _Family("container_spec_cpu_quota", False, "CPU in a period, in us.", lambda s: _quota(s) or None),
    _Family("container_spec_cpu_shares", False, "CPU shares.", lambda s: shares(milli(s.resource("requests", "cpu")))),
    _Family("container_spec_memory_limit_bytes", False, "Limit.", lambda s: integer(s.resource("limits", "memory"))),
)


def cadvisor_metrics(usage: NodeUsage, figures: NodeFigures, *, cores: int, memory: int) -> Iterator[Metric]:
    """`cores` and `memory` (bytes) are the machine's."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    yield GaugeMetricFamily("machine_cpu_cores", "Cores of the machine.", cores)
    yield GaugeMetricFamily("machine_memory_bytes", "Memory of the machine.", memory)
    samples = list(_samples(usage))
    cpu = CounterMetricFamily(
        "container_cpu_usage_seconds", "CPU time used.", labels=("container", "cpu", *_LABELS[1:])
    )
    for sample in samples:
        first, *others = sample.labels
        cpu.add_metric((first, "total", *others), sample.stats.cpu_nanoseconds / 1e9, timestamp=sample.stats.at)
    yield cpu
    for family in _FAMILIES:
        kind = CounterMetricFamily if family.counts else GaugeMetricFamily
        metric = kind(family.metric, family.about, labels=_LABELS)
        for sample in samples:
            if (figure := family.figure(sample)) is not None:
                metric.add_metric(sample.labels, figure, timestamp=sample.stats.at)
        yield metric
    yield _failures(samples)
    yield from _file_systems(samples, figures)
    yield from _networks(usage, figures)


def _samples(usage: NodeUsage) -> Iterator[_Sample]:
    for pod in usage.pods:
        for found in pod.containers:
            yield _Sample(pod.pod, found, find_by_name(all_containers(pod.pod), found.name) or {})


def _failures(samples: Iterable[_Sample]) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    labels = ("container", "failure_type", *_LABELS[1:4], "namespace", "pod", "scope")
    metric = CounterMetricFamily("container_memory_failures", "Page faults.", labels=labels)
    for sample in samples:
        first, *others = sample.labels
        faults = (("pgfault", sample.details.page_faults), ("pgmajfault", sample.details.major_page_faults))
        for kind, count in faults:
            metric.add_metric((first, kind, *others, "container"), count, timestamp=sample.stats.at)
    return metric


def _file_systems(samples: Iterable[_Sample], figures: NodeFigures) -> Iterator[Metric]:
    """A container's own layer, of the file system that the engine keeps it on."""
    from prometheus_client.core import GaugeMetricFamily

    used = GaugeMetricFamily("container_fs_usage_bytes", "Bytes written.", labels=_LABELS)
    most = GaugeMetricFamily("container_fs_limit_bytes", "Size of the file system.", labels=_LABELS)
    files = figures.images or figures.files
    for sample in samples:
        storage = figures.pods.get(uid(sample.pod), PodFigures()).storage
        used.add_metric(sample.labels, storage.containers.get(sample.found.name, 0))
        if files:
            most.add_metric(sample.labels, files.capacity)
    yield used
    yield most


def _networks(usage: NodeUsage, figures: NodeFigures) -> Iterator[Metric]:
    """By pod: its containers share one network."""
    from prometheus_client.core import CounterMetricFamily

    traffic = [
        ((interface.name, "", "", "", "", namespace(pod.pod), name(pod.pod)), interface)
        for pod in usage.pods
        for interface in figures.pods.get(uid(pod.pod), PodFigures()).networks
    ]
    for direction, way in (("receive", "received"), ("transmit", "sent")):
        for metric, field in (
            ("bytes", "bytes"),
            ("packets", "packets"),
            ("errors", "errors"),
            ("packets_dropped", "dropped"),
        ):
            about = f"Network {metric.replace('_', ' ')}, {way}."
            family = CounterMetricFamily(f"container_network_{direction}_{metric}", about, labels=_NETWORK_LABELS)
            for labels, interface in traffic:
                family.add_metric(labels, _figure(interface, way, field))
            yield family


def _figure(interface: Interface, way: str, field: str) -> int:
    return int(getattr(getattr(interface, way), field))


def _quota(sample: _Sample) -> int:
    return quota(milli(sample.resource("limits", "cpu")))


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9
