"""The StatefulSet controller: pods with a number, a name and claims of their own, made and replaced in order."""

from __future__ import annotations

import logging
from typing import Literal

from orchestrator.api.errors import AlreadyExists, ApiError, NotFound
from orchestrator.api.groups.apps import CONTROLLER_REVISION, STATEFUL_SET
from orchestrator.api.groups.core import PERSISTENT_VOLUME_CLAIM, POD
from orchestrator.api.meta import (
    Key,
    Object,
    controller_of,
    is_deleting,
    key,
    make_key,
    name,
    namespace,
    spec,
    status,
    uid,
)
from orchestrator.client.client import Client
from orchestrator.client.informer import Informer
from orchestrator.controllers import statefulset_plan as plans
from orchestrator.controllers.base import Context
from orchestrator.controllers.errors import namespace_is_terminating
from orchestrator.controllers.history import History
from orchestrator.controllers.pod_control import PodControl, Record
from orchestrator.controllers.revision_plan import revision_label
from orchestrator.controllers.statefulset_claims import is_of
from orchestrator.controllers.statefulset_plan import Plan
from orchestrator.controllers.statefulset_pods import belongs, claim_names, ordinal_of, ordinals
from orchestrator.controllers.statefulset_status import Revisions
from orchestrator.controllers.workload import WorkloadController
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

_HASH_LABEL = "controller.kubernetes.io/hash"


class StatefulPodControl(PodControl):
    """Its events name the StatefulSet too. `pods` tells a pod that is there already, only not seen yet, from one of
    the same name that belongs to somebody else and will stay in the way."""

    def __init__(self, name: str, client: Client, clock: Clock, record: Record, pods: Informer) -> None:
        super().__init__(name, client, clock, record)
        self._pods = pods

    def is_taken(self, owner: Object, pod: Object) -> bool:
        there = self._pods.cache.get(key(pod))
        return there is not None and (controller_of(there) or {}).get("uid") != uid(owner)

    def tell(self, owner: Object, verb: str, pod: Object, error: ApiError | None) -> None:
        sentence = f"{verb} Pod {name(pod)} in StatefulSet {name(owner)}"
        if error is None:
            self._record(owner, "Normal", f"Successful{verb.capitalize()}", f"{sentence} successful")
        elif not isinstance(error, AlreadyExists) or self.is_taken(owner, pod):
            self._record(owner, "Warning", f"Failed{verb.capitalize()}", f"{sentence} failed error: {error}")


