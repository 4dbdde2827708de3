"""What a Job does next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.api.meta import Object, spec
from orchestrator.controllers.job_backoff import Backoff
from orchestrator.controllers.job_count import note
from orchestrator.controllers.job_end import deadline_in, find_end
from orchestrator.controllers.job_pods import has_failed, has_succeeded
from orchestrator.controllers.job_status import status_of
from orchestrator.controllers.job_steps import Birth, steps
from orchestrator.controllers.job_tally import tally

#: Who `spec.managedBy` names when it is the controller here.
MANAGER = "kubernetes.io/job-controller"


@dataclass(frozen=True, slots=True)
class Plan:
    """In this order: pods to create or to stop (`stop` are counted, `drop` lose their finalizer first and are not);
    the status to write; the pods whose finalizer can go then. After that `job_status.settled` makes the final status;
    `whole` is for it. `backoff` is to be remembered once the status is written; `check_after` are the seconds until
    time alone changes something."""

    create: Sequence[Birth]
    stop: Sequence[Object]
    drop: Sequence[Object]
    status: Object
    release: Sequence[Object]
    whole: bool
    backoff: Backoff
    check_after: float | None


def is_managed_elsewhere(job: Object) -> bool:
    return spec(job).get("managedBy") not in (None, MANAGER)


def plan(job: Object, pods: Sequence[Object], remembered: Backoff | None, now: float) -> Plan:
    """`pods` are all that the Job controls; every one that it has made, stopped or released must be seen as such.
    `remembered` is the last plan's `backoff`, None after a restart."""
    seen = tally(job, pods)
    end = find_end(job, seen, now)
    if remembered is None:
        ended = [pod for pod in pods if has_succeeded(pod)], [pod for pod in pods if has_failed(pod, job)]
        backoff = Backoff().after(*ended)
    else:
        backoff = remembered.after(seen.new_succeeded, seen.new_failed)
    moves = steps(job, seen, end, backoff, now)
    count = note(job, seen, end)
    waits = [wait for wait in (moves.wait, None if end else deadline_in(job, now)) if wait is not None]
    return Plan(
        create=moves.create,
        stop=moves.stop,
        drop=moves.drop,
        status=status_of(job, seen, end, moves, count, now),
        release=count.release,
        whole=count.whole,
        backoff=backoff,
        check_after=min(waits, default=None),
    )
