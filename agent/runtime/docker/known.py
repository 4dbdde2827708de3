"""What inspections told, so that a list costs one call and not one more for each container."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from agent.runtime.base import ContainerState
from agent.runtime.docker import answers


class KnownContainers:
    """Remembers running and exited containers, which do not change without changing their state or an event.

    A created one does (a start that fails leaves it created), so it is asked for anew each time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, ContainerState] = {}

    def get(self, id: str, status: str) -> ContainerState | None:
        """What is known of the container, if it still holds for one that the engine lists as `status`."""
        with self._lock:
            known = self._states.get(id)
        return known if known is not None and known.state == answers.state(status) else None

    def put(self, state: ContainerState) -> None:
        if state.state != "created":
            with self._lock:
                self._states[state.id] = state

    def forget(self, id: str) -> None:
        with self._lock:
            self._states.pop(id, None)

    def keep(self, ids: Iterable[str], labels: Mapping[str, str]) -> None:
        """Forget those with all of `labels` that are not among `ids`: the engine has them no more."""
        there = set(ids)
        with self._lock:
            for id, state in tuple(self._states.items()):
                if id not in there and labels.items() <= state.labels.items():
                    del self._states[id]
