"""podlab's own provisioner, of the class `standard`: makes volumes for claims, lets them grow, and deletes them.

It follows the protocol of external provisioners (`sigs.k8s.io/sig-storage-lib-external-provisioner`): the binder names
the provisioner on the claim, and binds what is made. The folder behind a volume is the business of the node's agent,
which keeps the volume, by a finalizer, until the folder is gone.
"""

from __future__ import annotations

from orchestrator.api.claims import (
    FOLDER_FINALIZER,
    FOLDERS,
    LOCAL,
    SELECTED_NODE,
    held_by,
    is_bound,
    provisioned_by,
    waits_for_consumer,
    without_finalizer,
)
from orchestrator.api.errors import AlreadyExists, NotFound
from orchestrator.api.groups.core import NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from orchestrator.api.groups.storage import STORAGE_CLASS
from orchestrator.api.meta import (
    Key,
    Object,
    is_deleting,
    key,
    name,
    resource_version,
    spec,
    split_key,
    status,
    uid,
)
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.strategies.storage import storage_class
from orchestrator.controllers import local_provisioner_plan as plans
from orchestrator.controllers.base import Context, Controller


class LocalProvisioner(Controller):
    """Keys are claims' (with a slash) and volumes' (without)."""

    name = LOCAL

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._claims = self.informer(PERSISTENT_VOLUME_CLAIM)
        self._volumes = self.informer(PERSISTENT_VOLUME)
        self._classes = self.informer(STORAGE_CLASS)
        self._nodes = self.informer(NODE)
        self._claims.add_handler(self._claim_changed)
        self._volumes.add_handler(self._volume_changed)
        self._nodes.add_handler(self._node_changed)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and (plans.is_ours(new) or is_bound(new)):
            self.queue.add(key(new))

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and provisioned_by(new) == LOCAL:
            self.queue.add(key(new))

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        """One that came may be what a claim waits for; one that went took its volumes along."""
        if old is not None and new is not None and _usable(old) == _usable(new):
            return
        for claim in self._claims.cache.list():
            if plans.is_ours(claim):
                self.queue.add(key(claim))
        for volume in self._volumes.cache.list():
            if held_by(volume, FOLDER_FINALIZER):
                self.queue.add(key(volume))

    def sync(self, key: Key) -> None:
        if split_key(key)[0]:
            claim = self._claims.cache.get(key)
            if claim is not None and plans.is_ours(claim):
                self._provision(claim)
            elif claim is not None:
                self._grow(claim)
        elif (volume := self._volumes.cache.get(key)) is not None and provisioned_by(volume) == LOCAL:
            self._reclaim(volume)

    def _provision(self, claim: Object) -> None:
        found = self._classes.cache.get(Key(storage_class(claim)))
        if found is None or found["provisioner"] != LOCAL:
            return
        if why := plans.refusal(claim):
            self._failed(claim, found, why)
            return
        chosen = plans.chosen_node(claim, found, self._nodes.cache.list())
        node = self._nodes.cache.get(Key(chosen)) if chosen else None
        if node is None:
            self._no_node(claim, found, chosen)
        elif FOLDERS not in annotations_of(node):
            self._failed(claim, found, f"node {chosen} has no folder for volumes")
        else:
            self._make(claim, plans.volume(claim, found, node))

    def _make(self, claim: Object, volume: Object) -> None:
        self.record(
            claim, "Normal", "Provisioning", f'External provisioner is provisioning volume for claim "{key(claim)}"'
        )
        try:
            self.client.create(PERSISTENT_VOLUME, volume)
        except AlreadyExists:
            # Made already, and the answer was lost; or the cache is behind.
            return
        self.record(claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {name(volume)}")

    def _no_node(self, claim: Object, found: Object, chosen: str) -> None:
        """The node is gone, and the scheduler has to choose another; or it has not chosen yet; or nobody chooses."""
        if chosen and self._is_gone(chosen):
            self.client.update(PERSISTENT_VOLUME_CLAIM, plans.without_node(claim))
            why = f'failed to get target node: node "{chosen}" not found'
            self.record(claim, "Warning", "ProvisioningFailed", why)
        elif not waits_for_consumer(found):
            self._failed(claim, found, "no node is ready for it")

    def _failed(self, claim: Object, found: Object, why: str) -> None:
        message = f'failed to provision volume with StorageClass "{name(found)}": {why}'
        self.record(claim, "Warning", "ProvisioningFailed", message)

    def _grow(self, claim: Object) -> None:
        volume = self._volumes.cache.get(Key(spec(claim).get("volumeName") or ""))
        if volume is None or provisioned_by(volume) != LOCAL or not is_bound(claim):
            return
        if (grown := plans.grown(volume, claim)) is volume:
            return
        self.record(claim, "Normal", "Resizing", f"External resizer is resizing volume {name(volume)}")
        self.client.update(PERSISTENT_VOLUME, grown)
        # The binder tells the claim what its volume has.
        self.record(claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded")

    def _reclaim(self, volume: Object) -> None:
        if is_deleting(volume):
            if held_by(volume, FOLDER_FINALIZER) and self._is_gone(annotations_of(volume).get(SELECTED_NODE, "")):
                self.client.update(PERSISTENT_VOLUME, without_finalizer(volume, FOLDER_FINALIZER))
        elif status(volume).get("phase") == "Released" and _is_to_go(volume):
            # Over this version only: its owner may have decided to keep it.
            version = resource_version(volume)
            self.client.delete(PERSISTENT_VOLUME, name(volume), uid=uid(volume), resource_version=version)

    def _is_gone(self, node: str) -> bool:
        """By the server's word: the cache may be behind."""
        try:
            self.client.get(NODE, node)
        except NotFound:
            return True
        return False


def _is_to_go(volume: Object) -> bool:
    return spec(volume).get("persistentVolumeReclaimPolicy") == "Delete"


def _usable(node: Object) -> object:
    ready = [c.get("status") for c in status(node).get("conditions") or () if c.get("type") == "Ready"]
    return (ready, annotations_of(node).get(FOLDERS), spec(node).get("unschedulable"))
