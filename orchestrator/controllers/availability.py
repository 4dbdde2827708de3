"""When a pod counts as available: ready for `minReadySeconds` without a break. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.api.meta import Object, condition
from orchestrator.api.pods import is_ready
from orchestrator.api.times import parse


def ready_since(pod: Object) -> float | None:
    """When the pod became ready (seconds since the epoch), or None when it is not."""
    if not is_ready(pod):
        return None
    return parse((condition(pod, "Ready") or {}).get("lastTransitionTime") or "1970-01-01T00:00:00Z")


def is_available(pod: Object, min_ready_seconds: int, now: float) -> bool:
    since = ready_since(pod)
    return since is not None and (min_ready_seconds == 0 or since + min_ready_seconds <= now)


def next_available(pods: Iterable[Object], min_ready_seconds: int, now: float) -> float | None:
    """Seconds until the next ready pod becomes available, or None when there is none to wait for."""
    waits = [since + min_ready_seconds - now for pod in pods if (since := ready_since(pod)) is not None]
    return min((wait for wait in waits if wait > 0), default=None) if min_ready_seconds else None
