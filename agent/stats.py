"""What the node and its containers use: the counters of machine and engine, sampled now and then."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from agent.kubelet import Kubelet
from agent.observed import is_running, is_sandbox
from agent.runtime.base import (
    LABEL_CONTAINER,
    ContainerState,
    EngineUnreachable,
    Runtime,
    RuntimeFailure,
    Stats,
)
from orchestrator.api.meta import Object

log = logging.getLogger(__name__)

#: Seconds between samples: as often as metrics-server asks a kubelet.
PERIOD = 15.0
#: Over less than this, in seconds, a rate says little.
_SHORTEST = 1.0
_MACHINE = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """CPU in cores, averaged over `window` seconds."""

    cpu: float
    window: float


@dataclass(frozen=True, slots=True)
class Usage:
    """The newest sample, and what was used up to it (None where there is nothing to compare it with)."""

    sample: Stats
    rate: Rate | None


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """`started_at` in seconds since the epoch; `engine_name` and `image` are the engine's, as is `id`."""

    name: str
    started_at: float
    usage: Usage
    id: str = ""
    engine_name: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class PodUsage:
    """Of the containers that ran when they were sampled."""

    pod: Object
    containers: tuple[ContainerUsage, ...]

    @property
    def total(self) -> Usage:
        """As of the container that was measured first; with a rate when all have one. There is at least one."""
        usages = [container.usage for container in self.containers]
        first = min(usages, key=lambda usage: usage.sample.at)
        rates = [usage.rate for usage in usages if usage.rate is not None]
        sample = Stats(
            sum(usage.sample.cpu_nanoseconds for usage in usages),
            sum(usage.sample.memory_working_set for usage in usages),
            first.sample.at,
        )
        if first.rate is None or len(rates) < len(usages):
            return Usage(sample, None)
        return Usage(sample, Rate(sum(rate.cpu for rate in rates), first.rate.window))


@dataclass(frozen=True, slots=True)
class NodeUsage:
    """`machine` is None before the first sample."""

    machine: Usage | None = None
    pods: tuple[PodUsage, ...] = ()


def rate(before: Stats, after: Stats) -> Rate | None:
    """The use between two samples of one thing, or None when they are too close or it began anew in between."""
    window = after.at - before.at
    spent = after.cpu_nanoseconds - before.cpu_nanoseconds
    return Rate(spent / 1e9 / window, window) if window >= _SHORTEST and spent >= 0 else None


class UsageMeter:
    """`sample` is to be called every PERIOD seconds, by one thread; any thread may read `usage`, the last result."""

    def __init__(self, kubelet: Kubelet, runtime: Runtime, machine: Callable[[], Stats]) -> None:
        self._kubelet, self._runtime, self._machine = kubelet, runtime, machine
        #: The last samples, by container id.
        self._samples: Mapping[str, Stats] = {}
        self.usage = NodeUsage()

    def sample(self) -> None:
        """Measure the machine and all running containers. While the engine is away the last figures stay."""
        taken: dict[str, Stats] = {}
        try:
            machine = self._note(_MACHINE, self._machine(), None, taken)
            pods = [
                PodUsage(worker.pod, tuple(self._containers(worker.memory.containers(), taken)))
                for worker in self._kubelet.workers()
            ]
        except EngineUnreachable as error:
            log.warning("containers are not measured, the next try is in %g s: %s", PERIOD, error)
            return
        self._samples = taken
        self.usage = NodeUsage(machine, tuple(pod for pod in pods if pod.containers))

    def _containers(self, found: list[ContainerState], taken: dict[str, Stats]) -> Iterator[ContainerUsage]:
        for container in found:
            if is_sandbox(container) or not is_running(container):
                continue
            try:
                now = self._runtime.stats(container.id)
            except EngineUnreachable:
                raise
            except RuntimeFailure as error:
                log.debug("container %s is not measured, it may just have ended: %s", container.id, error)
                continue
            usage = self._note(container.id, now, _beginning(container, now), taken)
            name = container.labels[LABEL_CONTAINER]
            yield ContainerUsage(name, container.started_at, usage, container.id, container.name, container.image)

    def _note(self, id: str, now: Stats, beginning: Stats | None, taken: dict[str, Stats]) -> Usage:
        taken[id] = now
        before = self._samples.get(id) or beginning
        return Usage(now, rate(before, now) if before else None)


def _beginning(container: ContainerState, now: Stats) -> Stats | None:
    """What stands for the sample before the first: a container that just started had used nothing then."""
    fresh = now.at - container.started_at < 2 * PERIOD
    return Stats(0, 0, container.started_at) if fresh else None
