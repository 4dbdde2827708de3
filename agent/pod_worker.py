"""One pod's worker: looks, asks `lifecycle.step`, begins what it says, and tells the API what it saw.

It has no thread of its own: `sync` is short and is called by the kubelet's one dispatcher whenever something
happened to the pod; the actions run in pools and wake the worker when they are done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from agent import resize
from agent.actions import Action, EnsureImage, Finalize, KillContainer, PrepareVolumes, StartContainer
from agent.events import status_events
from agent.failures import EXPECTED, explain
from agent.hooks import hook_of
from agent.lifecycle import step
from agent.metrics.figures import Figures
from agent.observed import Observed, is_running
from agent.pod_actions import PodActions
from agent.pod_memory import PodMemory
from agent.podspec import all_containers, find_by_name
from agent.pool import Pool
from agent.prober import Prober, Target
from agent.runtime.base import ContainerState, Event, NoSuchContainer, RuntimeFailure
from agent.status import pod_status
from agent.status_sender import StatusSender
from agent.verdict import Verdict
from orchestrator.api.meta import Object, is_deleting, key, spec, status, uid
from orchestrator.api.pods import is_terminal
from orchestrator.client.events import EventRecorder
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: Volumes whose contents follow the API.
LIVE_VOLUMES = frozenset({"configMap", "secret", "downwardAPI", "projected"})
#: Seconds between a container's end, as the engine notes it, and its telling of it.
_TOLD_WITHIN = 1.0


@dataclass(frozen=True, slots=True)
class Shared:
    """What all workers of a node use. `quick` runs what the engine does in less than a second, `slow` stops, which may
    take minutes, and `images` the waiting for pulls, which may take for ever."""

    actions: PodActions
    prober: Prober
    statuses: StatusSender
    recorder: EventRecorder
    clock: Clock
    quick: Pool
    slow: Pool
    images: Pool
    host_ip: str
    #: The other pods of the node, with what was granted to them.
    others: Callable[[str], Iterable[Object]]
    allocatable: Mapping[str, str]
    figures: Figures


class PodWorker:
    """`wake()` has the worker's `sync` called soon, from the dispatcher."""

    def __init__(self, pod: Object, shared: Shared, wake: Callable[[], None]) -> None:
        self.pod = pod
        self._shared, self._wake = shared, wake
        self.memory = PodMemory(status(pod))
        self.memory.allocation = resize.known_allocation(pod)
        self._begun = shared.clock.monotonic()

    @property
    def ended(self) -> bool:
        """Nothing of the pod is left, here or in the API."""
        return self.memory.gone and self.memory.finalized

    def sync(self) -> float | None:
        """Begin what is due. Returns when to call again if nothing happens before, in seconds since the epoch."""
        self._allocate(self.pod)
        pod, now = self.allocated, self._shared.clock.now()
        seen = self._look(pod)
        new = pod_status(pod, seen, self._shared.host_ip, now)
        plan = step(pod, replace(seen, status=new), now)
        for action in plan.actions:
            self._begin(pod, action)
        if new != seen.status and not seen.gone and not seen.finalized:
            self._tell(pod, seen, new)
        return plan.again_at

    @property
    def allocated(self) -> Object:
        """The pod as it is to be run: with the resources that it was granted."""
        return resize.with_allocation(self.pod, self.memory.allocation)

    def _allocate(self, pod: Object) -> None:
        """Grant the pod what it wants now, if the node has it."""
        memory, wanted = self.memory, resize.wanted(pod)
        if wanted == memory.allocation:
            memory.resize_refused = None
        elif not memory.gone and not is_deleting(pod):
            grows = resize.increases(pod, memory.allocation)
            others = self._shared.others(uid(pod)) if grows else ()
            memory.resize_refused = resize.refusal(pod, others, self._shared.allocatable) if grows else None
            if memory.resize_refused is None:
                memory.allocation = wanted

    def observed(self) -> Observed:
        return self.memory.observe(self._shared.prober.health(uid(self.pod)))

    def relist(self, found: Iterable[ContainerState], at: float) -> None:
        """Learn all the pod's containers, as the engine listed them from `at` (monotonic) on."""
        self.memory.relist([self._with_message(state) for state in found], at)

    def _with_message(self, state: ContainerState) -> ContainerState:
        """What is known to have ended has been asked for its message."""
        known = self.memory.get(state.id)
        if known is not None and known.state == "exited" and known.finished_at == state.finished_at:
            return known
        return self._shared.actions.complete(state)

    def close(self) -> None:
        """The worker is done; its probes end."""
        self._shared.prober.forget(uid(self.pod))

    def container_event(self, event: Event) -> None:
        """The engine says that something happened to one of the pod's containers."""
        if event.action == "destroy":
            self.memory.drop(event.id)
            self._wake()
        elif event.action == "die":
            self._shared.quick.submit(lambda: self._look_at_end(event))
        elif event.action == "start" and self._is_news(event):
            self._shared.quick.submit(lambda: self._inspect(event.id))

    def refresh_volumes(self) -> None:
        """Bring what comes from ConfigMaps, Secrets and the pod's own metadata up to date."""
        seen = self.observed()
        settled = seen.gone or is_deleting(self.pod) or is_terminal({"status": seen.status})
        if _has_live_volumes(self.pod) and not settled and not seen.busy(PrepareVolumes().slot):
            self._begin(self.pod, PrepareVolumes())

    @property
    def active(self) -> bool:
        """The pod takes what it asked for of the node, now or soon."""
        return not (self.memory.gone or self.memory.verdict or is_terminal({"status": self.memory.status}))

    def condemn(self, verdict: Verdict) -> None:
        """The node ends the pod, or does not begin it. The first verdict stands."""
        if self.memory.condemn(verdict):
            log.warning("%s: %s: %s", key(self.pod), verdict.reason, verdict.message)
            if verdict.rejected:
                self._shared.figures.rejected(verdict.reason)
            self._shared.recorder.event(self.pod, "Warning", verdict.reason, verdict.message)
            self._wake()

    def resend_status(self) -> None:
        """Write the status again when the API has another: a write may have been lost."""
        seen = self.memory.status
        if not self.memory.gone and seen and any(status(self.pod).get(field) != seen[field] for field in seen):
            self._shared.statuses.post(self.pod, seen)

    def _look(self, pod: Object) -> Observed:
        """Containers that just began to run have their probes from here on: they are not ready by oversight."""
        seen = self.observed()
        self._shared.prober.update(pod, _targets(pod, seen, self._shared.host_ip))
        return replace(seen, health=self._shared.prober.health(uid(pod)))

    def _tell(self, pod: Object, seen: Observed, new: Object) -> None:
        self.memory.status = new
        if new["phase"] == "Running" != seen.status.get("phase"):
            self._shared.figures.pod_started(self._shared.clock.monotonic() - self._begun)
        for event in status_events(pod, seen.status, new):
            self._shared.recorder.event(pod, *event)
        self._shared.statuses.post(pod, new)

    def _begin(self, pod: Object, action: Action) -> None:
        self.memory.begin(action)
        self._pool(pod, action).submit(lambda: self._run(pod, action))

    def _pool(self, pod: Object, action: Action) -> Pool:
        if isinstance(action, EnsureImage):
            return self._shared.images
        return self._shared.slow if _may_take_long(pod, action) else self._shared.quick

    def _run(self, pod: Object, action: Action) -> None:
        begun, failed = self._shared.clock.monotonic(), True
        try:
            if isinstance(action, Finalize):
                self._finalize(pod)
            else:
                self._shared.actions.run(action, pod, self.memory)
        except EXPECTED as error:
            self._failed(pod, action, error)
        except Exception as error:
            # A defect: it must not leave the action in flight for ever.
            log.exception("%s: %s failed unexpectedly", key(pod), action)
            self._failed(pod, action, error)
        else:
            self.memory.succeed(action)
            failed = False
        self._shared.figures.action(pod, action, self._shared.clock.monotonic() - begun, failed=failed)
        self._wake()

    def _failed(self, pod: Object, action: Action, error: Exception) -> None:
        failure = explain(action, error)
        now = self._shared.clock.now()
        setback = self.memory.fail(action, failure.reason, failure.message, now, failure.retry_after)
        log.warning(
            "%s: %s failed, will try again in %.0f s: %s", key(pod), action, setback.retry_at - now, failure.message
        )
        for event in failure.events:
            self._shared.recorder.event(pod, *event)

    def _finalize(self, pod: Object) -> None:
        self.memory.finalized = True
        if not self.memory.gone:
            self._shared.statuses.finish(pod)

    def _look_at_end(self, event: Event) -> None:
        """Unless who stopped or removed the container has looked in the meantime."""
        if not self.memory.has_ended(event.id, event.at - _TOLD_WITHIN):
            self._inspect(event.id)

    def _inspect(self, id: str) -> None:
        at = self._shared.clock.monotonic()
        try:
            self.memory.put(self._shared.actions.inspect(id), at)
        except NoSuchContainer:
            self.memory.drop(id)
        except RuntimeFailure as error:
            log.warning("%s: container %s not looked at, the next relist will: %s", key(self.pod), id[:12], error)
        self._wake()

    def _is_news(self, event: Event) -> bool:
        """Not the echo of a start of our own."""
        known = self.memory.get(event.id)
        return known is None or known.state == "exited"


def _has_live_volumes(pod: Object) -> bool:
    return any(LIVE_VOLUMES & volume.keys() for volume in spec(pod).get("volumes") or ())


def _may_take_long(pod: Object, action: Action) -> bool:
    if isinstance(action, StartContainer):
        container = find_by_name(all_containers(pod), action.container)
        return container is not None and hook_of(container, "postStart") is not None
    if isinstance(action, PrepareVolumes):
        return any("image" in volume for volume in spec(pod).get("volumes") or ())
    return isinstance(action, KillContainer)


def _targets(pod: Object, seen: Observed, host_ip: str) -> Iterator[Target]:
    """The running containers, as the prober needs them."""
    sandbox = seen.sandbox
    if sandbox is None or not is_running(sandbox):
        return
    ip = host_ip if spec(pod).get("hostNetwork") else sandbox.ip
    for container in all_containers(pod):
        instance = seen.newest_started(container["name"])
        if instance is not None and is_running(instance):
            old = seen.old_status(container["name"]) or {}
            same = str(old.get("containerID", "")).endswith(instance.id)
            yield Target(container, instance, ip, same and bool(old.get("ready")), same and bool(old.get("started")))
