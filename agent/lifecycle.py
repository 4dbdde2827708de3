"""What to do next with one pod: `step(pod, observed, now)`. Pure; the pod's worker does it and asks again.

The rules are the kubelet's: init containers in order, then app containers side by side; restarts by policy with
back-off; ephemeral containers as soon as they are asked for, and once; a dead sandbox takes its containers with it and
all start anew; a pod that the node ends is not begun again, and an evicted one gives back its space; a deleted pod's
containers get their grace, and only when nothing of it is left may its object go.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from agent.actions import (
    Action,
    CreateContainer,
    CreateSandbox,
    EnsureImage,
    Finalize,
    KillContainer,
    PrepareVolumes,
    RemoveContainer,
    RemoveSandbox,
    ResizeContainer,
    StartContainer,
    StartSandbox,
    TeardownVolumes,
)
from agent.observed import Observed, is_live, is_running, restarts
from agent.phase import ENDED, deadline_at, next_init, phase
from agent.podspec import LEAST_GRACE, all_containers, find_by_name, grace_seconds, needs_address
from agent.restarts import changed, redefined, resize_restarts, restart_at, restarts_again
from agent.runtime.base import LABEL_CONTAINER, ContainerState
from agent.runtime.limits import unlike
from agent.verdict import EVICTED
from orchestrator.api import pods
from orchestrator.api.meta import Object, is_deleting, metadata
from orchestrator.api.times import parse


@dataclass(frozen=True, slots=True)
class Step:
    """Actions to begin now, side by side; and when to ask again if nothing happens before (None: never)."""

    actions: tuple[Action, ...]
    again_at: float | None


def step(pod: Object, seen: Observed, now: float) -> Step:
    plan = _Plan(seen, now)
    if seen.gone or is_deleting(pod):
        _terminate(pod, seen, plan)
    elif phase(pod, seen, now) in ENDED:
        _wind_up(pod, seen, plan)
    else:
        _run(pod, seen, plan)
    return plan.step()


def _again(action: Action, failed: Action) -> bool:
    """Whether `action` would try again what failed: a new sandbox also stands for the one that did not start."""
    return action == failed or isinstance(action, CreateSandbox)


class _Plan:
    """Collects actions, leaving out what runs already and what must wait after a failure."""

    def __init__(self, seen: Observed, now: float) -> None:
        self._seen, self._now = seen, now
        self._actions: dict[Action, None] = {}
        self._times: list[float] = []

    def do(self, action: Action) -> None:
        setback = self._seen.setbacks.get(action.slot)
        held = setback is not None and _again(action, setback.action) and not self.due(setback.retry_at)
        if not held and not self._seen.busy(action.slot):
            self._actions[action] = None

    def kill(self, container: ContainerState, grace: int, message: str) -> None:
        """Unless it was told to stop as soon already; a shorter grace overtakes a longer one."""
        if self._seen.being_killed(container.id, grace) or self._kill_failed(container.id, grace):
            return
        action = KillContainer(container.labels[LABEL_CONTAINER], container.id, grace, message)
        slot = [running for running in self._seen.inflight if running.slot == action.slot]
        # A start whose hook still runs ends by this.
        if all(isinstance(running, KillContainer) or container.id in self._seen.hooking for running in slot):
            self._actions[action] = None

    def _kill_failed(self, id: str, grace: int) -> bool:
        """Whether to stop it so soon failed just now."""
        failed = [(s.action, s.retry_at) for s in self._seen.setbacks.values() if isinstance(s.action, KillContainer)]
        return any(kill.id == id and kill.grace <= grace and not self.due(at) for kill, at in failed)

    def kill_in_time(self, container: ContainerState, pod: Object, message: str) -> None:
        """Within what is left of the grace of a pod that is deleted; who was told to stop is not told again."""
        grace, told = self.grace(pod), self._seen.stopping.get(container.id)
        left = grace if told is None else told
        if told is None and is_deleting(pod):
            left = math.ceil(parse(metadata(pod)["deletionTimestamp"]) - self._now)
        self.kill(container, min(grace, max(LEAST_GRACE, left)), message)

    def grace(self, pod: Object) -> int:
        """Seconds; a node that needs its resources back may give less than the pod asks for."""
        own, verdict = grace_seconds(pod), self._seen.verdict
        return own if verdict is None or verdict.grace is None else min(own, verdict.grace)

    def starting(self, container: str) -> bool:
        return self._seen.busy(container)

    def due(self, at: float) -> bool:
        """Whether `at` has come; if not, the step asks to be called then."""
        if at > self._now:
            self._times.append(at)
        return at <= self._now

    def step(self) -> Step:
        return Step(tuple(self._actions), min(self._times, default=None))


def _run(pod: Object, seen: Observed, plan: _Plan) -> None:
    deadline = deadline_at(pod, seen)
    if deadline is not None:
        plan.due(deadline)
    sandbox = seen.sandbox
    usable = sandbox is not None and is_live(sandbox)
    strays = [c for c in seen.apps if is_live(c) and not (usable and seen.in_sandbox(c))]
    if strays:
        _stop(pod, strays, plan)  # They lost their network; what replaces them waits until they are down.
        return
    wanted = _wanted(pod, seen)
    if sandbox is None:
        if wanted:
            plan.do(CreateSandbox())
    elif not usable:
        if not seen.inflight_creation:
            plan.do(RemoveSandbox(sandbox.id))
        return
    elif sandbox.state == "created":
        plan.do(StartSandbox(sandbox.id))
    for container in wanted:
        _advance(pod, seen, plan, container)
    _prune(pod, seen, plan)


def _wanted(pod: Object, seen: Observed) -> list[Object]:
    """The containers whose turn it is: to be started, or to be kept running."""
    waiting_for = next_init(pod, seen)
    inits = pods.init_containers(pod)
    reached = inits if waiting_for is None else inits[: inits.index(waiting_for) + 1]
    wanted = [init for init in reached if pods.is_sidecar(init) or init is waiting_for]
    if waiting_for is None:
        wanted += pods.containers(pod)
    # What they are to look into may be just what keeps the pod from being initialized.
    wanted += pods.ephemeral_containers(pod)
    return [container for container in wanted if _is_wanted(pod, seen, container)]


def _is_wanted(pod: Object, seen: Observed, container: Object) -> bool:
    """Whether it runs, or shall run (again)."""
    instance = seen.newest(container["name"])
    if instance is None or is_live(instance):
        return True
    if find_by_name(pods.init_containers(pod), container["name"]) and not _in_present_sandbox(seen, instance):
        return True
    return restarts_again(pod, container, instance)


def _in_present_sandbox(seen: Observed, instance: ContainerState) -> bool:
    sandbox = seen.sandbox
    return sandbox is not None and is_live(sandbox) and seen.in_sandbox(instance)


def _advance(pod: Object, seen: Observed, plan: _Plan, container: Object) -> None:
    instance = seen.newest(container["name"])
    if instance is None or not is_live(instance):
        _create(seen, plan, container, instance)
    elif is_running(instance):
        _keep(pod, seen, plan, container, instance)
    elif changed(container, instance):
        plan.do(RemoveContainer(container["name"], instance.id))
    elif seen.sandbox is not None and is_running(seen.sandbox):
        plan.do(StartContainer(container["name"], instance.id))


def _keep(pod: Object, seen: Observed, plan: _Plan, container: Object, instance: ContainerState) -> None:
    name = container["name"]
    if redefined(container, instance):
        plan.kill(instance, grace_seconds(pod), f"Container {name} definition changed, will be restarted")
    elif resize_restarts(container, instance):
        plan.kill(instance, grace_seconds(pod), f"Container {name} resize requires restart")
    elif instance.id in seen.health.unhealthy:
        probe = seen.health.unhealthy[instance.id]
        own = (container.get(f"{probe}Probe") or {}).get("terminationGracePeriodSeconds")
        grace = grace_seconds(pod) if own is None else max(int(own), 1)
        plan.kill(instance, grace, f"Container {name} failed {probe} probe, will be restarted")
    elif unlike(container, instance.resources) and not seen.being_killed(instance.id, grace_seconds(pod)):
        plan.do(ResizeContainer(name, instance.id))


def _create(seen: Observed, plan: _Plan, container: Object, ended: ContainerState | None) -> None:
    """Image, volumes and sandbox are made ready side by side; the container is made as soon as the sandbox exists."""
    if ended is not None and not plan.due(restart_at(container, ended, seen)):
        return
    name, sandbox = container["name"], seen.sandbox
    if name not in seen.images:
        plan.do(EnsureImage(name))
    if seen.volumes != "ready":
        plan.do(PrepareVolumes())
    if name not in seen.images or seen.volumes != "ready" or sandbox is None:
        return
    if is_running(sandbox) or (is_live(sandbox) and not needs_address(container)):
        plan.do(CreateContainer(name, sandbox.id, 0 if ended is None else restarts(ended) + 1))


def _prune(pod: Object, seen: Observed, plan: _Plan) -> None:
    """Of the ended instances keep the newest of each container, for `logs --previous`; of the sandboxes the newest."""
    for container in all_containers(pod):
        ended = [instance for instance in seen.instances(container["name"]) if not is_live(instance)]
        for instance in ended[1:]:
            plan.do(RemoveContainer(container["name"], instance.id))
    for sandbox in seen.sandboxes:
        if sandbox is not seen.sandbox:
            plan.do(RemoveSandbox(sandbox.id))


def _wind_up(pod: Object, seen: Observed, plan: _Plan) -> None:
    """The pod has ended: stop what is left of it, give its address back, keep its containers for their logs."""
    if not _stop(pod, seen.apps, plan):
        return
    for sandbox in seen.sandboxes:
        plan.do(RemoveSandbox(sandbox.id))
    if seen.status.get("reason") == EVICTED and not seen.inflight_creation:
        _give_back(seen, plan)
    else:
        _prune(pod, seen, plan)


def _give_back(seen: Observed, plan: _Plan) -> None:
    """The node needs what the pod holds: its containers' file systems, logs, and volumes."""
    for container in seen.apps:
        plan.do(RemoveContainer(container.labels[LABEL_CONTAINER], container.id))
    if not seen.containers and seen.volumes != "removed":
        plan.do(TeardownVolumes())


