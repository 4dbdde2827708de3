"""Does the actions of `lifecycle.step` with the engine, and notes in the pod's memory what came of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import cast

from agent import environment, pull_secrets, runtime_classes, seccomp
from agent.actions import (
    Action,
    CreateContainer,
    CreateSandbox,
    EnsureImage,
    KillContainer,
    PrepareVolumes,
    RemoveContainer,
    RemoveSandbox,
    ResizeContainer,
    StartContainer,
    StartSandbox,
    TeardownVolumes,
)
from agent.events import PodEvent, field_path
from agent.hooks import LONGEST_START, grace_after, hook_of, run_hook
from agent.images import ImageManager
from agent.lookup import Lookup
from agent.observed import Health, is_running
from agent.pod_memory import PodMemory
from agent.podspec import all_containers, find_by_name, grace_seconds
from agent.runtime.base import (
    LABEL_UID,
    ConfigError,
    ContainerSpec,
    ContainerState,
    EngineUnreachable,
    ExecResult,
    Image,
    NameInUse,
    NoSuchContainer,
    NoSuchImage,
    Runtime,
    RuntimeFailure,
)
from agent.runtime.limits import adjustable
from agent.runtime.translate import NodeContext, container_spec, sandbox_spec
from agent.termination import TerminationMessages
from agent.unenforced import unenforced
from agent.volumes import VolumeManager
from orchestrator.api.groups.core import SECRET
from orchestrator.api.meta import Object, is_deleting, namespace, spec, uid
from orchestrator.api.pods import is_terminal
from orchestrator.client.events import EventRecorder, EventType
from orchestrator.util.clock import Clock

#: Exit code of a container that the engine could not start and gave no code of its own.
CANNOT_RUN = 128


@dataclass(frozen=True, slots=True)
class Tools:
    runtime: Runtime
    images: ImageManager
    volumes: VolumeManager
    lookup: Lookup
    recorder: EventRecorder
    clock: Clock
    node: NodeContext
    messages: TerminationMessages


class PodActions:
    """One for all pods of the node. `run` raises what the engine, the volumes, the images or the environment raise
    (see `agent.failures`)."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._runtime = tools.runtime
        self._pause_image = ""

    def run(self, action: Action, pod: Object, memory: PodMemory) -> None:
        match action:
            case CreateSandbox():
                self._create_sandbox(pod, memory)
            case StartSandbox(id):
                self._start_sandbox(id, memory)
            case RemoveSandbox(id):
                self._remove_sandbox(pod, id, memory)
            case RemoveContainer(_, id):
                self._remove(id, memory)
            case PrepareVolumes():
                memory.volumes_ready(self._tools.volumes.prepare(pod, functools.partial(self._find_image, pod, "")))
            case TeardownVolumes():
                self._tools.volumes.teardown(uid(pod))
                memory.volumes_removed()
            case EnsureImage(name):
                self._ensure_image(pod, name, memory)
            case CreateContainer():
                self._create_container(pod, action, memory)
            case StartContainer():
                self._start_container(pod, action, memory)
            case ResizeContainer(name, id):
                self._resize(pod, name, id, memory)
            case KillContainer():
                self._kill(pod, action, memory)

    def inspect(self, id: str) -> ContainerState:
        """With its message, if it has ended. Raises NoSuchContainer, EngineUnreachable."""
        return self.complete(self._runtime.inspect(id))

    def complete(self, state: ContainerState) -> ContainerState:
        return self._tools.messages.complete(state)

    def _create_sandbox(self, pod: Object, memory: PodMemory) -> None:
        self._pause_image = self._pause_image or self._runtime.ensure_pause_image()
        handler = runtime_classes.handler(pod, self._tools.lookup)
        try:
            self._create(sandbox_spec(pod, self._tools.node, self._pause_image, handler), memory)
        except NoSuchImage:
            self._pause_image = ""
            raise
        for sentence in unenforced(pod, self._tools.node):
            self._event(pod, PodEvent("Warning", "FieldWithoutEffect", sentence))

    def _create(self, spec: ContainerSpec, memory: PodMemory, image_id: str = "") -> None:
        try:
            id = self._runtime.create(spec)
        except NameInUse as taken:
            # Made already, and the answer was lost with an agent or a connection.
            state = self._runtime.inspect(taken.id)
            if state.labels.get(LABEL_UID) != spec.labels[LABEL_UID]:
                raise
            memory.put(state, self._tools.clock.monotonic())
            return
        now = self._tools.clock.now()
        state = ContainerState(
            id, spec.name, spec.labels, spec.image, image_id, "created", created_at=now, resources=spec.resources
        )
        memory.put(state, self._tools.clock.monotonic())

    def _start_sandbox(self, id: str, memory: PodMemory) -> None:
        at = self._tools.clock.monotonic()
        try:
            self._runtime.start(id)
        except EngineUnreachable:
            raise
        except RuntimeFailure as failure:
            self._note_failed_start(id, failure, memory)
            raise
        memory.put(self._runtime.inspect(id), at)

    def _ensure_image(self, pod: Object, name: str, memory: PodMemory) -> None:
        container = _container(pod, name)
        policy = container.get("imagePullPolicy") or "IfNotPresent"
        memory.image_ready(name, self._find_image(pod, name, container["image"], policy))

    def _find_image(self, pod: Object, container: str, reference: str, policy: str) -> Image:
        """`container` is whose image it is, "" for that of a volume."""
        return self._tools.images.ensure(
            reference,
            policy,
            pull_secrets.auths(reference, self._pull_secrets(pod)),
            lambda type, reason, message: self._event(pod, PodEvent(cast(EventType, type), reason, message), container),
            uid(pod),
        )

    def _pull_secrets(self, pod: Object) -> list[Object]:
        """Those that there are: without the others the pull goes ahead, and an event says what it lacks."""
        names = [reference["name"] for reference in spec(pod).get("imagePullSecrets") or () if reference.get("name")]
        found = {name: self._tools.lookup(SECRET, namespace(pod), name) for name in names}
        missing = ", ".join(name for name, secret in found.items() if secret is None)
        if missing:
            text = (
                f"Unable to retrieve some image pull secrets ({missing}); attempting to pull the image may not succeed."
            )
            self._event(pod, PodEvent("Warning", "FailedToRetrieveImagePullSecret", text))
        return [secret for secret in found.values() if secret is not None]

    def _create_container(self, pod: Object, action: CreateContainer, memory: PodMemory) -> None:
        container = _container(pod, action.container)
        tools = self._tools
        env = environment.resolve(pod, container, tools.lookup, tools.node, memory.status)
        image = memory.image(action.container)
        made = container_spec(
            pod,
            container,
            sandbox_id=action.sandbox,
            image=image,
            env=env,
            mounts=[
                *tools.volumes.mounts(pod, container, memory.prepared, env),
                tools.messages.mount(pod, container, action.restarts),
            ],
            restarts=action.restarts,
            node=tools.node,
            target_id=_target(container, memory),
            runtime=runtime_classes.handler(pod, tools.lookup),
            seccomp=seccomp.profile(pod, container, tools.node.seccomp_profiles),
        )
        try:
            self._create(made, memory, image.id)
        except NoSuchImage:
            # It was removed since it was made sure of.
            memory.image_used(action.container)
            raise
        memory.image_used(action.container)
        self._event(pod, PodEvent("Normal", "Created", f"Created container: {action.container}"), action.container)

    def _start_container(self, pod: Object, action: StartContainer, memory: PodMemory) -> None:
        """A container that cannot be started has ended: its restart policy decides what comes next."""
        at = self._tools.clock.monotonic()
        try:
            self._runtime.start(action.id)
        except EngineUnreachable:
            raise
        except NoSuchContainer:
            memory.drop(action.id)
        except RuntimeFailure as failure:
            self._note_failed_start(action.id, failure, memory)
            message = f'Error: failed to start container "{action.container}": {failure}'
            self._event(pod, PodEvent("Warning", "Failed", message), action.container)
        else:
            hooked = hook_of(_container(pod, action.container), "postStart") is not None
            memory.started(action.id, self._tools.clock.now(), at, hooking=hooked)
            event = PodEvent("Normal", "Started", f"Started container {action.container}")
            self._event(pod, event, action.container)
            if hooked:
                self._post_start(pod, action, memory)

    def _post_start(self, pod: Object, action: StartContainer, memory: PodMemory) -> None:
        """The container counts as started when its hook is done; one whose hook fails is stopped."""
        problem = self._hook("postStart", pod, action.container, action.id, LONGEST_START, memory)
        # One that is being stopped, or ended by itself, takes its hook with it.
        if problem and not memory.is_stopping(action.id):
            failed = PodEvent("Warning", "FailedPostStartHook", f"PostStartHook failed: {problem}")
            self._event(pod, failed, action.container)
            self._event(pod, PodEvent("Normal", "Killing", "FailedPostStartHook"), action.container)
            self._stop(action.id, grace_seconds(pod), memory)
        memory.hook_ended(action.id)

    def _hook(self, hook: str, pod: Object, name: str, id: str, timeout: float, memory: PodMemory) -> str:
        """What went wrong with it, "" when nothing did or there is no such hook."""
        container = find_by_name(all_containers(pod), name)
        wanted = container and hook_of(container, hook)
        if not container or not wanted:
            return ""

        def execute(command: list[str], seconds: float) -> ExecResult:
            return self._runtime.exec(id, command, seconds)

        ip, end = memory.status.get("podIP", ""), memory.end_of(id)
        return run_hook(wanted, container, ip, execute, timeout, self._tools.clock, end)

    def _note_failed_start(self, id: str, failure: RuntimeFailure, memory: PodMemory) -> None:
        state = self._runtime.inspect(id)
        failed = replace(
            state,
            error=state.error or str(failure),
            exit_code=state.exit_code or CANNOT_RUN,
            finished_at=self._tools.clock.now(),
        )
        memory.put(failed, self._tools.clock.monotonic())

    def _kill(self, pod: Object, action: KillContainer, memory: PodMemory) -> None:
        self._event(pod, PodEvent("Normal", "Killing", action.message), action.container)
        begun = self._tools.clock.monotonic()
        problem = self._hook("preStop", pod, action.container, action.id, action.grace, memory)
        if problem:
            self._event(
                pod, PodEvent("Warning", "FailedPreStopHook", f"PreStopHook failed: {problem}"), action.container
            )
        at = self._tools.clock.monotonic()
        self._stop(action.id, grace_after(action.grace, at - begun), memory)

    def _stop(self, id: str, grace: float, memory: PodMemory) -> None:
        self._runtime.stop(id, grace)
        try:
            memory.put(self.inspect(id), self._tools.clock.monotonic())
        except NoSuchContainer:
            memory.drop(id)

    def _resize(self, pod: Object, name: str, id: str, memory: PodMemory) -> None:
        at = self._tools.clock.monotonic()
        try:
            self._runtime.update(id, adjustable(_container(pod, name)))
            memory.put(self.inspect(id), at)
        except NoSuchContainer:
            memory.drop(id)

    def _remove_sandbox(self, pod: Object, id: str, memory: PodMemory) -> None:
        state = memory.get(id)
        ended = memory.gone or is_deleting(pod) or is_terminal({"status": memory.status})
        if state is not None and state.state == "exited" and not ended:
            text = "Pod sandbox changed, it will be killed and re-created."
            self._event(pod, PodEvent("Normal", "SandboxChanged", text))
        self._remove(id, memory)

    def _remove(self, id: str, memory: PodMemory) -> None:
        self._runtime.remove(id)
        memory.drop(id)

    def _event(self, pod: Object, event: PodEvent, container: str = "") -> None:
        where = field_path(pod, container) if container else ""
        self._tools.recorder.event(pod, event.type, event.reason, event.message, field_path=where)


def _target(container: Object, memory: PodMemory) -> str:
    """The id of the running container that an ephemeral one is to look into, "" for none. Raises ConfigError."""
    name = container.get("targetContainerName")
    if not name:
        return ""
    instance = memory.observe(Health()).newest(name)
    if instance is None or not is_running(instance):
        raise ConfigError(f"unable to find target container {name}: it does not run")
    return instance.id


def _container(pod: Object, name: str) -> Object:
    found = find_by_name(all_containers(pod), name)
    assert found is not None, f"step named a container {name} that the pod has not"
    return found
