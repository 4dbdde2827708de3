"""What the agent tells of its node's figures: the summary, and pages of metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.kubelet import Kubelet
from agent.machine_usage import booted_at
from agent.metrics.cadvisor import cadvisor_metrics
from agent.metrics.figures import Figures
from agent.metrics.kubelet import kubelet_metrics
from agent.metrics.page import page
from agent.metrics.probes import ProbeFigures
from agent.metrics.resource import resource_metrics
from agent.node_facts import engineless
from agent.node_figures import NodeMeter
from agent.shutdown.manager import NodeShutdown
from agent.stats import UsageMeter
from agent.summary import summary
from orchestrator.api.meta import Object
from orchestrator.util.clock import Clock

if TYPE_CHECKING:
    from prometheus_client.core import Metric


@dataclass(frozen=True, slots=True)
class Reports:
    """`usage` is sampled all the time; `machine` measures when it is asked."""

    node: str
    kubelet: Kubelet
    usage: UsageMeter
    machine: NodeMeter
    figures: Figures
    probes: ProbeFigures
    shutdown: NodeShutdown
    clock: Clock

    def summary(self, *, only_cpu_and_memory: bool) -> Object:
        if only_cpu_and_memory:
            return summary(self.node, booted_at(), self.usage.usage)
        return summary(self.node, booted_at(), self.usage.usage, self.machine.measure(), self.clock.now())

    @property
    def pages(self) -> Mapping[str, Callable[[], bytes]]:
        """By what follows `/metrics` in the path."""
        return {
            "": lambda: page(self._kubelet, process=True),
            "cadvisor": lambda: page(self._cadvisor),
            "probes": lambda: page(self.probes.collect),
            "resource": lambda: page(lambda: resource_metrics(self.usage.usage)),
        }

    def _kubelet(self) -> Iterable[Metric]:
        return kubelet_metrics(self.node, self.kubelet.workers(), self.figures, self.shutdown, self.machine.claims())

    def _cadvisor(self) -> Iterable[Metric]:
        here = engineless()
        return cadvisor_metrics(self.usage.usage, self.machine.measure(), cores=here.cpus, memory=here.memory)
