"""What a Job's pods say about themselves. Pure."""

from __future__ import annotations

from orchestrator.api.meta import Object, condition, deletion_timestamp, finalizers, is_deleting, spec, status
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.pods import init_containers, is_sidecar, phase
from orchestrator.api.strategies.job_rules import INDEXED
from orchestrator.api.times import parse

#: Holds a pod until its end is counted in its Job's status.
TRACKING = "batch.kubernetes.io/job-tracking"
#: Annotation and label: which part of the work an Indexed Job's pod does.
INDEX = "batch.kubernetes.io/job-completion-index"
#: How many pods of the index failed before this one: those that count, and those that a policy ignores.
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
INDEX_IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"


def is_indexed(job: Object) -> bool:
    return spec(job).get("completionMode") == INDEXED


def is_suspended(job: Object) -> bool:
    return bool(spec(job).get("suspend"))


def completions(job: Object) -> int | None:
    """None: one success is enough, and whatever runs beside it may end by itself."""
    wanted = spec(job).get("completions")
    return None if wanted is None else int(wanted)


def replaces_only_failed(job: Object) -> bool:
    """A pod that is being deleted counts until it has ended: two never do the same work at a time."""
    return spec(job).get("podReplacementPolicy") == "Failed"


def limit_per_index(job: Object) -> int | None:
    limit = spec(job).get("backoffLimitPerIndex")
    return None if limit is None else int(limit)


def is_tracked(pod: Object) -> bool:
    return TRACKING in finalizers(pod)


def index_of(pod: Object) -> int | None:
    """None when it has none, or nonsense."""
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isascii() and text.isdigit() else None


def is_valid(pod: Object, job: Object) -> bool:
    """It does a part of the work that there is: in an Indexed Job, an index below `completions`."""
    if not is_indexed(job):
        return True
    index = index_of(pod)
    return index is not None and index < (completions(job) or 0)


def has_succeeded(pod: Object) -> bool:
    return phase(pod) == "Succeeded"


def has_failed(pod: Object, job: Object) -> bool:
    """Deleted pods count too, as some never get to say how they ended, unless the Job waits for just that."""
    if phase(pod) == "Failed":
        return True
    return not replaces_only_failed(job) and is_deleting(pod) and not has_succeeded(pod)


def index_failures(pod: Object) -> int:
    """How many pods of the same index failed before it and counted."""
    return _number(pod, INDEX_FAILURES)


def all_index_failures(pod: Object) -> int:
    """... including those that a policy ignored."""
    return index_failures(pod) + _number(pod, INDEX_IGNORED)


def _number(pod: Object, annotation: str) -> int:
    text = annotations_of(pod).get(annotation, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def finished_at(pod: Object) -> float:
    """When it ended, in seconds since the epoch: when its last container did; else when it stopped being ready, or was
    deleted; else, which says least, when it was made."""
    from_containers = _containers_finished_at(pod)
    if from_containers is not None:
        return from_containers
    ready = condition(pod, "Ready") or {}
    if ready.get("status") == "False" and ready.get("lastTransitionTime"):
        return parse(ready["lastTransitionTime"])
    if is_deleting(pod):
        return parse(deletion_timestamp(pod)) - int(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
    return parse(pod["metadata"]["creationTimestamp"])


def _containers_finished_at(pod: Object) -> float | None:
    """None while one of them has not ended. Sidecars end last; other init containers end before anything matters."""
    sidecars = {container["name"] for container in init_containers(pod) if is_sidecar(container)}
    entries = [
        *(status(pod).get("containerStatuses") or []),
        *(entry for entry in status(pod).get("initContainerStatuses") or [] if entry.get("name") in sidecars),
    ]
    moments = [str(((entry.get("state") or {}).get("terminated") or {}).get("finishedAt") or "") for entry in entries]
    return max(map(parse, moments)) if moments and all(moments) else None
