"""How far a Job is, from its status and from the pods that are not counted in it yet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.api.meta import Object, is_deleting, spec, status, uid
from orchestrator.api.pods import is_active, is_terminal
from orchestrator.controllers.index_set import IndexSet
from orchestrator.controllers.job_failure_policy import verdict
from orchestrator.controllers.job_pods import (
    all_index_failures,
    completions,
    finished_at,
    has_failed,
    has_succeeded,
    index_failures,
    index_of,
    is_indexed,
    is_tracked,
    is_valid,
    limit_per_index,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """`new_succeeded` and `new_failed` are pods that have ended and are in no number of the status, nor noted there as
    `uncountedTerminatedPods`. `succeeded` and `failed` are the true numbers, with them. `completed` are the indexes
    done; `failed_indexes` those given up, None where there is no limit per index. `last_failed` is, for each index
    that waits for a new pod, the failed one whose count of failures that pod takes over."""

    pods: Sequence[Object]
    active: Sequence[Object]
    terminating: Sequence[Object]
    new_succeeded: Sequence[Object]
    new_failed: Sequence[Object]
    succeeded: int
    failed: int
    completed: IndexSet
    failed_indexes: IndexSet | None
    last_failed: dict[int, Object]


def tally(job: Object, pods: Sequence[Object]) -> Tally:
    uncounted = status(job).get("uncountedTerminatedPods") or {}
    noted = {which: set(uncounted.get(which) or ()) for which in ("succeeded", "failed")}
    valid = [pod for pod in pods if is_tracked(pod) and is_valid(pod, job)]
    known = noted["succeeded"] | noted["failed"]
    new = [pod for pod in valid if uid(pod) not in known]
    new_succeeded = [pod for pod in new if has_succeeded(pod)]
    new_failed = [pod for pod in new if has_failed(pod, job)]
    active = [pod for pod in pods if is_active(pod)]
    completed = _completed(job, new_succeeded)
    failed_indexes = _failed_indexes(job, valid)
    counts = {which: int(status(job).get(which) or 0) + len(uids) for which, uids in noted.items()}
    counted = sum(verdict(job, pod).counts for pod in new_failed)
    return Tally(
        pods=pods,
        active=active,
        terminating=[pod for pod in pods if is_deleting(pod) and not is_terminal(pod)],
        new_succeeded=new_succeeded,
        new_failed=new_failed,
        # Indexes, unlike pods, cannot be counted twice.
        succeeded=len(completed) if is_indexed(job) else counts["succeeded"] + len(new_succeeded),
        failed=counts["failed"] + counted,
        completed=completed,
        failed_indexes=failed_indexes,
        last_failed=_last_failed(job, valid, active, completed, failed_indexes),
    )


def _completed(job: Object, new_succeeded: Sequence[Object]) -> IndexSet:
    if not is_indexed(job):
        return IndexSet()
    before = IndexSet.parse(status(job).get("completedIndexes") or "", completions(job) or 0)
    return before | IndexSet.of(_indexes(new_succeeded))


def _indexes(pods: Sequence[Object]) -> list[int]:
    return [index for pod in pods if (index := index_of(pod)) is not None]


def _failed_indexes(job: Object, valid: Sequence[Object]) -> IndexSet | None:
    limit = limit_per_index(job)
    if limit is None:
        return None
    before = IndexSet.parse(status(job).get("failedIndexes") or "", completions(job) or 0)
    return before | IndexSet.of(_indexes([pod for pod in valid if _ends_index(job, pod, limit)]))


def _ends_index(job: Object, pod: Object, limit: int) -> bool:
    if not has_failed(pod, job):
        return False
    judged = verdict(job, pod)
    return judged.action == "FailIndex" or (judged.counts and index_failures(pod) >= limit)


def _last_failed(
    job: Object, valid: Sequence[Object], active: Sequence[Object], done: IndexSet, failed: IndexSet | None
) -> dict[int, Object]:
    """A pod that runs already carries the count, and an index that is over needs none."""
    if failed is None:
        return {}
    over = done | failed | IndexSet.of(_indexes(active))
    last: dict[int, Object] = {}
    for pod in valid:
        index = index_of(pod)
        if index is None or index in over or not has_failed(pod, job):
            continue
        if index not in last or _order(pod) >= _order(last[index]):
            last[index] = pod
    return last


def _order(pod: Object) -> tuple[int, float]:
    return all_index_failures(pod), finished_at(pod)


def parallelism(job: Object) -> int:
    wanted = spec(job).get("parallelism")
    return 1 if wanted is None else int(wanted)
