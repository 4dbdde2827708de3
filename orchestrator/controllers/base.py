"""The loop that every controller is: informers put keys on a queue, workers take them and `sync`.

`sync` is level-triggered: it looks at what is there now, never at what the event was, so a lost, doubled or late key
does no harm. It runs for one key in one worker at a time.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from orchestrator.api.errors import AlreadyExists, ApiError, Conflict, NotFound
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Key, Object
from orchestrator.client.client import Client
from orchestrator.client.custom_informers import Tell
from orchestrator.client.informer import Informer
from orchestrator.client.informers import Informers
from orchestrator.client.workqueue import WorkQueue
from orchestrator.util import threads
from orchestrator.util.clock import Clock
from orchestrator.util.settings import Settings

log = logging.getLogger(__name__)

#: Seconds after which a clock that was set, or a machine that slept, is noticed.
NOTICED = 60.0


class Recorder(Protocol):
    """Tells the story in Events; `orchestrator.client.events.EventRecorder` is one."""

    def event(
        self, obj: Object, type: Literal["Normal", "Warning"], reason: str, message: str, *, component: str = ""
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What every controller needs of the world."""

    client: Client
    informers: Informers
    recorder: Recorder
    clock: Clock
    settings: Settings


class Controller(ABC):
    """Subclasses ask for their informers and add their handlers in `__init__`, and say in `sync` what a key needs."""

    #: Names its threads, its log lines and the source of its events.
    name: ClassVar[str]
    workers: ClassVar[int] = 1

    def __init__(self, context: Context) -> None:
        self.client = context.client
        self.clock = context.clock
        self._recorder = context.recorder
        self.queue = WorkQueue(context.clock)
        self._informers = context.informers
        self._needed: list[Informer] = []
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()

    @abstractmethod
    def sync(self, key: Key) -> None:
        """Bring the world one step nearer to what the object wants. Raising an ApiError has the key tried again."""

    def informer(self, kind: Kind) -> Informer:
        """The shared informer of `kind`, which must be in step before the first `sync`."""
        informer = self._informers.of(kind)
        self._needed.append(informer)
        return informer

    def follow_custom(self, begun: Tell, ended: Tell) -> None:
        """Have `begun` told of the informer of each custom kind, now and as they come, and `ended` as they go."""

        def needed(informer: Informer) -> None:
            self._needed.append(informer)
            begun(informer)

        self._needed.append(self._informers.custom.follow(needed, ended))

    def look_again(self, key: Key, seconds: float) -> None:
        """Have `sync` look whether a moment of the wall clock has come, `seconds` from now.

        The clock may be set meanwhile, in either direction, and nothing tells of it: so `sync` may look sooner, and
        finds then how much is left.
        """
        self.queue.add_after(key, min(seconds, NOTICED))

    def record(self, obj: Object, type: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Tell users something about `obj`, in an Event from this controller."""
        self._recorder.event(obj, type, reason, message, component=self.name)

    def start(self) -> None:
        """Begin to work, in threads of its own, as soon as the informers are in step."""
        self._threads = [threads.start(f"{self.name}-{number}", self._run) for number in range(self.workers)]

    def stop(self) -> None:
        """End after the syncs that are under way; returns when they are over."""
        self._stopped.set()
        self.queue.shut_down()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        for informer in self._needed:
            while not informer.wait_synced(1.0) and not informer.stopped:
                if self._stopped.is_set():
                    return
        while (key := self.queue.get()) is not None and not self._stopped.is_set():
            try:
                self._process(key)
            finally:
                self.queue.done(key)

    def _process(self, key: Key) -> None:
        try:
            self.sync(key)
        except (AlreadyExists, Conflict, NotFound) as error:
            # The cache is behind; the event that brings it up to date is on its way.
            log.debug("%s %s: will be tried again: %s", self.name, key, error)
            self.queue.add_rate_limited(key)
        except ApiError as error:
            log.warning("%s %s: will be tried again: %s", self.name, key, error)
            self.queue.add_rate_limited(key)
        except Exception:
            # A defect that one object brings out must not stop the work on all others.
            log.exception("%s %s: failed, will be tried again", self.name, key)
            self.queue.add_rate_limited(key)
        else:
            self.queue.forget(key)
