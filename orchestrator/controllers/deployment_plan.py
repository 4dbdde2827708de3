"""What a Deployment does next: a ReplicaSet to create, others to resize or forget, and its status. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from orchestrator.api.meta import Object, controller_of, is_deleting, name, spec, status, uid
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.pods import is_terminal
from orchestrator.controllers import deployment_revision as revisions
from orchestrator.controllers import deployment_sizes as sizes_of
from orchestrator.controllers import deployment_status as statuses
from orchestrator.controllers.deployment_sizes import Limits, Sizes
from orchestrator.controllers.replicaset_plan import min_ready_seconds


@dataclass(frozen=True, slots=True)
class Change:
    """A ReplicaSet as it is, and as it should be written over it."""

    old: Object
    new: Object


@dataclass(frozen=True, slots=True)
class Plan:
    """`status` and `revision` (the Deployment's annotation, "" for none) hold once everything else is done."""

    status: Object
    create: Object | None = None
    update: Sequence[Change] = ()
    delete: Sequence[Object] = ()
    revision: str = ""
    #: Seconds until the plan should be made again even if nothing changes.
    check_after: float | None = None


@dataclass(slots=True)
class _Decision:
    create: bool = False
    sizes: Sizes = field(default_factory=dict)
    clean_up: bool = False
    is_rollout: bool = True


def plan(deployment: Object, sets: Sequence[Object], pods: Iterable[Object], now: float) -> Plan:
    """`sets` are the ReplicaSets it owns, `pods` the pods those own (looked at only by the Recreate strategy)."""
    bounds = sizes_of.limits(deployment)
    new, olds = revisions.split(deployment, sets)
    decision = _decide(deployment, bounds, new, olds, pods)
    number = revisions.next_revision(olds)
    fresh = statuses.counts(deployment, bounds, new, sets, now)
    statuses.note_pause(deployment, fresh, now)
    if decision.create:
        size = sizes_of.new_size(bounds, 0, olds)
        created = revisions.new_replica_set(deployment, bounds, number, size)
        if statuses.deadline(deployment) is not None:
            statuses.note_new_replica_set(fresh, created, now, created=True)
        return Plan(fresh, create=created, revision=str(number))
    _report(deployment, fresh, new, sets, now, is_rollout=decision.is_rollout)
    return Plan(
        fresh,
        update=_changes(deployment, bounds, new, olds, decision.sizes),
        delete=revisions.outdated(deployment, olds) if decision.clean_up else (),
        revision=str(max(number, revisions.revision(new))) if new and not is_deleting(deployment) else "",
        check_after=statuses.check_after(deployment, fresh, now) if decision.is_rollout else None,
    )


def _decide(
    deployment: Object, bounds: Limits, new: Object | None, olds: Sequence[Object], pods: Iterable[Object]
) -> _Decision:
    if is_deleting(deployment):
        return _Decision(is_rollout=False)
    paused = bool(spec(deployment).get("paused"))
    rolling = sizes_of.is_rolling(deployment)
    if paused or (rolling and sizes_of.was_resized(deployment, [*olds, *([new] if new else [])])):
        sizes = sizes_of.rescale(deployment, bounds, new, olds)
        return _Decision(sizes=sizes, clean_up=paused, is_rollout=False)
    if not rolling:
        return _recreate(deployment, bounds, new, olds, pods)
    if new is None:
        return _Decision(create=True)
    sizes = sizes_of.rolling_step(bounds, new, olds)
    return _Decision(sizes=sizes, clean_up=not sizes and statuses.is_complete(deployment, status(deployment)))


def _recreate(
    deployment: Object, bounds: Limits, new: Object | None, olds: Sequence[Object], pods: Iterable[Object]
) -> _Decision:
    """Nothing new starts before the last old pod has ended."""
    if running := sizes_of.active(olds):
        return _Decision(sizes={name(rs): 0 for rs in running})
    if _old_pods_run(new, olds, pods):
        return _Decision()
    if new is None:
        return _Decision(create=True)
    complete = statuses.is_complete(deployment, status(deployment))
    return _Decision(sizes={name(new): bounds.replicas}, clean_up=complete)


def _old_pods_run(new: Object | None, olds: Sequence[Object], pods: Iterable[Object]) -> bool:
    """Pods count until they have ended, also while they terminate."""
    if any(status(rs).get("replicas") for rs in olds):
        return True
    current = uid(new) if new else ""
    return any((controller_of(pod) or {}).get("uid") != current and not is_terminal(pod) for pod in pods)


def _changes(
    deployment: Object, bounds: Limits, new: Object | None, olds: Sequence[Object], sizes: Mapping[str, int]
) -> list[Change]:
    """Growing before shrinking, so that an interruption leaves too many pods and not too few."""
    changes = []
    for rs in [*([new] if new else []), *olds]:
        wanted = deepcopy(rs)
        meta = wanted["metadata"]
        if rs is new and not is_deleting(deployment):
            meta["annotations"] = revisions.promoted(rs, deployment, revisions.next_revision(olds))
            if min_ready_seconds(rs) != min_ready_seconds(deployment):
                wanted["spec"]["minReadySeconds"] = min_ready_seconds(deployment)
        if name(rs) in sizes:
            wanted["spec"]["replicas"] = sizes[name(rs)]
            meta["annotations"] = {**annotations_of(wanted), **revisions.sized_for(bounds)}
        if wanted != rs:
            changes.append(Change(rs, wanted))
    return sorted(changes, key=lambda change: change.old["spec"].get("replicas", 0) - change.new["spec"]["replicas"])


def _report(
    deployment: Object, fresh: Object, new: Object | None, sets: Sequence[Object], now: float, *, is_rollout: bool
) -> None:
    if not is_rollout:
        return
    if new is not None and statuses.deadline(deployment) is not None:
        statuses.note_new_replica_set(fresh, new, now, created=False)
    statuses.note_progress(deployment, fresh, new, now)
    statuses.note_failures(fresh, new, sets, now)
