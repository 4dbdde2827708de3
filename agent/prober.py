"""Does the probes of the node's running containers when they are due: one timer thread, a small pool for the checks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from agent.check import check
from agent.events import field_path
from agent.metrics.probes import ProbeFigures
from agent.observed import Health
from agent.pool import Pool
from agent.probes import Outcome, Probe, ProbeState, early_retry, next_due, probes_of, record
from agent.runtime.base import ContainerState, Runtime
from orchestrator.api.meta import Key, Object, key, uid
from orchestrator.client.events import EventRecorder
from orchestrator.client.workqueue import WorkQueue
from orchestrator.util import threads
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: Checks at one time; each lasts at most its timeout, and its thread is there only while there are checks to make. So
#: many that 200 pods whose probes never answer are not late by more than a second (period 10 s, timeout 1 s: 20).
CHECKS = 48


@dataclass(frozen=True, slots=True)
class Target:
    """A running container with probes. `ready`, `started`: what its last status says, kept until a probe knows."""

    container: Object
    state: ContainerState
    ip: str
    ready: bool = False
    started: bool = False


@dataclass(slots=True)
class _Probing:
    pod: Object
    target: Target
    probe: Probe
    state: ProbeState
    #: A point of the probe's time grid; monotonic, like `first`.
    due: float
    #: When it was first tried.
    first: float | None = None

    @property
    def id(self) -> str:
        return self.target.state.id

    @property
    def key(self) -> Key:
        return Key(f"{self.id}/{self.probe.kind}")


class Prober:
    """`changed(uid)` is called when a pod's health turned."""

    def __init__(self, runtime: Runtime, recorder: EventRecorder, changed: Callable[[str], None], clock: Clock) -> None:
        self._runtime, self._recorder, self._changed, self._clock = runtime, recorder, changed, clock
        self._lock = threading.Lock()
        #: By pod uid, then by key.
        self._pods: dict[str, dict[Key, _Probing]] = {}
        self._by_key: dict[Key, _Probing] = {}
        self._queue = WorkQueue(clock)
        self._pool = Pool("probe", CHECKS)
        self.figures = ProbeFigures()

    def start(self) -> None:
        threads.start("probe-timer", self._dispatch)

    def stop(self) -> None:
        self._queue.shut_down()

    def update(self, pod: Object, running: Iterable[Target]) -> None:
        """Probe exactly these containers of the pod from now on."""
        with self._lock:
            wanted = {target.state.id: target for target in running}
            probing = self._pods.get(uid(pod), {})
            for entry in [entry for entry in probing.values() if entry.id not in wanted]:
                self._forget(uid(pod), entry)
            known = {entry.id for entry in probing.values()}
            for target in wanted.values():
                if target.state.id not in known:
                    self._begin(pod, target)

    def forget(self, pod_uid: str) -> None:
        with self._lock:
            for entry in list(self._pods.get(pod_uid, {}).values()):
                self._forget(pod_uid, entry)
        self.figures.forget(pod_uid)

    def health(self, pod_uid: str) -> Health:
        with self._lock:
            entries = list(self._pods.get(pod_uid, {}).values())
            return Health(
                starting=frozenset(e.id for e in entries if e.probe.kind == "startup" and not e.state.passing),
                unready=frozenset(e.id for e in entries if e.probe.kind == "readiness" and not e.state.passing),
                unhealthy={e.id: e.probe.kind for e in entries if _has_failed(e)},
            )

    def _begin(self, pod: Object, target: Target) -> None:
        now = self._clock.monotonic()
        age = max(0.0, self._clock.now() - target.state.started_at)
        entries = [
            _Probing(pod, target, probe, _first_state(target, probe), now + max(0.0, probe.initial_delay - age))
            for probe in probes_of(target.container)
        ]
        for entry in entries:
            self._pods.setdefault(uid(pod), {})[entry.key] = self._by_key[entry.key] = entry
        for entry in entries:
            if not self._is_gated(entry):
                self._queue.add_after(entry.key, entry.due - now)

    def _forget(self, pod_uid: str, entry: _Probing) -> None:
        self._by_key.pop(entry.key, None)
        self._pods[pod_uid].pop(entry.key, None)
        if not self._pods[pod_uid]:
            del self._pods[pod_uid]

    def _is_gated(self, entry: _Probing) -> bool:
        """The startup probe comes first; the others wait for it."""
        startup = self._by_key.get(Key(f"{entry.id}/startup"))
        return startup is not None and startup is not entry and not startup.state.passing

    def _dispatch(self) -> None:
        while (due := self._queue.get()) is not None:
            self._pool.submit(partial(self._run, due))

    def _run(self, entry_key: Key) -> None:
        try:
            with self._lock:
                entry = self._by_key.get(entry_key)
            if entry is not None:
                self._probe(entry)
        finally:
            self._queue.done(entry_key)

    def _probe(self, entry: _Probing) -> None:
        id, begun = entry.id, self._clock.monotonic()
        outcome = check(
            entry.probe,
            entry.target.container,
            entry.target.ip,
            lambda command, timeout: self._runtime.exec(id, command, timeout),
        )
        now = self._clock.monotonic()
        entry.first = now if entry.first is None else entry.first
        retry = early_retry(entry.probe, entry.state, outcome, now - entry.first)
        if retry is not None:
            self._queue.add_after(entry.key, retry)
            return
        container = entry.target.container["name"]
        self.figures.probed(entry.pod, container, entry.probe.kind, now - begun, outcome)
        if text := _event(entry.probe, outcome):
            self._tell(entry, *text)
        self._learn(entry, outcome, now)

    def _learn(self, entry: _Probing, outcome: Outcome, now: float) -> None:
        with self._lock:
            if self._by_key.get(entry.key) is not entry:
                return  # The container ended while it was probed.
            before = entry.state.passing
            if not outcome.errored:
                entry.state = record(entry.probe, entry.state, outcome.ok)
            turned = entry.state.passing != before
            entry.due = next_due(entry.probe, entry.due, now)
            started = turned and entry.probe.kind == "startup" and bool(entry.state.passing)
            siblings = [e for e in self._pods[uid(entry.pod)].values() if e.id == entry.id and e is not entry]
        if started:
            for sibling in siblings:
                sibling.due = max(sibling.due, now)
                self._queue.add_after(sibling.key, sibling.due - now)
        elif _goes_on(entry):
            self._queue.add_after(entry.key, entry.due - now)
        if turned:
            self._changed(uid(entry.pod))

    def _tell(self, entry: _Probing, reason: str, message: str) -> None:
        container = entry.target.container["name"]
        log.info("%s: %s: %s", key(entry.pod), container, message)
        where = field_path(entry.pod, container)
        self._recorder.event(entry.pod, "Warning", reason, message, field_path=where)


def _event(probe: Probe, outcome: Outcome) -> tuple[str, str] | None:
    """(reason, message) of what is to be told, with the kubelet's words."""
    probed = f"{probe.kind.capitalize()} probe"
    if outcome.errored:
        return "Unhealthy", f"{probed} errored and resulted in unknown state: {outcome.message}"
    if not outcome.ok:
        return "Unhealthy", f"{probed} failed: {outcome.message}"
    return ("ProbeWarning", f"{probed} warning: {outcome.warning}") if outcome.warning else None


def _has_failed(entry: _Probing) -> bool:
    """Failed for good: the container is to be killed, and is probed no more."""
    return entry.probe.kind != "readiness" and entry.state.passing is False


def _goes_on(entry: _Probing) -> bool:
    """A startup probe ends with its first verdict, a liveness probe with a failure, a readiness probe never."""
    if entry.probe.kind == "startup":
        return entry.state.passing is None
    return not _has_failed(entry)


def _first_state(target: Target, probe: Probe) -> ProbeState:
    known = {"readiness": target.ready, "startup": target.started, "liveness": True}[probe.kind]
    return ProbeState(passing=True) if known else ProbeState()
