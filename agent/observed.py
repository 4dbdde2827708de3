"""What the agent knows of one pod, as one value: the input of `lifecycle.step` and of `status.pod_status`.

Times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from agent.actions import (
    Action,
    CreateContainer,
    CreateSandbox,
    KillContainer,
    PrepareVolumes,
    StartContainer,
    StartSandbox,
)
from agent.podspec import find_by_name
from agent.runtime.base import (
    LABEL_CONTAINER,
    LABEL_RESTARTS,
    LABEL_SANDBOX,
    LABEL_SPEC,
    SANDBOX,
    ContainerState,
)
from agent.verdict import Verdict
from orchestrator.api.meta import Object
from orchestrator.api.times import parse

Volumes = Literal["unknown", "ready", "removed"]

#: Exit code and reason of a container that vanished while it ran.
VANISHED_CODE = 137
VANISHED = "ContainerStatusUnknown"
VANISHED_MESSAGE = "The container could not be located when the pod was last looked at"


@dataclass(frozen=True, slots=True)
class Setback:
    """An action that failed, the slot's `count`-th failure in a row; it is tried again at `retry_at`."""

    action: Action
    reason: str
    message: str
    retry_at: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class Health:
    """What the probes say, by container id. Who has no probe of a sort is started and ready."""

    #: Startup probe not passed yet.
    starting: frozenset[str] = frozenset()
    #: Readiness probe not passed (now).
    unready: frozenset[str] = frozenset()
    #: Liveness or startup probe failed for good: to be killed; the value says which.
    unhealthy: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResizeRefusal:
    """Why a resize is not granted; `reason` is Infeasible (never on this node) or Deferred (not now)."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Observed:
    """`status` is the pod's last status, as computed or found: the memory of what the engine has forgotten."""

    #: What the engine has of the pod, the sandbox included, in any order.
    containers: tuple[ContainerState, ...] = ()
    #: The pod's object is gone from the API.
    gone: bool = False
    #: Nothing of the pod is left on this machine, and that was said.
    finalized: bool = False
    inflight: frozenset[Action] = frozenset()
    #: Images made sure of for the next start, by container name.
    images: frozenset[str] = frozenset()
    volumes: Volumes = "unknown"
    #: By slot.
    setbacks: Mapping[str, Setback] = field(default_factory=dict)
    #: Grace given to containers that were told to stop, by id.
    stopping: Mapping[str, int] = field(default_factory=dict)
    #: Containers that run and whose postStart hook does too, by id: to others they have not started.
    hooking: frozenset[str] = frozenset()
    #: Restart count at which a container last ran long enough to start its back-off anew, by name.
    steady: Mapping[str, int] = field(default_factory=dict)
    health: Health = Health()
    resize_refused: ResizeRefusal | None = None
    #: The node ends the pod, or did not begin it.
    verdict: Verdict | None = None
    status: Object = field(default_factory=dict)

    @property
    def sandbox(self) -> ContainerState | None:
        """The newest sandbox, alive or not."""
        return max(self.sandboxes, key=lambda c: (c.created_at, c.id), default=None)

    @property
    def sandboxes(self) -> tuple[ContainerState, ...]:
        return tuple(c for c in self.containers if is_sandbox(c))

    @property
    def apps(self) -> tuple[ContainerState, ...]:
        """All containers but sandboxes: init, app and ephemeral containers, alive or not."""
        return tuple(c for c in self.containers if not is_sandbox(c))

    def instances(self, name: str) -> list[ContainerState]:
        """The instances of one container, newest first."""
        found = (c for c in self.apps if c.labels.get(LABEL_CONTAINER) == name)
        return sorted(found, key=lambda c: (restarts(c), c.created_at, c.id), reverse=True)

    def newest(self, name: str) -> ContainerState | None:
        """The newest instance, alive or not; one the engine has no more comes from the last status, with id ""."""
        return self._newest_of(name, self.instances(name))

    def newest_started(self, name: str) -> ContainerState | None:
        """As `newest`, but passing over an instance that has not started yet: nobody is to see that one."""
        return self._newest_of(name, [i for i in self.instances(name) if not self._is_starting(i)])

    def _is_starting(self, instance: ContainerState) -> bool:
        return is_startable(instance) or instance.id in self.hooking

    def _newest_of(self, name: str, instances: list[ContainerState]) -> ContainerState | None:
        known = remembered(self.old_status(name) or {})
        if not instances or (known is not None and restarts(known) > restarts(instances[0])):
            return known
        return instances[0]

    def old_status(self, name: str) -> Object | None:
        """The container's entry in the last status, or None."""
        return next(filter(None, (find_by_name(self.status.get(field), name) for field in STATUS_FIELDS)), None)

    def in_sandbox(self, container: ContainerState) -> bool:
        """Whether the container belongs to the sandbox there is now."""
        sandbox = self.sandbox
        return sandbox is not None and container.labels.get(LABEL_SANDBOX, sandbox.id) == sandbox.id

    def busy(self, slot: str) -> bool:
        return any(action.slot == slot for action in self.inflight)

    @property
    def inflight_creation(self) -> bool:
        """Something is being made that would outlive a clean-up begun now."""
        return any(isinstance(action, CREATIONS) for action in self.inflight)

    def being_killed(self, id: str, grace: int) -> bool:
        """Whether the container was told to stop within `grace` seconds, or sooner."""
        told = [action.grace for action in self.inflight if isinstance(action, KillContainer) and action.id == id]
        if id in self.stopping:
            told.append(self.stopping[id])
        return any(given <= grace for given in told)


