"""`/metrics`: the agent's own doings, under the names of `pkg/kubelet/metrics` that dashboards read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from agent.metrics.figures import Figures
from agent.node_figures import FileSystem
from agent.node_object import VERSION
from agent.observed import is_running, is_sandbox
from agent.pod_worker import PodWorker
from agent.shutdown.manager import NodeShutdown

if TYPE_CHECKING:
    from prometheus_client.core import Metric

#: (namespace, name, its file system).
Claim = tuple[str, str, FileSystem]


def kubelet_metrics(
    node: str, workers: Sequence[PodWorker], figures: Figures, shutdown: NodeShutdown, claims: Sequence[Claim]
) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    build = GaugeMetricFamily("kubernetes_build_info", "The version that is spoken.", labels=("git_version",))
    build.add_metric((VERSION,), 1)
    yield build
    name = GaugeMetricFamily("kubelet_node_name", "The node's name. The count is always 1.", labels=("node",))
    name.add_metric((node,), 1)
    yield name
    yield from _pods(workers)
    yield from _volumes(claims)
    with figures.lock:
        started = HistogramMetricFamily(
            "kubelet_pod_start_duration_seconds", "From when the agent saw a pod until it ran."
        )
        started.add_metric((), figures.starts.cumulated(), figures.starts.total)
        yield started
        durations = HistogramMetricFamily(
            "kubelet_runtime_operations_duration_seconds", "What the engine took.", labels=("operation_type",)
        )
        for operation, times in figures.durations.items():
            durations.add_metric((operation,), times.cumulated(), times.total)
        yield durations
        for metric, about, label, counted in (
            ("kubelet_runtime_operations", "Operations of the engine.", "operation_type", figures.operations),
            ("kubelet_runtime_operations_errors", "Operations that failed.", "operation_type", figures.errors),
            ("kubelet_started_containers", "Containers started.", "container_type", figures.containers_started),
            ("kubelet_started_containers_errors", "Starts that failed.", "container_type", figures.containers_failed),
            ("kubelet_evictions", "Pods evicted.", "eviction_signal", figures.evictions),
            ("kubelet_admission_rejections", "Pods that were not admitted.", "reason", figures.rejections),
        ):
            family = CounterMetricFamily(metric, about, labels=(label,))
            for value, count in sorted(counted.items()):
                family.add_metric((value,), count)
            yield family
        yield CounterMetricFamily("kubelet_started_pods", "Sandboxes started.", figures.pods_started)
        yield CounterMetricFamily("kubelet_started_pods_errors", "Sandboxes that failed.", figures.pods_failed)
    for moment, at in (("start", shutdown.started_at), ("end", shutdown.ended_at)):
        metric = f"kubelet_graceful_shutdown_{moment}_time_seconds"
        yield GaugeMetricFamily(metric, f"The last graceful shutdown's {moment}, since the epoch.", at)


def _pods(workers: Sequence[PodWorker]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    containers = [container for worker in workers for container in worker.memory.containers()]
    running = sum(1 for container in containers if is_sandbox(container) and is_running(container))
    yield GaugeMetricFamily("kubelet_running_pods", "Pods that have a running sandbox.", running)
    states = GaugeMetricFamily("kubelet_running_containers", "Containers by state.", labels=("container_state",))
    for state, count in sorted(Counter(c.state for c in containers if not is_sandbox(c)).items()):
        states.add_metric((state,), count)
    yield states
    active = sum(1 for worker in workers if worker.active)
    for metric, count in (("kubelet_desired_pods", len(workers)), ("kubelet_active_pods", active)):
        yield GaugeMetricFamily(metric, "Pods that the node is to run, and that are not over.", count)


def _volumes(claims: Sequence[Claim]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    figures: tuple[tuple[str, str, Callable[[FileSystem], int]], ...] = (
        ("capacity_bytes", "Size of the volume.", lambda files: files.capacity),
        ("available_bytes", "What is left of it.", lambda files: files.available),
        ("used_bytes", "What is used of it.", lambda files: files.used),
        ("inodes", "Its inodes.", lambda files: files.inodes),
        ("inodes_free", "Those that are free.", lambda files: files.inodes_free),
        ("inodes_used", "Those that are used.", lambda files: files.inodes - files.inodes_free),
    )
    for figure, about, of in figures:
        labels = ("namespace", "persistentvolumeclaim")
        family = GaugeMetricFamily(f"kubelet_volume_stats_{figure}", about, labels=labels)
        for namespace, claim, files in claims:
            family.add_metric((namespace, claim), of(files))
        yield family