class StatefulSetController(WorkloadController):
    name = "statefulset-controller"
    kind = STATEFUL_SET

    def __init__(self, context: Context) -> None:
        super().__init__(context, belongs=belongs)
        self._claims = self.informer(PERSISTENT_VOLUME_CLAIM)
        revisions = self.informer(CONTROLLER_REVISION)
        self._history = History(context.client, self._owners, revisions, _HASH_LABEL)
        self._claims.add_handler(self._claim_changed)

    def _pod_control(self) -> PodControl:
        return StatefulPodControl(self.name, self.client, self.clock, self.record, self._pods)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        """A pod may wait for the end of a claim."""
        claim = new or old or {}
        for sts in self._owners.cache.list(namespace(claim)):
            if any(is_of(claim, sts, name(template)) for template in spec(sts).get("volumeClaimTemplates") or []):
                self.queue.add(key(sts))

    def sync(self, key: Key) -> None:
        sts = self._owners.cache.get(key)
        if sts is None or not self._control.satisfied(key):
            return
        found = self._history.of(sts)
        revisions = self._revisions(sts, found)
        if revisions is None:
            return
        pods = self._members.of(sts)
        plan = plans.plan(sts, pods, self._claims_of(sts, pods), revisions, self.clock.now())
        error = self._carry_out(sts, plan)
        self._write_status(sts, plan)
        if error is not None:
            raise error
        live = {name(revisions.current), name(revisions.update), *map(revision_label, pods)}
        self._history.forget(sts, found, live)

    def _revisions(self, sts: Object, found: list[Object]) -> Revisions | None:
        """None for a set that goes, and whose revisions went before."""
        current = self._history.named(sts, found, str(status(sts).get("currentRevision") or ""))
        if is_deleting(sts):
            update = self._history.named(sts, found, str(status(sts).get("updateRevision") or ""))
            return Revisions(current, update, _collisions(sts)) if current and update else None
        update, collisions = self._history.current(sts, found)
        return Revisions(current or update, update, collisions)

    def _claims_of(self, sts: Object, pods: list[Object]) -> dict[str, Object]:
        numbers = {*ordinals(sts), *(ordinal for pod in pods if (ordinal := ordinal_of(sts, pod)) is not None)}
        names = (claim for ordinal in numbers for claim in claim_names(sts, ordinal))
        found = (self._claims.cache.get(make_key(namespace(sts), claim)) for claim in names)
        return {name(claim): claim for claim in found if claim is not None}

    def _carry_out(self, sts: Object, plan: Plan) -> ApiError | None:
        """The first error; the rest is done all the same, as far as it does not depend on what failed."""
        for claim in plan.reown:
            self.client.update(PERSISTENT_VOLUME_CLAIM, claim)
        for pod, why in plan.stuck:
            message = f"create Pod {pod} in StatefulSet {name(sts)} failed error: {why}"
            self.record(sts, "Warning", "FailedCreate", message)
        errors = self._create_claims(sts, plan)
        for ended in plan.ended:
            self._tell_ended(sts, ended)
        create = [pod for pod in plan.create if name(pod) not in errors]
        error = self._control.carry_out(sts, create, plan.delete)
        for wanted in plan.update:
            self._update(sts, wanted)
        return error or next(iter(errors.values()), None)

    def _create_claims(self, sts: Object, plan: Plan) -> dict[str, ApiError]:
        """Errors by the name of the pod that lacks the claim."""
        errors: dict[str, ApiError] = {}
        for pod, claim in plan.claims:
            sentence = f"Claim {name(claim)} Pod {pod} in StatefulSet {name(sts)}"
            try:
                self.client.create(PERSISTENT_VOLUME_CLAIM, claim)
            except AlreadyExists:
                log.debug("%s: claim %s is there already", key(sts), name(claim))
            except ApiError as error:
                if not namespace_is_terminating(error):
                    self.record(sts, "Warning", "FailedCreate", f"create {sentence} failed error: {error}")
                errors[pod] = error
            else:
                self.record(sts, "Normal", "SuccessfulCreate", f"create {sentence} success")
        return errors

    def _tell_ended(self, sts: Object, pod: Object) -> None:
        failed = status(pod).get("phase") == "Failed"
        kind: Literal["Normal", "Warning"] = "Warning" if failed else "Normal"
        word = "failed" if failed else "terminated"
        message = f"StatefulSet {key(sts)} is recreating {word} Pod {name(pod)}"
        self.record(sts, kind, f"Recreating{word.capitalize()}Pod", message)

    def _update(self, sts: Object, pod: Object) -> None:
        sentence = f"update Pod {name(pod)} in StatefulSet {name(sts)}"
        try:
            self.client.update(POD, pod)
        except NotFound:
            return
        except ApiError as error:
            self.record(sts, "Warning", "FailedUpdate", f"{sentence} failed error: {error}")
            raise
        self.record(sts, "Normal", "SuccessfulUpdate", f"{sentence} successful")

    def _write_status(self, sts: Object, plan: Plan) -> None:
        if plan.check_after is not None:
            self.look_again(key(sts), plan.check_after)
        if plan.status != status(sts):
            self.client.update_status(STATEFUL_SET, {**sts, "status": plan.status})


def _collisions(sts: Object) -> int:
    return int(status(sts).get("collisionCount") or 0)
