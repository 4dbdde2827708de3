"""What a StatefulSet does next: pods to create, to delete or to mend, their claims, and its status. Pure.

Three steps, as in Kubernetes' `stateful_set_control.go`: the pods that should be there, in order; then those beyond
the replicas, the highest first; then, if it rolls, pods of an old revision, the highest first. Of an ordered set every
step waits for the pods before it, and a pod is only ever made where none of its name is left, so that there are never
two for one ordinal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.api.meta import Object, is_deleting, name, spec
from orchestrator.api.pods import is_terminal, phase
from orchestrator.controllers import statefulset_claims
from orchestrator.controllers.availability import next_available
from orchestrator.controllers.deployment_sizes import int_or_percent
from orchestrator.controllers.replicaset_plan import min_ready_seconds, replicas
from orchestrator.controllers.revision_plan import revision_label
from orchestrator.controllers.statefulset_pods import (
    claim_names,
    ordinal_of,
    ordinals,
    start_ordinal,
    stateful_pod,
    with_identity,
)
from orchestrator.controllers.statefulset_pods import claims as claims_for
from orchestrator.controllers.statefulset_status import Revisions, is_rolling, is_serving, next_status


@dataclass(slots=True)
class Plan:
    """Carried out in the order of the fields; `status` is what the pods are now."""

    status: Object
    #: Claims to write over the current ones, with other owners.
    reown: list[Object] = field(default_factory=list)
    #: (name of the pod, claim): without its claims a pod is not created.
    claims: list[tuple[str, Object]] = field(default_factory=list)
    create: list[Object] = field(default_factory=list)
    #: (name of the pod, why it cannot be created for now).
    stuck: list[tuple[str, str]] = field(default_factory=list)
    #: Pods to write over the current ones, with their identity restored.
    update: list[Object] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    #: Of those to delete, the ones that have ended and are to be made anew.
    ended: list[Object] = field(default_factory=list)
    #: Seconds until the plan should be made again even if nothing changes.
    check_after: float | None = None


def plan(sts: Object, pods: Sequence[Object], claims: Mapping[str, Object], revisions: Revisions, now: float) -> Plan:
    """`pods` are its own, `claims` the claims of its namespace by name (at least those of its pods)."""
    result = Plan(next_status(sts, pods, revisions, now))
    result.check_after = next_available(pods, min_ready_seconds(sts), now)
    if not is_deleting(sts):
        _Planner(sts, pods, claims, revisions, now, result).run()
    return result


class _Planner:
    """Each step says whether those after it have to wait."""

    def __init__(
        self,
        sts: Object,
        pods: Sequence[Object],
        claims: Mapping[str, Object],
        revisions: Revisions,
        now: float,
        result: Plan,
    ) -> None:
        self._sts = sts
        self._claims = claims
        self._revisions = revisions
        self._now = now
        self._plan = result
        self._ordered = spec(sts).get("podManagementPolicy") != "Parallel"
        found = {ordinal: pod for pod in pods if (ordinal := ordinal_of(sts, pod)) is not None}
        self._wanted = {ordinal: found.get(ordinal) for ordinal in ordinals(sts)}
        beyond = sorted(found.keys() - self._wanted.keys(), reverse=True)
        self._beyond = {ordinal: found[ordinal] for ordinal in beyond}

    def run(self) -> None:
        self._reown()
        if not self._fill() and not self._shrink() and is_rolling(self._sts):
            self._roll()

    def _serves(self, pod: Object | None) -> bool:
        return pod is not None and is_serving(self._sts, pod, self._now)

    def _reown(self) -> None:
        for ordinal, pod in (self._wanted | self._beyond).items():
            for claim in map(self._claims.get, claim_names(self._sts, ordinal)):
                if claim is not None and pod is not None and not is_deleting(claim):
                    scaled_down = ordinal in self._beyond
                    changed = statefulset_claims.reowned(claim, self._sts, pod, scaled_down=scaled_down)
                    self._plan.reown += [changed] if changed else []

    # Step one: the pods that should be there.

    def _fill(self) -> bool:
        return any(self._settle(ordinal, pod) and self._ordered for ordinal, pod in self._wanted.items())

    def _settle(self, ordinal: int, pod: Object | None) -> bool:
        if pod is None:
            self._make(ordinal)
            return True
        if is_terminal(pod):
            if not is_deleting(pod):
                self._plan.ended.append(pod)
                self._plan.delete.append(pod)
            return True
        if phase(pod) == "Pending" and not is_deleting(pod):
            self._plan.claims += [(name(pod), claim) for claim in self._missing_claims(ordinal)]
        if is_deleting(pod) or (self._ordered and not self._serves(pod)):
            return True
        identified = with_identity(self._sts, pod)
        self._plan.update += [identified] if identified != pod else []
        return False

    def _make(self, ordinal: int) -> None:
        """A claim that goes, or is going to, would take the new pod's data with it."""
        revision = self._revisions.current if self._is_held_back(ordinal) else self._revisions.update
        pod = stateful_pod(self._sts, ordinal, revision)
        there = [claim for claim in map(self._claims.get, claim_names(self._sts, ordinal)) if claim is not None]
        if going := next((name(claim) for claim in there if is_deleting(claim)), None):
            self._plan.stuck.append((name(pod), f"pvc {going} is being deleted"))
        elif not any(statefulset_claims.is_stale(claim, name(pod)) for claim in there):
            self._plan.claims += [(name(pod), claim) for claim in self._missing_claims(ordinal)]
            self._plan.create.append(pod)

    def _missing_claims(self, ordinal: int) -> list[Object]:
        return [claim for claim in claims_for(self._sts, ordinal) if name(claim) not in self._claims]

    def _is_held_back(self, ordinal: int) -> bool:
        """Below the partition pods stay of the current revision."""
        return is_rolling(self._sts) and ordinal < start_ordinal(self._sts) + self._partition()

    def _partition(self) -> int:
        return int(self._rolling_update().get("partition") or 0)

    def _rolling_update(self) -> Object:
        return (spec(self._sts).get("updateStrategy") or {}).get("rollingUpdate") or {}

    # Step two: the pods beyond the replicas.

    def _shrink(self) -> bool:
        return any(self._retire(pod) and self._ordered for pod in self._beyond.values())

    def _retire(self, pod: Object) -> bool:
        if is_deleting(pod):
            return True
        if self._ordered and not self._serves(pod) and pod is not self._first_that_does_not_serve():
            return True
        self._plan.delete.append(pod)
        return True

    def _first_that_does_not_serve(self) -> Object | None:
        """The lowest one: it alone may go unready, as no pod after it can be waited for."""
        return next((pod for pod in reversed(self._beyond.values()) if not self._serves(pod)), None)

    # Step three: pods of an old revision.

    def _roll(self) -> None:
        unavailable = self._rolling_update().get("maxUnavailable")
        if unavailable is None:
            self._roll_one()
        else:
            most = int_or_percent(unavailable, replicas(self._sts), round_up=False)
            self._roll_many(max(1, most))

    def _candidates(self) -> list[Object | None]:
        """From the highest ordinal down to the partition; None where a pod is missing."""
        return list(reversed(list(self._wanted.values())[self._partition() :]))

    def _is_old(self, pod: Object | None) -> bool:
        return pod is not None and not is_deleting(pod) and revision_label(pod) != name(self._revisions.update)

    def _roll_one(self) -> None:
        """The highest old pod, once all above it serve."""
        for pod in self._candidates():
            if pod is not None and self._is_old(pod):
                self._delete(pod)
            if self._is_old(pod) or not self._serves(pod):
                return

    def _roll_many(self, most: int) -> None:
        """As many old pods as leave no more than `most` of all unavailable. Those that do not serve cost nothing."""
        spare = most - sum(not self._serves(pod) for pod in self._wanted.values())
        for pod in self._candidates():
            if pod is None or not self._is_old(pod):
                continue
            if self._serves(pod):
                if spare <= 0:
                    continue
                spare -= 1
            self._delete(pod)

    def _delete(self, pod: Object) -> None:
        if pod not in self._plan.delete:
            self._plan.delete.append(pod)
