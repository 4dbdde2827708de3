"""Counting pods that have ended, each exactly once, whenever the controller dies. Pure.

Three writes a pod: its uid is noted in `status.uncountedTerminatedPods`; its finalizer is taken off; its uid leaves the
status and the number grows, in one write. A pod with the finalizer is not counted yet, a noted one without it is to be
counted, and any other was. Succeeded pods of an Indexed Job need no note: their index says it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from orchestrator.api.meta import Object, is_deleting, status, uid
from orchestrator.controllers.job_end import End
from orchestrator.controllers.job_failure_policy import verdict
from orchestrator.controllers.job_pods import has_failed, has_succeeded, index_of, is_indexed, is_tracked, is_valid
from orchestrator.controllers.job_tally import Tally

#: Pods noted at a time: the status stays small, and a large Job lets others have their turn.
MOST = 500
_NOTED = ("succeeded", "failed")


@dataclass(frozen=True, slots=True)
class Count:
    """`noted` is the new `uncountedTerminatedPods`; `release` are the pods that need their finalizer no more, once the
    note is written. `whole` is False when more remain for another time."""

    noted: Object
    release: Sequence[Object]
    whole: bool


def note(job: Object, seen: Tally, end: End | None) -> Count:
    noted = {which: list((status(job).get("uncountedTerminatedPods") or {}).get(which) or ()) for which in _NOTED}
    known = {uid for uids in noted.values() for uid in uids}
    release: list[Object] = []
    for pod in seen.pods:
        if not is_tracked(pod) or not _may_go(job, pod, seen, end):
            continue
        if sum(map(len, noted.values())) >= MOST or len(release) >= MOST:
            return Count(_filled(noted), release, whole=False)
        release.append(pod)
        which = _kind(job, pod, end)
        if which and uid(pod) not in known:
            noted[which].append(uid(pod))
    return Count(_filled(noted), release, whole=True)


def _may_go(job: Object, pod: Object, seen: Tally, end: End | None) -> bool:
    """A failed pod whose index waits for another stays as it is: its annotations carry the count."""
    if is_deleting(job) or end is not None or has_succeeded(pod):
        return True
    last = seen.last_failed.get(index) if (index := index_of(pod)) is not None else None
    return has_failed(pod, job) and (last is None or uid(last) != uid(pod))


def _kind(job: Object, pod: Object, end: End | None) -> str:
    """As what the pod is noted; "" for not at all."""
    if not is_valid(pod, job):
        return ""
    if has_succeeded(pod):
        return "" if is_indexed(job) else "succeeded"
    # What still runs when a Job fails has failed with it; when a Job succeeds, it was just not needed.
    gave_up = end is not None and not end.is_success
    return "failed" if (gave_up or has_failed(pod, job)) and verdict(job, pod).counts else ""


def _filled(noted: dict[str, list[str]]) -> Object:
    return {which: uids for which, uids in noted.items() if uids}


def settle(status: Object, tracked: Collection[str]) -> Object:
    """The status with those counted whose finalizer is gone; `tracked` are the uids of pods that still have it."""
    uncounted = status.get("uncountedTerminatedPods") or {}
    fresh = dict(status)
    kept: dict[str, list[str]] = {}
    for which in _NOTED:
        uids = uncounted.get(which) or []
        kept[which] = [uid for uid in uids if uid in tracked]
        if counted := len(uids) - len(kept[which]):
            fresh[which] = int(status.get(which) or 0) + counted
    fresh["uncountedTerminatedPods"] = _filled(kept)
    return fresh
