"""A Deployment's status, and how its rollout fares. Pure. Reasons and sentences are Kubernetes'."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy

from orchestrator.api.meta import Object, condition, find_condition, generation, name, spec, status
from orchestrator.api.times import parse, rfc3339
from orchestrator.controllers.deployment_sizes import Limits, available, total

PROGRESSING = "Progressing"
_NEW_AVAILABLE = "NewReplicaSetAvailable"
_TIMED_OUT = "ProgressDeadlineExceeded"
_PAUSED = "DeploymentPaused"
#: Kubernetes' way to say "no deadline".
_NEVER = 2**31 - 1


def counts(deployment: Object, bounds: Limits, new: Object | None, sets: Sequence[Object], now: float) -> Object:
    """The numbers and the Available condition; numbers that are 0 are left out, as Kubernetes does."""
    serving = sum(available(rs) for rs in sets)
    numbers = {
        "observedGeneration": generation(deployment),
        "replicas": _sum(sets, "replicas"),
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": serving,
        "unavailableReplicas": max(0, total(sets) - serving),
        "collisionCount": int(status(deployment).get("collisionCount") or 0),
    }
    fresh: Object = {field: number for field, number in numbers.items() if number}
    fresh["conditions"] = deepcopy(status(deployment).get("conditions") or [])
    if serving >= bounds.least:
        _set(fresh, now, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        message = "Deployment does not have minimum availability."
        _set(fresh, now, "Available", "False", "MinimumReplicasUnavailable", message)
    return fresh


def _sum(sets: Iterable[Object], field: str) -> int:
    return sum(int(status(rs).get(field) or 0) for rs in sets)


def deadline(deployment: Object) -> int | None:
    """`progressDeadlineSeconds`, or None when progress is not watched."""
    seconds = spec(deployment).get("progressDeadlineSeconds")
    return None if seconds is None or int(seconds) == _NEVER else int(seconds)


def is_complete(deployment: Object, fresh: Object) -> bool:
    """All pods are of the newest template and available, and no old ones are left."""
    wanted = spec(deployment).get("replicas")
    wanted = 1 if wanted is None else int(wanted)
    fields = ("updatedReplicas", "replicas", "availableReplicas")
    seen = int(fresh.get("observedGeneration") or 0) >= generation(deployment)
    return seen and all(int(fresh.get(field) or 0) == wanted for field in fields)


def note_pause(deployment: Object, fresh: Object, now: float) -> None:
    """Say that the rollout is paused or goes on, so that the pause is not counted as lack of progress."""
    current = condition(deployment, PROGRESSING) or {}
    if deadline(deployment) is None or current.get("reason") == _TIMED_OUT:
        return
    if spec(deployment).get("paused"):
        _set(fresh, now, PROGRESSING, "Unknown", _PAUSED, "Deployment is paused")
    elif current.get("reason") == _PAUSED:
        _set(fresh, now, PROGRESSING, "Unknown", "DeploymentResumed", "Deployment is resumed")


def note_new_replica_set(fresh: Object, rs: Object, now: float, *, created: bool) -> None:
    """`created` just now; otherwise found, which counts only when nothing is known of the rollout yet."""
    if created:
        message = f'Created new replica set "{name(rs)}"'
        _set(fresh, now, PROGRESSING, "True", "NewReplicaSetCreated", message)
    elif find_condition(fresh["conditions"], PROGRESSING) is None:
        message = f'Found new replica set "{name(rs)}"'
        _set(fresh, now, PROGRESSING, "True", "FoundNewReplicaSet", message)


def note_create_failure(fresh: Object, message: str, now: float) -> None:
    _set(fresh, now, PROGRESSING, "False", "ReplicaSetCreateError", message)


def note_progress(deployment: Object, fresh: Object, new: Object | None, now: float) -> None:
    """Complete, progressing, or out of time; a rollout that completed before is not judged again."""
    if deadline(deployment) is None:
        fresh["conditions"] = [entry for entry in fresh["conditions"] if entry["type"] != PROGRESSING]
        return
    current = condition(deployment, PROGRESSING)
    settled = fresh.get("replicas") == fresh.get("updatedReplicas")
    if settled and current is not None and current.get("reason") == _NEW_AVAILABLE:
        return
    what = f'ReplicaSet "{name(new)}"' if new else f'Deployment "{name(deployment)}"'
    if is_complete(deployment, fresh):
        _set(fresh, now, PROGRESSING, "True", _NEW_AVAILABLE, f"{what} has successfully progressed.")
    elif _has_progressed(status(deployment), fresh):
        _set(fresh, now, PROGRESSING, "True", "ReplicaSetUpdated", f"{what} is progressing.", restart=True)
    elif _is_out_of_time(deployment, fresh, now):
        _set(fresh, now, PROGRESSING, "False", _TIMED_OUT, f"{what} has timed out progressing.")


def _has_progressed(before: Object, after: Object) -> bool:
    def number(source: Object, field: str) -> int:
        return int(source.get(field) or 0)

    def old(source: Object) -> int:
        return number(source, "replicas") - number(source, "updatedReplicas")

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old(after) < old(before) or any(number(after, field) > number(before, field) for field in grown)


def _is_out_of_time(deployment: Object, fresh: Object, now: float) -> bool:
    current = find_condition(fresh["conditions"], PROGRESSING)
    if current is None or current.get("reason") == _NEW_AVAILABLE:
        return False
    return current.get("reason") == _TIMED_OUT or _due(deployment, current) < now


def _due(deployment: Object, progressing: Object) -> float:
    return parse(progressing["lastUpdateTime"]) + (deadline(deployment) or 0)


def check_after(deployment: Object, fresh: Object, now: float) -> float | None:
    """Seconds until the rollout may be out of time; None when there is nothing to wait for."""
    current = find_condition(fresh["conditions"], PROGRESSING)
    if deadline(deployment) is None or current is None:
        return None
    if is_complete(deployment, fresh) or current.get("reason") in (_TIMED_OUT, _PAUSED):
        return None
    # Times are whole seconds: one more, so that the deadline has passed for sure.
    return max(0.0, _due(deployment, current) - now) + 1.0


def note_failures(fresh: Object, new: Object | None, sets: Iterable[Object], now: float) -> None:
    """A ReplicaSet's ReplicaFailure is the Deployment's too; the new one's before others'."""
    found = (condition(rs, "ReplicaFailure") for rs in ([new] if new else []) + list(sets))
    failure = next((entry for entry in found if entry is not None), None)
    if failure is None:
        fresh["conditions"] = [entry for entry in fresh["conditions"] if entry["type"] != "ReplicaFailure"]
    else:
        _set(fresh, now, "ReplicaFailure", failure["status"], failure.get("reason", ""), failure.get("message", ""))


def _set(fresh: Object, now: float, kind: str, state: str, reason: str, message: str, *, restart: bool = False) -> None:
    """Unlike other conditions, a Deployment's carry `lastUpdateTime`: when the reason last changed, or, with
    `restart`, now in any case."""
    conditions: list[Object] = fresh["conditions"]
    current = find_condition(conditions, kind)
    same_state = current is not None and current.get("status") == state
    if current is not None and same_state and current.get("reason") == reason and not restart:
        return
    moment = rfc3339(now)
    changed = {
        "type": kind,
        "status": state,
        "reason": reason,
        "message": message,
        "lastUpdateTime": moment,
        "lastTransitionTime": current["lastTransitionTime"] if current and same_state else moment,
    }
    fresh["conditions"] = [entry for entry in conditions if entry["type"] != kind] + [changed]
