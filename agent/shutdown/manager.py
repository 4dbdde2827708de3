"""Ends the node's pods when the machine goes down, and keeps new ones away meanwhile."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from agent.kubelet import Kubelet
from agent.observed import is_running
from agent.pod_worker import PodWorker
from agent.shutdown.plan import Wave, waves
from agent.status_sender import StatusSender
from orchestrator.api.meta import uid
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: Seconds between looks whether a wave of pods has ended.
_LOOK = 0.1
PROBLEM = "node is shutting down"


@dataclass(frozen=True, slots=True)
class ShutdownPeriods:
    """In seconds; `critical` is the part of `total` that is for critical pods."""

    total: float
    critical: float


class NodeShutdown:
    """`changed` hears that the node begins, or ceases, to shut down; `tell(reason, message)` makes an event about it.

    `begin` and `cancel` are called by one thread; any thread may ask.
    """

    def __init__(
        self,
        kubelet: Kubelet,
        statuses: StatusSender,
        periods: ShutdownPeriods,
        changed: Callable[[], None],
        tell: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        self._kubelet, self._statuses, self._periods = kubelet, statuses, periods
        self._changed, self._tell, self._clock = changed, tell, clock
        self._stopping = threading.Event()
        self.started_at = self.ended_at = 0.0
        self.shutting_down = False

    @property
    def problem(self) -> str:
        """Why the node is not ready, "" when this is no reason."""
        return PROBLEM if self.shutting_down else ""

    def begin(self, granted: float) -> None:
        """End all pods; `granted` in seconds is the longest that the machine waits. Returns when all have ended and the
        API has heard of it, or the time is over."""
        log.warning("the machine goes down: the pods end")
        self.shutting_down, self.started_at = True, self._clock.now()
        self._tell("Shutdown", "Shutdown manager detected shutdown event")
        self._changed()
        workers = {uid(worker.pod): worker for worker in self._kubelet.workers() if worker.active}
        deadline = self._clock.monotonic() + min(granted, self._periods.total)
        pods = [worker.pod for worker in workers.values()]
        for wave in waves(pods, min(granted, self._periods.total), self._periods.critical):
            self._end(wave, [workers[uid(pod)] for pod in wave.pods])
        self._await(lambda: self._statuses.idle, deadline)
        self.ended_at = self._clock.now()

    def cancel(self) -> None:
        """The machine stays up after all: new pods may come; those that were ended stay so."""
        log.warning("the machine does not go down after all")
        self.shutting_down = False
        self._tell("Shutdown", "Shutdown manager detected shutdown cancellation")
        self._changed()

    def stop(self) -> None:
        """Waits no more."""
        self._stopping.set()

    def _end(self, wave: Wave, workers: list[PodWorker]) -> None:
        log.info("%d pods end, within %g s", len(workers), wave.seconds)
        for worker in workers:
            worker.condemn(wave.verdict)
        deadline = self._clock.monotonic() + wave.seconds
        self._await(lambda: not any(map(_runs, workers)), deadline)

    def _await(self, done: Callable[[], bool], deadline: float) -> None:
        while not done() and (left := deadline - self._clock.monotonic()) > 0:
            if self._clock.wait(self._stopping, min(left, _LOOK)):
                return


def _runs(worker: PodWorker) -> bool:
    return any(map(is_running, worker.memory.containers()))
