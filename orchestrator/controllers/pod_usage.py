"""What pods use (`metrics.k8s.io`), read once for all who ask within a while: each reading asks the nodes' agents."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.api.groups.metrics import POD_METRICS
from orchestrator.api.meta import Object, name
from orchestrator.client.client import Client
from orchestrator.util.clock import Clock


class PodUsage:
    """Readings no older than `age` seconds. For one thread."""

    def __init__(self, client: Client, clock: Clock, age: float) -> None:
        self._client, self._clock, self._age = client, clock, age
        #: By namespace, and when it was read.
        self._read: dict[str, tuple[float, Mapping[str, Object]]] = {}

    def of(self, namespace: str) -> Mapping[str, Object]:
        """The PodMetrics of a namespace by name. Raises ApiError."""
        now = self._clock.monotonic()
        self._read = {where: read for where, read in self._read.items() if now - read[0] <= self._age}
        if namespace not in self._read:
            found = {name(pod): pod for pod in self._client.list(POD_METRICS, namespace).items}
            self._read[namespace] = now, found
        return self._read[namespace][1]
