"""What a pod's worker remembers between steps. Thread-safe; `observe` gives it out as one value."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace

from agent.actions import PARTIAL, Action, KillContainer
from agent.observed import Health, Observed, ResizeRefusal, Setback, Volumes, is_running, restarts
from agent.restarts import ran_steadily
from agent.runtime.base import LABEL_CONTAINER, ContainerState, Image
from agent.verdict import Verdict
from agent.volumes import Prepared
from orchestrator.api.meta import Object

#: Seconds until a failed action is tried again; doubles with each failure in a row up to LONGEST.
FIRST_RETRY = 1.0
LONGEST_RETRY = 15.0

_RANK = {"created": 0, "running": 1, "exited": 2}


class PodMemory:
    """`status` is the pod's last status: what the API had when the worker began, then what was computed."""

    def __init__(self, status: Object) -> None:
        self._lock = threading.Lock()
        self._containers: dict[str, ContainerState] = {}
        #: When (monotonic) something was last learned of a container, by id.
        self._learned: dict[str, float] = {}
        #: Containers known to be removed: what an older answer of the engine says of them is no news.
        self._removed: set[str] = set()
        self._inflight: set[Action] = set()
        self._images: dict[str, Image] = {}
        self._setbacks: dict[str, Setback] = {}
        self._stopping: dict[str, int] = {}
        self._hooking: set[str] = set()
        self._steady: dict[str, int] = {}
        #: Set when the container has ended, by id.
        self._ends: dict[str, threading.Event] = {}
        self._volumes: Volumes = "unknown"
        self._prepared: Prepared = {}
        self.gone = False
        #: Nothing of the pod is left here, and that was said.
        self.finalized = False
        self._verdict: Verdict | None = None
        self.status = status
        #: Resources granted, by container; see `agent.resize`.
        self.allocation: Mapping[str, Object] = {}
        self.resize_refused: ResizeRefusal | None = None

    def observe(self, health: Health) -> Observed:
        with self._lock:
            return Observed(
                containers=tuple(self._containers.values()),
                gone=self.gone,
                finalized=self.finalized,
                inflight=frozenset(self._inflight),
                images=frozenset(self._images),
                volumes=self._volumes,
                setbacks=dict(self._setbacks),
                stopping=dict(self._stopping),
                hooking=frozenset(self._hooking),
                steady=dict(self._steady),
                health=health,
                resize_refused=self.resize_refused,
                verdict=self._verdict,
                status=self.status,
            )

    @property
    def verdict(self) -> Verdict | None:
        return self._verdict

    def condemn(self, verdict: Verdict) -> bool:
        """The node ends the pod; False when it has a verdict already, which then stands."""
        with self._lock:
            first, self._verdict = self._verdict is None, self._verdict or verdict
            return first

    def containers(self) -> list[ContainerState]:
        with self._lock:
            return list(self._containers.values())

    def get(self, id: str) -> ContainerState | None:
        with self._lock:
            return self._containers.get(id)

    def has_ended(self, id: str, since: float) -> bool:
        """It is known to be gone, or to have ended `since` then (seconds since the epoch)."""
        with self._lock:
            state = self._containers.get(id)
            return id in self._removed if state is None else state.state == "exited" and state.finished_at >= since

    def put(self, new: ContainerState, at: float) -> None:
        """Learn a container's state as it was at `at` (monotonic); an older state does not undo a newer one."""
        with self._lock:
            self._put(new, at)

    def started(self, id: str, now: float, at: float, *, hooking: bool = False) -> None:
        """The engine started the container, `now` in seconds since the epoch; it may have ended since.

        With `hooking` its postStart hook begins, until `hook_ended`.
        """
        with self._lock:
            state = self._containers.get(id)
            if state is not None and state.state == "created":
                if hooking:
                    self._hooking.add(id)
                self._put(replace(state, state="running", started_at=now), at)

    def hook_ended(self, id: str) -> None:
        with self._lock:
            self._hooking.discard(id)

    def end_of(self, id: str) -> threading.Event:
        """Set when the container does not run (any more)."""
        with self._lock:
            state = self._containers.get(id)
            if state is None or not is_running(state):
                over = threading.Event()
                over.set()
                return over
            return self._ends.setdefault(id, threading.Event())

    def is_stopping(self, id: str) -> bool:
        """Whether the container was told to stop, or has ended."""
        with self._lock:
            return id in self._stopping or id not in self._containers or not is_running(self._containers[id])

    def drop(self, id: str) -> None:
        """The engine has the container no more."""
        with self._lock:
            self._drop(id)

    def relist(self, found: Iterable[ContainerState], at: float) -> None:
        """Learn all the pod's containers, as the engine listed them from `at` (monotonic) on."""
        with self._lock:
            states = {state.id: state for state in found}
            for state in states.values():
                self._put(state, at)
            for id in [id for id, learned in self._learned.items() if id not in states and learned < at]:
                self._drop(id)

    def begin(self, action: Action) -> None:
        with self._lock:
            self._inflight.add(action)
            if isinstance(action, KillContainer):
                self._stopping[action.id] = min(action.grace, self._stopping.get(action.id, action.grace))

    def succeed(self, action: Action) -> None:
        with self._lock:
            self._inflight.discard(action)
            setback = self._setbacks.get(action.slot)
            if setback is not None and (setback.action == action or not isinstance(action, PARTIAL)):
                del self._setbacks[action.slot]

    def fail(self, action: Action, reason: str, message: str, now: float, retry_after: float | None = None) -> Setback:
        """Note the failure; `now` in seconds since the epoch, `retry_after` in seconds (None: the usual back-off)."""
        with self._lock:
            self._inflight.discard(action)
            if isinstance(action, KillContainer):
                self._stopping.pop(action.id, None)
            before = self._setbacks.get(action.slot)
            count = before.count + 1 if before else 1
            usual = min(FIRST_RETRY * 2.0 ** min(count - 1, 16), LONGEST_RETRY)
            wait = usual if retry_after is None else retry_after
            setback = Setback(action, reason, message, now + wait, count)
            self._setbacks[action.slot] = setback
            return setback

    def retry_now(self) -> None:
        """What failed is worth trying at once: the cause may be gone."""
        with self._lock:
            self._setbacks = {slot: replace(setback, retry_at=0.0) for slot, setback in self._setbacks.items()}

    def image_ready(self, container: str, image: Image) -> None:
        with self._lock:
            self._images[container] = image

    def image(self, container: str) -> Image:
        """The image made sure of for the next start. Raises KeyError."""
        with self._lock:
            return self._images[container]

    def image_used(self, container: str) -> None:
        """The next start has to make sure of the image again."""
        with self._lock:
            self._images.pop(container, None)

    @property
    def prepared(self) -> Prepared:
        """The volumes made ready; none before that."""
        return self._prepared

    def volumes_ready(self, prepared: Prepared) -> None:
        with self._lock:
            self._volumes, self._prepared = "ready", prepared

    def volumes_removed(self) -> None:
        with self._lock:
            self._volumes, self._prepared = "removed", {}

    def _put(self, new: ContainerState, at: float) -> None:
        old = self._containers.get(new.id)
        if new.id in self._removed or (old is not None and _older(new, old)):
            return
        self._containers[new.id] = new
        self._learned[new.id] = max(at, self._learned.get(new.id, at))
        if is_running(new):
            return
        self._ended(new.id)
        if ran_steadily(new):
            self._steady[new.labels.get(LABEL_CONTAINER, "")] = restarts(new)

    def _drop(self, id: str) -> None:
        self._removed.add(id)
        self._containers.pop(id, None)
        self._learned.pop(id, None)
        self._ended(id)

    def _ended(self, id: str) -> None:
        self._stopping.pop(id, None)
        self._hooking.discard(id)
        if end := self._ends.pop(id, None):
            end.set()


def _older(new: ContainerState, old: ContainerState) -> bool:
    """Whether `new` tells of an earlier moment than `old`: a container goes from created over running to exited."""
    return _RANK[new.state] < _RANK[old.state] and new.started_at <= old.started_at