#: Actions that leave something behind.
CREATIONS = (CreateSandbox, StartSandbox, PrepareVolumes, CreateContainer, StartContainer)

#: The fields of a pod's status that list containers.
STATUS_FIELDS = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


def remembered(old: Object) -> ContainerState | None:
    """The end of a container that only a container status tells of, or None when it never existed."""
    end = last_end(old)
    if end is None:
        return None
    return ContainerState(
        id="",
        name="",
        labels={LABEL_CONTAINER: old["name"], LABEL_RESTARTS: str(old.get("restartCount", 0))},
        image=old.get("image", ""),
        image_id=old.get("imageID", ""),
        state="exited",
        exit_code=int(end.get("exitCode", 0)),
        started_at=_seconds(end.get("startedAt")),
        finished_at=_seconds(end.get("finishedAt")),
    )


def last_end(old: Object) -> Object | None:
    """The `terminated` state of the last end that a container status tells of, or None."""
    state = old.get("state") or {}
    if "running" in state:
        started = {"startedAt": state["running"].get("startedAt"), "containerID": old.get("containerID")}
        return {"exitCode": VANISHED_CODE, "reason": VANISHED, "message": VANISHED_MESSAGE} | started
    return state.get("terminated") or (old.get("lastState") or {}).get("terminated")


def _seconds(time: str | None) -> float:
    return parse(time) if time else 0.0


def is_sandbox(container: ContainerState) -> bool:
    return container.labels.get(LABEL_CONTAINER) == SANDBOX


def restarts(container: ContainerState) -> int:
    return int(container.labels.get(LABEL_RESTARTS) or 0)


def made_from(container: ContainerState) -> str:
    """Hash of the spec it was made from, "" when unknown."""
    return container.labels.get(LABEL_SPEC, "")


def start_failed(container: ContainerState) -> bool:
    """The engine could not start it (no such command, port taken): it will never run."""
    return container.state == "created" and bool(container.error or container.exit_code)


def is_startable(container: ContainerState) -> bool:
    """It was made and not started yet."""
    return container.state == "created" and not start_failed(container)


def is_live(container: ContainerState) -> bool:
    return is_running(container) or is_startable(container)


def is_running(container: ContainerState) -> bool:
    return container.state == "running"


def succeeded(container: ContainerState) -> bool:
    return container.state == "exited" and container.exit_code == 0


def ended_at(container: ContainerState) -> float:
    return container.finished_at or container.created_at
