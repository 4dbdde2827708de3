"""The persistent volume binder: gives each claim its volume, and says what state both are in.

The write that gives a volume to a claim is that of the volume's `claimRef`, over the version that was judged: only one
claim can succeed. All else that binding takes can be repeated, so a controller that is killed in between loses nothing.
"""

from __future__ import annotations

from typing import assert_never

from orchestrator.api.claims import claim_of, claimed, is_bound, is_free
from orchestrator.api.errors import NotFound
from orchestrator.api.groups.core import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD
from orchestrator.api.groups.storage import STORAGE_CLASS
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Key, Object, is_deleting, key, name, namespace, spec, split_key, status, uid
from orchestrator.api.pods import is_terminal
from orchestrator.api.strategies.storage import storage_class
from orchestrator.client.informer import Informer
from orchestrator.controllers import volume_binding_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.volume_recycling import recycler, recycler_name

_CLAIM = "claim"
_OPEN = "open"
_VOLUME = "volume"


def by_name(informer: Informer) -> dict[str, Object]:
    return {name(obj): obj for obj in informer.cache.list()}


class VolumeBinder(Controller):
    """Keys are claims' (with a slash) and volumes' (without)."""

    name = "persistentvolume-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._claims = self.informer(PERSISTENT_VOLUME_CLAIM)
        self._volumes = self.informer(PERSISTENT_VOLUME)
        self._classes = self.informer(STORAGE_CLASS)
        self._pods = self.informer(POD)
        self._claims.add_index(_OPEN, lambda claim: () if is_bound(claim) else (storage_class(claim),))
        self._claims.add_index(_VOLUME, lambda claim: (wanted,) if (wanted := spec(claim).get("volumeName")) else ())
        self._volumes.add_index(_CLAIM, lambda volume: (claim,) if (claim := claim_of(volume)) else ())
        self._claims.add_handler(self._claim_changed)
        self._volumes.add_handler(self._volume_changed)
        self._classes.add_handler(self._class_changed)
        self._pods.add_handler(self._pod_changed)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        claim = new or old or {}
        self.queue.add(key(claim))
        for volume in self._volumes.cache.by_index(_CLAIM, key(claim)):
            self.queue.add(key(volume))

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        volume = new or old or {}
        self.queue.add(key(volume))
        if claim := claim_of(volume):
            self.queue.add(claim)
        for naming in self._claims.cache.by_index(_VOLUME, name(volume)):
            self.queue.add(key(naming))
        if new is not None and is_free(new) and not (old and is_free(old)):
            self._look_at_open_claims(storage_class(new))

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        self._look_at_open_claims(name(new or old or {}))

    def _look_at_open_claims(self, wanted: str) -> None:
        for claim in self._claims.cache.by_index(_OPEN, wanted):
            self.queue.add(key(claim))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if volume := recycler_name(new or old or {}):
            self.queue.add(Key(volume))

    def sync(self, key: Key) -> None:
        if split_key(key)[0]:
            claim = self._claims.cache.get(key)
            if claim is not None:
                self._sync_claim(claim)
        elif (volume := self._volumes.cache.get(key)) is not None:
            self._sync_volume(volume)

    # Claims.

    def _sync_claim(self, claim: Object) -> None:
        if is_deleting(claim) and not is_bound(claim):
            return
        match plans.judge_claim(claim, by_name(self._volumes), by_name(self._classes)):
            case plans.Bind(volume):
                self._bind(claim, volume)
            case plans.Provision(provisioner):
                claim = self._write(PERSISTENT_VOLUME_CLAIM, claim, plans.provisionable(claim, provisioner))
                self._settle(claim, "Pending", plans.waiting_for(provisioner))
            case plans.Stay(phase, event):
                self._settle(claim, phase, event)
            case unknown:
                assert_never(unknown)

    def _bind(self, claim: Object, volume: Object) -> None:
        volume = self._write(PERSISTENT_VOLUME, volume, claimed(volume, claim))
        volume = self._put_phase(volume, plans.Phase("Bound"))
        claim = self._write(PERSISTENT_VOLUME_CLAIM, claim, plans.completed(claim, volume))
        self._write_status(PERSISTENT_VOLUME_CLAIM, claim, plans.claim_status(claim, "Bound", volume))

    def _settle(self, claim: Object, phase: str, event: plans.Event | None) -> None:
        self._write_status(PERSISTENT_VOLUME_CLAIM, claim, plans.claim_status(claim, phase))
        if event is not None:
            self.record(claim, event.type, event.reason, event.message)

    # Volumes.

    def _sync_volume(self, volume: Object) -> None:
        match plans.judge_volume(volume, self._claim_behind(volume)):
            case plans.Unbind():
                self._write(PERSISTENT_VOLUME, volume, plans.unclaimed(volume))
            case plans.Recycle():
                self._recycle(volume)
            case plans.Phase() as verdict:
                self._put_phase(volume, verdict)
            case unknown:
                assert_never(unknown)

    def _claim_behind(self, volume: Object) -> Object | None:
        """The claim itself, not another one of its name. The server is asked before one counts as gone: what follows
        cannot be taken back."""
        place = claim_of(volume)
        if place is None:
            return None
        wanted = spec(volume)["claimRef"].get("uid")
        claim = self._claims.cache.get(place)
        if claim is None or uid(claim) != wanted:
            claim = self._ask(PERSISTENT_VOLUME_CLAIM, place)
        return claim if claim is not None and uid(claim) == wanted else None

    def _recycle(self, volume: Object) -> None:
        """A pod empties the volume; when it has succeeded the volume is anybody's."""
        volume = self._put_phase(volume, plans.Phase("Released"))
        wanted = recycler(volume)
        pod = self._ask(POD, key(wanted))
        if pod is None:
            self.client.create(POD, wanted)
        elif is_terminal(pod) and not is_deleting(pod):
            # It goes first: what it has done must not count for the volume's next claim.
            self.client.delete(POD, name(pod), namespace(pod), uid=uid(pod))
            self._recycled(volume, status(pod)["phase"] == "Succeeded")

    def _recycled(self, volume: Object, succeeded: bool) -> None:
        if succeeded:
            self.record(volume, "Normal", "VolumeRecycled", "Volume recycled")
            self._write(PERSISTENT_VOLUME, volume, plans.unclaimed(volume))
        else:
            self._put_phase(volume, plans.RECYCLE_FAILED)

    def _put_phase(self, volume: Object, verdict: plans.Phase) -> Object:
        fresh = plans.volume_status(volume, verdict, self.clock.now())
        if fresh != volume and verdict.reason:
            self.record(volume, "Warning", verdict.reason, verdict.message)
        return self._write_status(PERSISTENT_VOLUME, volume, fresh)

    # Reading and writing.

    def _ask(self, kind: Kind, key: Key) -> Object | None:
        namespace, name = split_key(key)
        try:
            return self.client.get(kind, name, namespace)
        except NotFound:
            return None

    def _write(self, kind: Kind, old: Object, new: Object) -> Object:
        return self.client.update(kind, new) if new != old else old

    def _write_status(self, kind: Kind, old: Object, new: Object) -> Object:
        return self.client.update_status(kind, new) if new != old else old
