"""Which pods a Job makes and which it stops. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from orchestrator.api.meta import Object, is_deleting
from orchestrator.controllers.index_set import IndexSet
from orchestrator.controllers.job_backoff import Backoff, remaining_of_index
from orchestrator.controllers.job_end import End
from orchestrator.controllers.job_pods import (
    completions,
    index_of,
    is_indexed,
    is_suspended,
    limit_per_index,
    replaces_only_failed,
)
from orchestrator.controllers.job_tally import Tally, parallelism
from orchestrator.controllers.replicaset_plan import BURST, victims


@dataclass(frozen=True, slots=True)
class Birth:
    """A pod to make: of an Indexed Job, for `index`; `replaces` is the failed one whose count it takes over."""

    index: int | None = None
    replaces: Object | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """Pods to make, or pods to stop. `stop` are counted as they end; `drop` are not counted at all. `wait` are the
    seconds until failed pods may be replaced."""

    create: Sequence[Birth] = ()
    stop: Sequence[Object] = ()
    drop: Sequence[Object] = ()
    wait: float | None = None


def steps(job: Object, seen: Tally, end: End | None, backoff: Backoff, now: float) -> Steps:
    if end is not None:
        return Steps(stop=seen.active)
    if is_deleting(job):
        return Steps()
    if is_suspended(job):
        return Steps(drop=seen.active)
    wanted = _wanted(job, seen)
    surplus = _surplus(job, seen, wanted, now)
    if surplus:
        return Steps(drop=surplus[:BURST])
    busy = len(seen.active) + (len(seen.terminating) if replaces_only_failed(job) else 0)
    return _births(job, seen, min(wanted - busy, BURST), backoff, now) if wanted > busy else Steps()


def _wanted(job: Object, seen: Tally) -> int:
    """How many pods are to be active."""
    total = completions(job)
    if total is None:
        # One that succeeded says that the work is done: the others end, and none is made.
        return len(seen.active) if seen.succeeded else parallelism(job)
    return max(0, min(total - seen.succeeded, parallelism(job)))


def _surplus(job: Object, seen: Tally, wanted: int, now: float) -> list[Object]:
    needless, useful = _needless(job, seen.active, now) if is_indexed(job) else ([], seen.active)
    more = len(seen.active) - wanted - len(needless)
    return needless + victims(useful, useful, more, now) if more > 0 else needless


def _needless(job: Object, active: Sequence[Object], now: float) -> tuple[list[Object], list[Object]]:
    """Pods without an index that is needed, and all but the most advanced of those that share one; and the others."""
    by_index: dict[int, list[Object]] = {}
    needless: list[Object] = []
    for pod in active:
        index = index_of(pod)
        if index is None or index >= (completions(job) or 0):
            needless.append(pod)
        else:
            by_index.setdefault(index, []).append(pod)
    useful: list[Object] = []
    for pods in by_index.values():
        ranked = victims(pods, pods, len(pods), now)
        needless += ranked[:-1]
        useful.append(ranked[-1])
    return needless, useful


def _births(job: Object, seen: Tally, count: int, backoff: Backoff, now: float) -> Steps:
    if limit_per_index(job) is not None:
        return _births_by_index(job, seen, count, now)
    wait = backoff.remaining(now)
    if wait > 0:
        return Steps(wait=wait)
    if not is_indexed(job):
        return Steps(create=[Birth()] * count)
    return Steps(create=[Birth(index) for index in islice(_pending(job, seen), count)])


def _births_by_index(job: Object, seen: Tally, count: int, now: float) -> Steps:
    """Every index waits for itself."""
    births = [Birth(index, seen.last_failed.get(index)) for index in islice(_pending(job, seen), count)]
    waits = [remaining_of_index(birth.replaces, now) for birth in births]
    due = [birth for birth, wait in zip(births, waits, strict=True) if wait <= 0]
    return Steps(create=due, wait=min((wait for wait in waits if wait > 0), default=None))


def _pending(job: Object, seen: Tally) -> Iterator[int]:
    """The indexes that are neither done nor given up nor worked on, in order."""
    busy = [*seen.active, *(seen.terminating if replaces_only_failed(job) else ())]
    taken = IndexSet.of([index for pod in busy if (index := index_of(pod)) is not None])
    over = seen.completed | (seen.failed_indexes or IndexSet()) | taken
    return over.missing(completions(job) or 0)
