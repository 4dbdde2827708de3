"""Pods that come, are killed, changed, looked into and deleted, at random, and are all taken away at the end."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable

from agent.runtime.base import Runtime
from orchestrator.api import meta
from orchestrator.api.errors import NotFound
from orchestrator.api.groups.core import CONFIG_MAP, POD
from orchestrator.api.meta import Object
from orchestrator.client.client import Client
from tests.e2e.harness import RealCluster, eventually
from tests.soak import kinds
from tests.soak.census import containers

#: Seconds that the last pods and volumes of a round have to go.
_DRAIN = 120.0


class Churn:
    """About `size` pods at a time, in the namespace `default`."""

    def __init__(self, cluster: RealCluster, client: Client, runtime: Runtime, image: str, size: int) -> None:
        self._cluster, self._client, self._runtime = cluster, client, runtime
        self._image, self._size = image, size
        self._random = random.Random(size)
        self._made = 0
        config = {"metadata": {"name": kinds.CONFIG, "namespace": "default"}, "data": {"seen": "never"}}
        client.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", **config})

    def round(self, seconds: float) -> int:
        """Returns how many pods there were; all are gone when it does."""
        before, until = self._made, time.monotonic() + seconds
        acts: tuple[Callable[[Object], None], ...] = (
            self._delete,
            self._delete,
            self._force,
            self._kill,
            self._update,
            self._look,
        )
        while time.monotonic() < until:
            pods = self._pods()
            for _ in range(len(pods), self._size):
                self._create()
            if pods:
                # It may have ended in the meantime.
                with contextlib.suppress(NotFound):
                    self._random.choice(acts)(self._random.choice(pods))
        self._drain()
        return self._made - before

    def _pods(self) -> list[Object]:
        found = self._client.list(POD, "default", labelSelector=kinds.SELECTOR).items
        return [pod for pod in found if not meta.is_deleting(pod)]

    def _create(self) -> None:
        number, self._made = self._made, self._made + 1
        kind = kinds.KINDS[number % len(kinds.KINDS)]
        metadata = {"name": f"soak-{number}", "namespace": "default", "labels": kinds.LABEL}
        self._client.create(POD, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": kind(self._image)})

    def _delete(self, pod: Object) -> None:
        self._client.delete(POD, meta.name(pod), "default")

    def _force(self, pod: Object) -> None:
        self._client.delete(POD, meta.name(pod), "default", grace_seconds=0)

    def _kill(self, _pod: Object) -> None:
        """Any container, a sandbox perhaps, by hand."""
        if found := containers(self._cluster, self._runtime):
            self._runtime.kill(self._random.choice(found))

    def _update(self, pod: Object) -> None:
        """What the pod sees of itself, and of its configuration."""
        changed = str(time.monotonic())
        self._client.patch(POD, meta.name(pod), {"metadata": {"labels": {"seen": changed}}}, "default")
        self._client.patch(CONFIG_MAP, kinds.CONFIG, {"data": {"seen": changed}}, "default")

    def _look(self, pod: Object) -> None:
        """As a user does; the pod may have nothing to show yet."""
        self._cluster.kubectl("logs", meta.name(pod), "--all-containers", check=False)
        self._cluster.kubectl("exec", meta.name(pod), "--", "true", check=False)

    def _drain(self) -> None:
        self._client.delete_collection(POD, "default", labelSelector=kinds.SELECTOR)
        eventually(lambda: not self._client.list(POD, "default", labelSelector=kinds.SELECTOR).items, _DRAIN)
