"""Pods that have their node and wait there for their volumes.

What the scheduler has decided about claims and volumes it writes; the controller that binds them
(`orchestrator.controllers.volume_binding`) and the provisioners do the rest. A pod is bound when all its claims are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.api.errors import ApiError
from orchestrator.api.groups.core import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from orchestrator.client.client import Client
from orchestrator.scheduler.cluster import Cluster
from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.scheduler.queue import Entry
from orchestrator.scheduler.snapshot import Snapshot
from orchestrator.scheduler.volumes import Bindings, bindings, outlook


@dataclass(frozen=True, slots=True)
class Waiting:
    entry: Entry
    pod: PodInfo
    node: str


def needed_bindings(pod: PodInfo, node: str, snapshot: Snapshot) -> Bindings:
    """What is to be written before the pod can be bound to `node`, where it fits."""
    place = next(each.place for each in snapshot.nodes if each.name == node)
    return (bindings(pod, place, snapshot.storage) if pod.claims else None) or Bindings()


class VolumeBinder:
    """Any thread may use it. `settled` is told of a pod when its claims are `bound`, or its node is `lost`."""

    def __init__(self, client: Client, cluster: Cluster, settled: Callable[[Waiting, str], None]) -> None:
        self._client, self._cluster, self._settled = client, cluster, settled
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiting] = {}

    def expect(self, needed: Bindings) -> None:
        """From now on nobody else gets the volumes."""
        for volume in needed.volumes:
            self._cluster.expect(PERSISTENT_VOLUME, volume)
        for claim in needed.claims:
            self._cluster.expect(PERSISTENT_VOLUME_CLAIM, claim)

    def bind(self, waiting: Waiting, needed: Bindings) -> None:
        """Write what was expected, and wait for the rest. Raises ApiError: then nothing is expected any more."""
        try:
            for volume in needed.volumes:
                self._client.update(PERSISTENT_VOLUME, volume)
            for claim in needed.claims:
                self._client.update(PERSISTENT_VOLUME_CLAIM, claim)
        except ApiError:
            for volume in needed.volumes:
                self._cluster.forget_expected(PERSISTENT_VOLUME, volume)
            for claim in needed.claims:
                self._cluster.forget_expected(PERSISTENT_VOLUME_CLAIM, claim)
            raise
        with self._lock:
            self._waiting[waiting.pod.uid] = waiting
        self.look()

    def look(self) -> None:
        """Something about volumes has changed."""
        if not self._waiting:
            return
        with self._lock:
            waiting_now = list(self._waiting.items())
        storage = self._cluster.storage()
        for uid, waiting in waiting_now:
            found = outlook(waiting.pod, waiting.node, storage)
            if found != "pending" and self._take(uid):
                self._settled(waiting, found)

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        self._take(uid)

    def _take(self, uid: str) -> bool:
        """Only one thread gets it."""
        with self._lock:
            return self._waiting.pop(uid, None) is not None