def _terminate(pod: Object, seen: Observed, plan: _Plan) -> None:
    if not _stop(pod, seen.apps, plan) or seen.inflight_creation:
        return
    for container in seen.apps:
        plan.do(RemoveContainer(container.labels[LABEL_CONTAINER], container.id))
    for sandbox in seen.sandboxes:
        plan.do(RemoveSandbox(sandbox.id))
    if seen.containers:
        return
    if seen.volumes != "removed":
        plan.do(TeardownVolumes())
    elif not seen.finalized:
        plan.do(Finalize())


def _stop(pod: Object, containers: Iterable[ContainerState], plan: _Plan) -> bool:
    """Stop those that run and remove those that never started; True when all are down.

    Sidecars are stopped after the others, each when those that came after it are down, in what is left of the grace.
    """
    live = [c for c in containers if is_live(c)]
    sidecars = [init["name"] for init in pods.init_containers(pod) if pods.is_sidecar(init)]
    running = [c for c in live if is_running(c)]
    others = [c for c in running if c.labels[LABEL_CONTAINER] not in sidecars]
    for container in others:
        plan.kill(container, plan.grace(pod), f"Stopping container {container.labels[LABEL_CONTAINER]}")
    if running and not others:
        last = max(running, key=lambda c: sidecars.index(c.labels[LABEL_CONTAINER]))
        plan.kill_in_time(last, pod, f"Stopping container {last.labels[LABEL_CONTAINER]}")
    for container in live:
        name = container.labels[LABEL_CONTAINER]
        if not is_running(container) and not plan.starting(name):
            plan.do(RemoveContainer(name, container.id))
    return not live
