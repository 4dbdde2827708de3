"""Looks whether the node runs short of something, and has pods leave before it does.

One look costs the same however many pods there are. Only when the node is short of something are all pods measured, and
always those that have a limit of disk use: where counting their files takes long, they are counted less often.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.eviction import limits
from agent.eviction.config import EvictionConfig, Threshold
from agent.eviction.limits import PodStorage
from agent.eviction.rank import PodUse, message, rank
from agent.eviction.signals import RESOURCES, Observations
from agent.eviction.storage import StorageMeter
from agent.eviction.thresholds import Shortage, any_met, update
from agent.kubelet import Kubelet
from agent.observed import is_running, is_sandbox
from agent.pod_worker import PodWorker
from agent.runtime.base import LABEL_CONTAINER, ContainerState, EngineUnreachable, Runtime, RuntimeFailure, Stats
from agent.verdict import EVICTED, Verdict
from orchestrator.api.meta import uid
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: Seconds between looks, as the kubelet's.
PERIOD = 10.0
#: Seconds that the containers of a pod get when the node cannot wait.
IMMEDIATE = 1
#: Seconds after which the next pod is evicted though the one before has not ended.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class EvictionTools:
    """`observe` measures the machine. `reclaim` are called, in order, when the disk is short, before any pod has to go:
    each frees what nobody needs. `tell(reason, message)` makes a warning about the node; `changed` hears that its
    conditions did; `evicted(signal)` counts."""

    kubelet: Kubelet
    runtime: Runtime
    storage: StorageMeter
    clock: Clock
    observe: Callable[[], Observations]
    tell: Callable[[str, str], None]
    changed: Callable[[], None]
    evicted: Callable[[str], None]
    reclaim: Sequence[Callable[[], None]] = ()


class EvictionManager:
    """`synchronize` is to be called every PERIOD seconds, by one thread; any thread may read the rest."""

    def __init__(self, config: EvictionConfig, tools: EvictionTools) -> None:
        self._config, self._tools = config, tools
        self._shortage = Shortage()
        #: Evicted, but not gone yet.
        self._leaving: list[PodWorker] = []
        self._evicted_at = 0.0

    @property
    def conditions(self) -> frozenset[str]:
        """The node's: MemoryPressure, DiskPressure, PIDPressure."""
        return self._shortage.conditions

    def look(self) -> Observations:
        """Bring the conditions up to date."""
        found = self._tools.observe()
        before, now = self._shortage, self._tools.clock.monotonic()
        self._shortage = update(before, found, self._config, now)
        if self._shortage.conditions != before.conditions:
            log.info("conditions of the node: %s", ", ".join(sorted(self._shortage.conditions)) or "none")
            self._tools.changed()
        return found

    def synchronize(self) -> None:
        found = self.look()
        try:
            if not self._enforce_limits() and self._shortage.due:
                self._relieve(self._shortage.due[0], found)
        except EngineUnreachable as error:
            log.warning("pods are not measured, the next look is in %g s: %s", PERIOD, error)

    # Pods that use more disk than they may

    def _enforce_limits(self) -> bool:
        """Evict them; whether there were any."""
        limited = [worker for worker in self._active() if limits.is_limited(worker.pod)]
        found = [(worker, limits.excess(worker.pod, self._measure_storage(worker))) for worker in limited]
        for worker, excess in found:
            if excess is not None:
                self._evict(worker, excess.message, IMMEDIATE, excess.signal)
        return any(excess for _, excess in found)

    # Pressure

    def _relieve(self, threshold: Threshold, found: Observations) -> None:
        resource = RESOURCES[threshold.signal]
        self._tools.tell("EvictionThresholdMet", f"Attempting to reclaim {resource}")
        if resource in ("ephemeral-storage", "inodes") and self._reclaimed():
            return
        if self._still_leaving():
            return
        workers = {uid(worker.pod): worker for worker in self._active()}
        uses = [use for worker in workers.values() if (use := self._use(worker, resource)) is not None]
        for use in rank(uses, resource)[:1]:
            grace = IMMEDIATE if threshold.hard else max(IMMEDIATE, self._config.longest_grace)
            self._evict(workers[uid(use.pod)], message(use, threshold, found), grace, threshold.signal)

    def _reclaimed(self) -> bool:
        """Whether there is enough again without any pod having to go."""
        for reclaim in self._tools.reclaim:
            reclaim()
            if not any_met(self._shortage.due, self._tools.observe()):
                return True
        return False

    def _still_leaving(self) -> bool:
        """What the last one took may come free any moment: no second pod has to go before that is known."""
        self._leaving = [worker for worker in self._leaving if any(map(is_running, worker.memory.containers()))]
        return bool(self._leaving) and self._tools.clock.monotonic() - self._evicted_at < PATIENCE

    def _use(self, worker: PodWorker, resource: str) -> PodUse | None:
        """None for a pod that has nothing which could be had back."""
        if resource in ("ephemeral-storage", "inodes"):
            storage = self._measure_storage(worker)
            if resource == "inodes":
                return PodUse(worker.pod, sum(volume.inodes for volume in storage.volumes.values()))
            return PodUse(worker.pod, storage.total(worker.pod), storage.containers)
        figures = {c.labels[LABEL_CONTAINER]: self._stats(c) for c in worker.memory.containers() if _counts(c)}
        running = {name: stats for name, stats in figures.items() if stats is not None}
        if not running:
            return None
        used = {name: _figure(stats, resource) for name, stats in running.items()}
        return PodUse(worker.pod, sum(used.values()), used)

    def _measure_storage(self, worker: PodWorker) -> PodStorage:
        try:
            return self._tools.storage.measure(worker)
        except EngineUnreachable:
            raise
        except RuntimeFailure as error:
            log.warning("%s: not measured: %s", uid(worker.pod), error)
            return PodStorage()

    def _stats(self, container: ContainerState) -> Stats | None:
        try:
            return self._tools.runtime.stats(container.id)
        except EngineUnreachable:
            raise
        except RuntimeFailure:
            return None  # It has just ended.

    def _active(self) -> list[PodWorker]:
        return [worker for worker in self._tools.kubelet.workers() if worker.active]

    def _evict(self, worker: PodWorker, why: str, grace: int, signal: str) -> None:
        worker.condemn(Verdict(EVICTED, why, grace))
        self._leaving.append(worker)
        self._evicted_at = self._tools.clock.monotonic()
        self._tools.evicted(signal)


def _counts(container: ContainerState) -> bool:
    return is_running(container) and not is_sandbox(container)


def _figure(stats: Stats, resource: str) -> int:
    if resource == "memory":
        return stats.memory_working_set
    return stats.details.processes or 0 if stats.details else 0
