"""Follows the engine: lists the node's containers, then hears of each change, and begins again when that breaks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from agent.kubelet import Kubelet
from agent.runtime.base import Event, Runtime, RuntimeFailure, Stream
from orchestrator.client.backoff import Backoff
from orchestrator.util import threads
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: Seconds before the engine is tried again, and the longest it may come to.
FIRST_RETRY = 0.1
LONGEST_RETRY = 5.0


class EngineWatch:
    """`report(problem)` is called with "" when the engine answers (again), with why when it does not."""

    def __init__(
        self,
        runtime: Runtime,
        labels: Mapping[str, str],
        kubelet: Kubelet,
        report: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._runtime, self._labels, self._kubelet = runtime, labels, kubelet
        self._report, self._clock = report, clock
        self._stopping = threading.Event()
        self._stream: Stream[Event] | None = None
        self._relisting = threading.Lock()

    def start(self) -> None:
        threads.start("engine-watch", self._run)

    def stop(self) -> None:
        self._stopping.set()
        if self._stream is not None:
            self._stream.close()

    def relist(self) -> None:
        """The safety net under the events: one listing of everything. Raises RuntimeFailure."""
        with self._relisting:
            at = self._clock.monotonic()
            self._kubelet.listed(self._runtime.list(self._labels), at)

    def relist_if_reachable(self) -> None:
        """As `relist`. An engine that hangs is silent, not gone: that its listing fails is how it shows."""
        try:
            self.relist()
        except RuntimeFailure as error:
            self._report(str(error))
            if self._stream is not None:
                self._stream.close()  # And so is followed anew, which tells when it is back.

    def _run(self) -> None:
        backoff = Backoff(FIRST_RETRY, LONGEST_RETRY)
        while not self._stopping.is_set():
            try:
                self._follow(backoff)
            except RuntimeFailure as error:
                pause = backoff.next()
                self._report(str(error))
                log.warning("the engine does not answer, will try again in %.1f s: %s", pause, error)
                self._clock.wait(self._stopping, pause)

    def _follow(self, backoff: Backoff) -> None:
        """Until the engine fails (RuntimeFailure) or its stream of events is closed.

        The stream is opened before the listing, so that no change falls between the two.
        """
        self._stream = self._runtime.events(self._labels, self._clock.now())
        self.relist()
        self._report("")
        backoff.reset()
        self._kubelet.engine_is_back()
        for event in self._stream:
            self._kubelet.container_event(event)
