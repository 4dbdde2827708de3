"""The controllers of storage at work on a whole API."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.api.claims import FOLDER_FINALIZER, FOLDERS, SELECTED_NODE, is_bound
from orchestrator.api.errors import Forbidden
from orchestrator.api.groups.core import NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD
from orchestrator.api.groups.storage import STORAGE_CLASS
from orchestrator.api.meta import Object, annotations, finalizers, is_deleting, name, spec, status
from orchestrator.controllers.base import Controller
from orchestrator.controllers.ephemeral_volume import EphemeralVolumeController
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.local_provisioner import LocalProvisioner
from orchestrator.controllers.volume_binding import VolumeBinder
from orchestrator.controllers.volume_protection import ClaimProtection, VolumeProtection
from tests.fakes.volumes import claim, storage_class, volume
from tests.unit.orchestrator.controllers.world import World

ALL: tuple[type[Controller], ...] = (
    VolumeBinder,
    LocalProvisioner,
    EphemeralVolumeController,
    ClaimProtection,
    VolumeProtection,
    GarbageCollector,
)
_numbers = itertools.count()


class Lab:
    def __init__(self, world: World) -> None:
        self.world = world
        self.client = world.client

    def volume(self, *args: Any, **fields: Any) -> None:
        self.client.create(PERSISTENT_VOLUME, _new(volume(*args, **fields)))

    def claim(self, *args: Any, **fields: Any) -> None:
        self.client.create(PERSISTENT_VOLUME_CLAIM, _new(claim(*args, **fields)))

    def get_volume(self, name: str = "pv") -> Object:
        return self.client.get(PERSISTENT_VOLUME, name)

    def get_claim(self, name: str = "data") -> Object:
        return self.client.get(PERSISTENT_VOLUME_CLAIM, name, "default")

    def has(self, phase: str, name: str = "pv") -> None:
        self.world.eventually(lambda: status(self.get_volume(name))["phase"] == phase)

    def is_bound(self, name: str = "data", volume: str = "") -> Object:
        bound = self.world.eventually(lambda: found if is_bound(found := self.get_claim(name)) else None)
        self.world.eventually(lambda: status(self.get_claim(name))["phase"] == "Bound")
        assert not volume or spec(bound)["volumeName"] == volume
        return bound

    def told(self, reason: str, message: str) -> None:
        self.world.eventually(lambda: message in self.world.events.messages(reason))

    def delete_claim(self, name: str = "data") -> None:
        self.client.delete(PERSISTENT_VOLUME_CLAIM, name, "default")

    def node(self, name: str = "n1") -> None:
        conditions = [{"type": "Ready", "status": "True"}]
        marks = {FOLDERS: "/volumes"}
        meta = {"name": name, "labels": {"kubernetes.io/hostname": name}, "annotations": marks}
        self.world.create(NODE, {"metadata": meta, "status": {"conditions": conditions}})

    def choose(self, node: str, claim: str = "data") -> None:
        """As the scheduler does."""
        patch = {"metadata": {"annotations": {SELECTED_NODE: node}}}
        self.client.patch(PERSISTENT_VOLUME_CLAIM, claim, patch, "default")

    def provisioned(self) -> Object:
        """The volume that was made for the claim `data`."""
        self.node()
        self.claim(storage_class=None)
        self.choose("n1")
        return self.get_volume(spec(self.is_bound())["volumeName"])

    def pod(self, name: str, **spec: Any) -> None:
        containers = [{"name": "a", "image": "x"}]
        self.client.create(
            POD, {"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": containers, **spec}}
        )


def _new(obj: Object) -> Object:
    """Without what only the server may set."""
    meta = {field: value for field, value in obj["metadata"].items() if field != "uid"}
    return {**{field: value for field, value in obj.items() if field != "status"}, "metadata": meta}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with World(*ALL, kubelet=False).running() as world:
        yield Lab(world)


def test_a_claim_gets_the_smallest_volume_that_fits(lab: Lab) -> None:
    lab.volume("large", "9Gi")
    lab.volume("small", "1Mi")
    lab.volume("right", "2Gi")
    lab.has("Available", "right")
    lab.claim()
    bound = lab.is_bound(volume="right")
    lab.has("Bound", "right")
    assert status(lab.get_claim()) == {
        "phase": "Bound",
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "2Gi"},
    }
    assert status(lab.get_volume("right"))["lastPhaseTransitionTime"]
    assert spec(lab.get_volume("right"))["claimRef"]["uid"] == bound["metadata"]["uid"]


def test_a_claim_waits_for_a_volume(lab: Lab) -> None:
    lab.claim()
    lab.told("FailedBinding", "no persistent volumes available for this claim and no storage class is set")
    lab.volume()
    lab.is_bound(volume="pv")


def test_a_released_volume_is_kept_and_is_nobody_elses(lab: Lab) -> None:
    lab.volume()
    lab.claim()
    lab.is_bound()
    lab.delete_claim()
    lab.has("Released")
    lab.claim()
    lab.world.quiet()
    assert status(lab.get_claim())["phase"] == "Pending"
    # Until somebody frees it by hand.
    lab.client.patch(PERSISTENT_VOLUME, "pv", {"spec": {"claimRef": None}})
    lab.is_bound(volume="pv")


def test_what_cannot_be_deleted_has_failed(lab: Lab) -> None:
    lab.volume(policy="Delete")
    lab.claim()
    lab.is_bound()
    lab.delete_claim()
    lab.has("Failed")
    message = "host_path deleter only supports /tmp/.+ but received provided /mnt/pv"
    lab.told("VolumeFailedDelete", message)
    assert status(lab.get_volume())["message"] == message


def test_a_claim_whose_volume_was_deleted_is_lost(lab: Lab) -> None:
    lab.volume()
    lab.claim()
    lab.is_bound()
    lab.client.delete(PERSISTENT_VOLUME, "pv")
    lab.world.quiet()
    assert is_deleting(lab.get_volume()), "it is in use"
    lab.client.patch(PERSISTENT_VOLUME, "pv", {"metadata": {"finalizers": None}})
    lab.told("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
    assert status(lab.get_claim())["phase"] == "Lost"


def test_a_volume_is_deleted_once_it_is_free(lab: Lab) -> None:
    lab.volume()
    lab.claim()
    lab.is_bound()
    lab.client.delete(PERSISTENT_VOLUME, "pv")
    lab.delete_claim()
    lab.world.eventually(lambda: not lab.world.all(PERSISTENT_VOLUME))


def test_a_volume_is_emptied_and_available_again(lab: Lab) -> None:
    lab.volume(policy="Recycle")
    lab.claim()
    lab.is_bound()
    lab.delete_claim()
    pod = lab.world.eventually(lambda: lab.client.get(POD, "recycler-for-pv", "default"))
    assert spec(pod)["volumes"] == [{"name": "vol", "hostPath": {"path": "/mnt/pv", "type": ""}}]
    lab.has("Released")
    lab.client.update_status(POD, {**pod, "status": {**status(pod), "phase": "Succeeded"}})
    lab.has("Available")
    assert "claimRef" not in spec(lab.get_volume())
    lab.told("VolumeRecycled", "Volume recycled")
    # The next time it is emptied anew: the pod that is going does not count.
    lab.claim()
    lab.is_bound()
    lab.delete_claim()
    lab.has("Released")
    lab.world.quiet()
    assert status(lab.get_volume())["phase"] == "Released"


def test_a_volume_that_cannot_be_emptied_has_failed(lab: Lab) -> None:
    lab.volume(policy="Recycle")
    lab.claim()
    lab.is_bound()
    lab.delete_claim()
    pod = lab.world.eventually(lambda: lab.client.get(POD, "recycler-for-pv", "default"))
    lab.client.update_status(POD, {**pod, "status": {**status(pod), "phase": "Failed"}})
    lab.has("Failed")
    lab.world.quiet()
    assert status(lab.get_volume())["reason"] == "VolumeFailedRecycle"


def test_a_claim_that_names_a_volume_gets_it_once_it_fits(lab: Lab) -> None:
    lab.volume(storage_class="slow")
    lab.claim(volume="pv")
    lab.told("VolumeMismatch", 'Cannot bind to requested volume "pv": storageClassName does not match')
    lab.client.patch(PERSISTENT_VOLUME, "pv", {"spec": {"storageClassName": ""}})
    lab.is_bound(volume="pv")


def test_a_volume_is_made_where_the_scheduler_says(lab: Lab) -> None:
    lab.node()
    lab.claim(storage_class=None)
    lab.told("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
    assert not lab.world.all(PERSISTENT_VOLUME)
    lab.choose("n1")
    bound = lab.is_bound()
    uid = bound["metadata"]["uid"]
    made = lab.get_volume(f"pvc-{uid}")
    assert spec(made)["local"] == {"path": f"/volumes/pvc-{uid}_default_data"}
    assert (spec(made)["storageClassName"], spec(made)["persistentVolumeReclaimPolicy"]) == ("standard", "Delete")
    assert FOLDER_FINALIZER in finalizers(made)
    for reason in ("ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"):
        assert lab.world.events.messages(reason)


def test_a_class_that_does_not_wait_gets_some_ready_node(lab: Lab) -> None:
    lab.client.create(STORAGE_CLASS, storage_class("now", waits=False))
    lab.claim(storage_class="now")
    lab.told("ProvisioningFailed", 'failed to provision volume with StorageClass "now": no node is ready for it')
    lab.node("n2")
    lab.is_bound()


def test_what_is_no_folder_cannot_be_made(lab: Lab) -> None:
    lab.node()
    lab.claim(storage_class=None, volumeMode="Block")
    lab.choose("n1")
    lab.told(
        "ProvisioningFailed",
        'failed to provision volume with StorageClass "standard": Block volumes are not supported',
    )


def test_a_chosen_node_that_is_gone_is_chosen_anew(lab: Lab) -> None:
    lab.claim(storage_class=None)
    lab.choose("gone")
    lab.world.eventually(lambda: SELECTED_NODE not in annotations(lab.get_claim()))
    lab.world.quiet()
    assert lab.world.events.messages("ProvisioningFailed") == ['failed to get target node: node "gone" not found']


def test_the_folder_goes_before_the_volume(lab: Lab) -> None:
    made = lab.provisioned()
    lab.delete_claim()
    held = lab.world.eventually(lambda: v if is_deleting(v := lab.get_volume(name(made))) else None)
    lab.world.eventually(lambda: finalizers(lab.get_volume(name(made))) == [FOLDER_FINALIZER])
    assert status(held)["phase"] == "Released"
    # The agent has done its part.
    lab.client.patch(PERSISTENT_VOLUME, name(made), {"metadata": {"finalizers": None}})
    lab.world.eventually(lambda: not lab.world.all(PERSISTENT_VOLUME))


def test_a_node_that_is_gone_for_good_takes_its_folders_along(lab: Lab) -> None:
    lab.provisioned()
    lab.delete_claim()
    lab.world.eventually(lambda: is_deleting(lab.world.all(PERSISTENT_VOLUME)[0]))
    lab.client.delete(NODE, "n1")
    lab.world.eventually(lambda: not lab.world.all(PERSISTENT_VOLUME))


def test_a_volume_that_shall_be_retained_is(lab: Lab) -> None:
    made = lab.provisioned()
    lab.client.patch(PERSISTENT_VOLUME, name(made), {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    lab.world.quiet()
    lab.delete_claim()
    lab.has("Released", name(made))
    lab.world.quiet()
    assert not is_deleting(lab.get_volume(name(made)))


def test_a_claim_may_grow(lab: Lab) -> None:
    made = lab.provisioned()
    grow = {"spec": {"resources": {"requests": {"storage": "3Gi"}}}}
    lab.client.patch(PERSISTENT_VOLUME_CLAIM, "data", grow, "default")
    lab.world.eventually(lambda: status(lab.get_claim())["capacity"] == {"storage": "3Gi"})
    assert spec(lab.get_volume(name(made)))["capacity"] == {"storage": "3Gi"}


def test_a_claim_of_a_class_that_does_not_allow_it_may_not_grow(lab: Lab) -> None:
    lab.volume()
    lab.claim()
    lab.is_bound()
    grow = {"spec": {"resources": {"requests": {"storage": "3Gi"}}}}
    with pytest.raises(Forbidden, match="only dynamically provisioned pvc can be resized"):
        lab.client.patch(PERSISTENT_VOLUME_CLAIM, "data", grow, "default")


def test_a_claim_in_use_stays(lab: Lab) -> None:
    lab.volume()
    lab.claim()
    lab.is_bound()
    lab.pod("user", nodeName="n1", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])
    lab.delete_claim()
    lab.world.quiet()
    assert is_deleting(lab.get_claim())
    lab.client.delete(POD, "user", "default", grace_seconds=0)
    lab.world.eventually(lambda: not lab.world.all(PERSISTENT_VOLUME_CLAIM))


def test_a_pod_without_node_does_not_use_its_claim(lab: Lab) -> None:
    lab.claim()
    lab.pod("user", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])
    lab.delete_claim()
    lab.world.eventually(lambda: not lab.world.all(PERSISTENT_VOLUME_CLAIM))


def ephemeral(**spec: Any) -> Object:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}, **spec}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": wanted}
    return {"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}


def test_an_ephemeral_volume_has_a_claim_that_goes_with_the_pod(lab: Lab) -> None:
    lab.pod("web", volumes=[ephemeral()])
    made = lab.world.eventually(lambda: lab.get_claim("web-scratch"))
    assert made["metadata"]["labels"] == {"a": "b"}
    lab.client.delete(POD, "web", "default", grace_seconds=0)
    lab.world.eventually(lambda: not lab.world.all(PERSISTENT_VOLUME_CLAIM))


def test_a_claim_of_another_is_not_taken_for_an_ephemeral_volume(lab: Lab) -> None:
    lab.claim("web-scratch")
    lab.pod("web", volumes=[ephemeral()])
    lab.told("FailedBinding", "PVC default/web-scratch was not created for pod default/web (pod is not owner)")
