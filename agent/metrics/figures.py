"""What the agent counts of its own doings. Thread-safe; plain numbers, read when somebody asks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from agent.actions import (
    Action,
    CreateContainer,
    CreateSandbox,
    EnsureImage,
    KillContainer,
    RemoveContainer,
    RemoveSandbox,
    StartContainer,
    StartSandbox,
)
from agent.podspec import find_by_name
from orchestrator.api import pods
from orchestrator.api.meta import Object
from orchestrator.util.histogram import Histogram

#: Upper bounds in seconds.
OPERATIONS = (0.005, 0.0125, 0.03125, 0.078125, 0.1953125, 0.48828125, 1.220703125, 3.0517578125, 7.62939453125)
STARTS = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600)

#: What the kubelet calls the actions that are the engine's to do.
_NAMES: Mapping[type[Action], str] = {
    CreateSandbox: "create_podsandbox",
    StartSandbox: "run_podsandbox",
    RemoveSandbox: "remove_podsandbox",
    EnsureImage: "pull_image",
    CreateContainer: "create_container",
    StartContainer: "start_container",
    KillContainer: "stop_container",
    RemoveContainer: "remove_container",
}


class Figures:
    """`lock` is held while the figures are read."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        #: By operation.
        self.operations: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.durations: dict[str, Histogram] = {}
        self.starts = Histogram(STARTS)
        self.pods_started = self.pods_failed = 0
        #: By sort of container.
        self.containers_started: Counter[str] = Counter()
        self.containers_failed: Counter[str] = Counter()
        #: By signal, and by reason.
        self.evictions: Counter[str] = Counter()
        self.rejections: Counter[str] = Counter()

    def action(self, pod: Object, action: Action, seconds: float, *, failed: bool) -> None:
        name = _NAMES.get(type(action))
        if name is None:
            return
        with self.lock:
            self.operations[name] += 1
            self.errors[name] += failed
            self.durations.setdefault(name, Histogram(OPERATIONS)).add(seconds)
            if isinstance(action, StartSandbox):
                self.pods_started += 1
                self.pods_failed += failed
            if isinstance(action, StartContainer):
                sort = sort_of(pod, action.container)
                self.containers_started[sort] += 1
                self.containers_failed[sort] += failed

    def pod_started(self, seconds: float) -> None:
        """From when the agent first saw the pod until all its containers ran."""
        with self.lock:
            self.starts.add(seconds)

    def evicted(self, signal: str) -> None:
        with self.lock:
            self.evictions[signal] += 1

    def rejected(self, reason: str) -> None:
        with self.lock:
            self.rejections[reason] += 1


def sort_of(pod: Object, container: str) -> str:
    if find_by_name(pods.init_containers(pod), container):
        return "init_container"
    return "ephemeral_container" if find_by_name(pods.ephemeral_containers(pod), container) else "container"
