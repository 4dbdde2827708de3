"""A master that is killed between any two writes of binding, provisioning and deleting volumes."""

from __future__ import annotations

import pytest

from orchestrator.api.claims import FOLDERS, SELECTED_NODE
from orchestrator.api.groups.core import NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from orchestrator.api.meta import Object, is_deleting, name, spec, status
from orchestrator.client.client import Transport
from orchestrator.controllers.base import Controller
from orchestrator.controllers.local_provisioner import LocalProvisioner
from orchestrator.controllers.volume_binding import VolumeBinder
from orchestrator.controllers.volume_protection import ClaimProtection, VolumeProtection
from tests.faults.test_controllers import Flaky, Mortal
from tests.unit.orchestrator.controllers.world import World

ALL: tuple[type[Controller], ...] = (VolumeBinder, LocalProvisioner, ClaimProtection, VolumeProtection)


def begin(w: World) -> None:
    """A claim, whose node has been chosen."""
    meta: Object = {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}, "annotations": {FOLDERS: "/volumes"}}
    w.client.create(NODE, {"metadata": meta})
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": "data", "namespace": "default", "annotations": {SELECTED_NODE: "n1"}}
    w.client.create(PERSISTENT_VOLUME_CLAIM, {"metadata": meta, "spec": wanted})


def phases(w: World) -> list[str]:
    return [str(status(obj)["phase"]) for kind in (PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM) for obj in w.all(kind)]


def is_all_bound(w: World) -> bool:
    return phases(w) == ["Bound", "Bound"]


def let_go(w: World) -> bool:
    """As the node's agent does; true when there is nothing left."""
    for volume in w.all(PERSISTENT_VOLUME):
        if is_deleting(volume):
            w.client.patch(PERSISTENT_VOLUME, name(volume), {"metadata": {"finalizers": None}})
    return not w.all(PERSISTENT_VOLUME) and not w.all(PERSISTENT_VOLUME_CLAIM)


@pytest.mark.parametrize("writes", range(9))
def test_new_controllers_bind_what_killed_ones_began(writes: int) -> None:
    mortals: list[Mortal] = []

    def between(transport: Transport) -> Transport:
        mortals.append(Mortal(transport, writes))
        return mortals[0]

    with World(*ALL, kubelet=False, between=between).running() as w:
        begin(w)
        w.eventually(lambda: mortals[0].dead or is_all_bound(w))
        w.replace_controllers()
        w.eventually(lambda: is_all_bound(w))
        (volume,) = w.all(PERSISTENT_VOLUME)
        assert spec(w.all(PERSISTENT_VOLUME_CLAIM)[0])["volumeName"] == name(volume)


@pytest.mark.parametrize("writes", range(5))
def test_new_controllers_delete_what_killed_ones_began(writes: int) -> None:
    with World(*ALL, kubelet=False).running() as w:
        begin(w)
        w.eventually(lambda: is_all_bound(w))
        mortal = Mortal(w.client._transport, writes)
        w.replace_controllers(mortal)
        w.client.delete(PERSISTENT_VOLUME_CLAIM, "data", "default")
        w.eventually(lambda: mortal.dead or let_go(w))
        w.replace_controllers()
        w.eventually(lambda: let_go(w))


def test_refused_calls_and_lost_answers_make_no_second_volume() -> None:
    with World(*ALL, kubelet=False, between=lambda transport: Flaky(transport, 0.3)).running() as w:
        begin(w)
        w.eventually(lambda: is_all_bound(w))
        w.quiet()
        assert len(w.all(PERSISTENT_VOLUME)) == 1
        w.client.delete(PERSISTENT_VOLUME_CLAIM, "data", "default")
        w.eventually(lambda: let_go(w))
