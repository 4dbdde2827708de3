"""Protection of what is in use: a claim that a pod mounts, and a volume that is bound, are deleted only when they are
free. Admission puts the finalizers on (`orchestrator.server.admission.storage`); here they come off.
"""

from __future__ import annotations

from orchestrator.api.claims import CLAIM_PROTECTION, VOLUME_PROTECTION, held_by, pod_claims, without_finalizer
from orchestrator.api.groups.core import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD
from orchestrator.api.meta import Key, Object, make_key, namespace, spec, status
from orchestrator.api.meta import key as key_of
from orchestrator.controllers.base import Context, Controller


class ClaimProtection(Controller):
    """Keys are claims'."""

    name = "pvc-protection-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._claims = self.informer(PERSISTENT_VOLUME_CLAIM)
        self._pods = self.informer(POD)
        self._claims.add_handler(self._claim_changed)
        self._pods.add_handler(self._pod_changed)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and held_by(new, CLAIM_PROTECTION):
            self.queue.add(key_of(new))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            for name in pod_claims(old).values():
                self.queue.add(make_key(namespace(old), name))

    def sync(self, key: Key) -> None:
        claim = self._claims.cache.get(key)
        if claim is None or not held_by(claim, CLAIM_PROTECTION):
            return
        # The server is asked: a pod may have been bound a moment ago.
        pods = self.client.list(POD, namespace(claim)).items
        if not any(spec(pod).get("nodeName") and key in _claims_of(pod) for pod in pods):
            self.client.update(PERSISTENT_VOLUME_CLAIM, without_finalizer(claim, CLAIM_PROTECTION))


class VolumeProtection(Controller):
    """Keys are volumes'."""

    name = "pv-protection-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._volumes = self.informer(PERSISTENT_VOLUME)
        self._volumes.add_handler(self._volume_changed)

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and held_by(new, VOLUME_PROTECTION):
            self.queue.add(key_of(new))

    def sync(self, key: Key) -> None:
        volume = self._volumes.cache.get(key)
        if volume is not None and held_by(volume, VOLUME_PROTECTION) and status(volume).get("phase") != "Bound":
            self.client.update(PERSISTENT_VOLUME, without_finalizer(volume, VOLUME_PROTECTION))


def _claims_of(pod: Object) -> set[Key]:
    return {make_key(namespace(pod), name) for name in pod_claims(pod).values()}
