"""What a pod's worker can be told to do. Values: two equal actions are one, so a running one is not begun again."""

from __future__ import annotations

from dataclasses import dataclass

#: What an action occupies: at most one action runs per slot, except that a shorter kill overtakes a longer one.
#: A container's slot is its name; the slots below are no container names (which are DNS labels).
SANDBOX_SLOT = "/sandbox"
VOLUMES_SLOT = "/volumes"
POD_SLOT = "/pod"


def resize_slot(container: str) -> str:
    return f"/resize/{container}"


@dataclass(frozen=True, slots=True)
class CreateSandbox:
    @property
    def slot(self) -> str:
        return SANDBOX_SLOT


@dataclass(frozen=True, slots=True)
class StartSandbox:
    id: str

    @property
    def slot(self) -> str:
        return SANDBOX_SLOT


@dataclass(frozen=True, slots=True)
class RemoveSandbox:
    """Kill it if it runs: it has nothing to finish."""

    id: str

    @property
    def slot(self) -> str:
        return SANDBOX_SLOT


@dataclass(frozen=True, slots=True)
class PrepareVolumes:
    @property
    def slot(self) -> str:
        return VOLUMES_SLOT


@dataclass(frozen=True, slots=True)
class EnsureImage:
    """Have the container's image on the engine; may pull, which may take minutes."""

    container: str

    @property
    def slot(self) -> str:
        return f"/image/{self.container}"


@dataclass(frozen=True, slots=True)
class CreateContainer:
    container: str
    sandbox: str
    restarts: int

    @property
    def slot(self) -> str:
        return self.container


@dataclass(frozen=True, slots=True)
class StartContainer:
    container: str
    id: str

    @property
    def slot(self) -> str:
        return self.container


@dataclass(frozen=True, slots=True)
class ResizeContainer:
    """Have the limits of its present spec hold for the running container."""

    container: str
    id: str

    @property
    def slot(self) -> str:
        return resize_slot(self.container)


@dataclass(frozen=True, slots=True)
class KillContainer:
    """The image's stop signal, then SIGKILL after `grace` seconds. `message` is for the Killing event."""

    container: str
    id: str
    grace: int
    message: str

    @property
    def slot(self) -> str:
        return self.container


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    container: str
    id: str

    @property
    def slot(self) -> str:
        return f"/remove/{self.id}"


@dataclass(frozen=True, slots=True)
class TeardownVolumes:
    @property
    def slot(self) -> str:
        return VOLUMES_SLOT


@dataclass(frozen=True, slots=True)
class Finalize:
    """Nothing of the pod is left on this machine: its object may go, and its worker ends."""

    @property
    def slot(self) -> str:
        return POD_SLOT


Action = (
    CreateSandbox
    | StartSandbox
    | RemoveSandbox
    | PrepareVolumes
    | EnsureImage
    | CreateContainer
    | StartContainer
    | ResizeContainer
    | KillContainer
    | RemoveContainer
    | TeardownVolumes
    | Finalize
)

#: Steps on the way to a running sandbox: one that succeeds does not end the row of failures of the whole.
PARTIAL = (CreateSandbox, RemoveSandbox)
