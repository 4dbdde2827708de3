"""The ephemeral volume controller: makes the claims of pods' generic ephemeral volumes, owned by the pods."""

from __future__ import annotations

from copy import deepcopy

from orchestrator.api.claims import ephemeral_claim, is_made_for, not_made_for
from orchestrator.api.errors import Forbidden, Invalid
from orchestrator.api.groups.core import PERSISTENT_VOLUME_CLAIM, POD
from orchestrator.api.meta import Key, Object, key, make_key, namespace, owner_reference, spec
from orchestrator.api.pods import is_active
from orchestrator.controllers.base import Context, Controller


class EphemeralVolumeController(Controller):
    """Keys are pods'."""

    name = "ephemeral-volume-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._pods = self.informer(POD)
        self._claims = self.informer(PERSISTENT_VOLUME_CLAIM)
        self._pods.add_handler(self._pod_changed)
        self._claims.add_handler(self._claim_changed)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and any(volume.get("ephemeral") for volume in spec(new).get("volumes") or ()):
            self.queue.add(key(new))

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        """One that was deleted while its pod waits is made again."""
        if new is None and old is not None:
            for owner in old["metadata"].get("ownerReferences") or ():
                self.queue.add(make_key(namespace(old), owner["name"]))

    def sync(self, key: Key) -> None:
        pod = self._pods.cache.get(key)
        if pod is None or not is_active(pod):
            return
        for volume in spec(pod).get("volumes") or ():
            if volume.get("ephemeral"):
                self._ensure(pod, claim_for(pod, volume))

    def _ensure(self, pod: Object, wanted: Object) -> None:
        there = self._claims.cache.get(key(wanted))
        if there is None:
            try:
                self.client.create(PERSISTENT_VOLUME_CLAIM, wanted)
            except (Forbidden, Invalid) as error:
                why = f"ephemeral volume controller error: create PVC {key(wanted)}: {error}"
                self.record(pod, "Warning", "FailedBinding", why)
                raise
        elif not is_made_for(there, pod):
            self.record(pod, "Warning", "FailedBinding", not_made_for(there, pod))


def claim_for(pod: Object, volume: Object) -> Object:
    """The claim of an ephemeral volume (pure)."""
    template = deepcopy(volume["ephemeral"]["volumeClaimTemplate"])
    given = template.get("metadata") or {}
    meta = {field: given[field] for field in ("labels", "annotations") if given.get(field)}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            **meta,
            "name": ephemeral_claim(pod, volume["name"]),
            "namespace": namespace(pod),
            "ownerReferences": [owner_reference(pod)],
        },
        "spec": template["spec"],
    }
