"""StorageObjectInUseProtection and PersistentVolumeClaimResize: what is in use stays, and only some claims may grow."""

from __future__ import annotations

from orchestrator.api.claims import CLAIM_PROTECTION, VOLUME_PROTECTION
from orchestrator.api.groups.core import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from orchestrator.api.groups.storage import STORAGE_CLASS
from orchestrator.api.meta import metadata
from orchestrator.api.quantity import parse
from orchestrator.api.strategies.persistentvolumeclaim import requested
from orchestrator.api.strategies.storage import storage_class
from orchestrator.server.admission.base import Attributes, Plugin, View
from orchestrator.server.admission.namespaces import forbidden

_FINALIZERS = {PERSISTENT_VOLUME: VOLUME_PROTECTION, PERSISTENT_VOLUME_CLAIM: CLAIM_PROTECTION}

_NO_GROWTH = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)


class StorageInUseProtection(Plugin):
    """New volumes and claims get the finalizers that `orchestrator.controllers.volume_protection` takes off."""

    def admit(self, attributes: Attributes) -> None:
        finalizer = _FINALIZERS.get(attributes.kind)
        if finalizer and attributes.operation == "CREATE" and attributes.new is not None:
            held = metadata(attributes.new).setdefault("finalizers", [])
            if finalizer not in held:
                held.append(finalizer)


class ClaimResize(Plugin):
    """Which bound claims may ask for more; one that is not bound may not change at all, by its kind's rules."""

    def __init__(self, view: View) -> None:
        self._view = view

    def check(self, attributes: Attributes) -> None:
        old, new = attributes.old, attributes.new
        if attributes.kind is not PERSISTENT_VOLUME_CLAIM or old is None or new is None or attributes.subresource:
            return
        if parse(requested(new) or 0) <= parse(requested(old) or 0):
            return
        found = self._view.find(STORAGE_CLASS, "", storage_class(old))
        if found is None or not found.get("allowVolumeExpansion"):
            raise forbidden(PERSISTENT_VOLUME_CLAIM, attributes.name, _NO_GROWTH)
