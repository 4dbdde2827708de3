"""A container's last words: the file that it may write them to, and what its status tells of them.

Limits and order are the kubelet's (`kuberuntime_container.go`): the end of the file, else, where the policy is
FallbackToLogsOnError and the container failed, the end of its log.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.runtime.base import (
    LABEL_CONTAINER,
    LABEL_MESSAGE,
    LABEL_RESTARTS,
    LABEL_UID,
    ContainerState,
    EngineUnreachable,
    Mount,
    Runtime,
    RuntimeFailure,
)
from agent.volume_folders import VolumeFolders
from orchestrator.api.meta import Object, uid

DEFAULT_PATH = "/dev/termination-log"
FALLBACK = "FallbackToLogsOnError"
#: Bytes of a file, and bytes and lines of a log.
MOST_OF_FILE = 4096
MOST_OF_LOG = 2048
LINES_OF_LOG = 80

#: A pod's messages lie beside its volumes, under a name that no volume can have.
_FOLDER = ".messages"


class TerminationMessages:
    """Of all pods of the node. Thread-safe."""

    def __init__(self, runtime: Runtime, folders: VolumeFolders) -> None:
        self._runtime, self._folders = runtime, folders

    def mount(self, pod: Object, container: Object, restarts: int) -> Mount:
        """The file, made empty, for an instance that is about to be created. Raises OSError."""
        file = self._file(uid(pod), container["name"], str(restarts))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
        # For whatever user the container runs as; who else may come here is decided by the folders above.
        file.chmod(0o666)
        return Mount(container.get("terminationMessagePath") or DEFAULT_PATH, str(file))

    def complete(self, state: ContainerState) -> ContainerState:
        """With its message, if it has ended. Never fails: a message that cannot be read is replaced by why."""
        if state.state != "exited" or LABEL_MESSAGE not in state.labels:
            return state
        return replace(state, message=self._message(state))

    def _message(self, state: ContainerState) -> str:
        labels = state.labels
        file = self._file(labels[LABEL_UID], labels[LABEL_CONTAINER], labels[LABEL_RESTARTS])
        try:
            written = _end_of(file)
            if written or labels[LABEL_MESSAGE] != FALLBACK or not state.exit_code:
                return written
            return self._end_of_log(state.id)
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"Error on reading termination log {file}: {error.strerror}"

    def _end_of_log(self, id: str) -> str:
        try:
            end = b""
            for chunk in self._runtime.logs(id, tail=LINES_OF_LOG):
                end = (end + chunk)[-MOST_OF_LOG:]
            return _text(end)
        except EngineUnreachable as error:
            return f"Error on reading termination message from logs: {error}"
        except RuntimeFailure as error:
            return f"Error reading termination message from logs: {error}"

    def _file(self, uid: str, container: str, restarts: str) -> Path:
        return self._folders.on_disk(uid, _FOLDER) / f"{container}-{restarts}"


def _end_of(file: Path) -> str:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - MOST_OF_FILE))
        return _text(opened.read(MOST_OF_FILE))


def _text(end: bytes) -> str:
    """Without the rest of a character that was cut in two."""
    return end.decode(errors="ignore")
