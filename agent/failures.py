"""What a failed action means to the pod: the reason shown on the container, and the Events. Pure."""

from __future__ import annotations

from dataclasses import dataclass

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
    StartSandbox,
    TeardownVolumes,
)
from agent.events import PodEvent
from agent.images import ImageError
from agent.runtime.base import ConfigError, EngineUnreachable, RuntimeFailure
from agent.volume_folders import VolumeError
from orchestrator.api.errors import ApiError

#: What an action may raise; anything else is a defect.
EXPECTED = (RuntimeFailure, ImageError, ConfigError, VolumeError, ApiError)


@dataclass(frozen=True, slots=True)
class Failure:
    """`retry_after` in seconds, None for the usual back-off."""

    reason: str
    message: str
    events: tuple[PodEvent, ...] = ()
    retry_after: float | None = None


def explain(action: Action, error: Exception) -> Failure:
    message = str(error)
    if isinstance(error, EngineUnreachable):
        return Failure(_reason(action, error), message)  # The node's condition tells it once for all pods.
    if isinstance(error, ImageError):
        return Failure(error.reason, message, retry_after=error.retry_after)  # ImageManager told it.
    return Failure(_reason(action, error), message, _events(action, message))


def _reason(action: Action, error: Exception) -> str:
    if isinstance(action, CreateContainer):
        config = isinstance(error, ConfigError | VolumeError | ApiError)
        return "CreateContainerConfigError" if config else "CreateContainerError"
    return "ImageInspectError" if isinstance(action, EnsureImage) else "ContainerCreating"


def _events(action: Action, message: str) -> tuple[PodEvent, ...]:
    match action:
        case CreateSandbox() | StartSandbox():
            reason, text = "FailedCreatePodSandBox", f"Failed to create pod sandbox: {message}"
        case PrepareVolumes():
            reason, text = "FailedMount", message
        case EnsureImage() | CreateContainer():
            reason, text = "Failed", f"Error: {message}"
        case KillContainer() | RemoveContainer() | RemoveSandbox() | TeardownVolumes():
            reason, text = "FailedKillPod", f"error killing pod: {message}"
        case ResizeContainer():
            reason, text = "ResizeError", f"Error resizing container {action.container}: {message}"
        case _:
            return ()
    return (PodEvent("Warning", reason, text),)
